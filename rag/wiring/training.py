"""Trainers: the model of the settings, the recipe, the data, and where the result is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import msgspec

from rag.errors import BadInput
from rag.settings import Settings, models_folder
from rag.showing import Show
from rag.training.drawing import Drawing
from rag.training.recipes import FirstRecipe, RankerRecipe, RetrieverRecipe, RewriterRecipe
from rag.training.values import Group, Preference
from rag.values import Frozen

if TYPE_CHECKING:
    from rag.llms.teaching import Means
    from rag.llms.tuition import Tuition
    from rag.training.history import History
    from rerankers.training.exercises import Exercise, Limits

REPORT = "training.json"
LOOKED_AT = 60  # chosen: groups of the held-out part that are looked at

Recipe = RetrieverRecipe | RankerRecipe | FirstRecipe | RewriterRecipe


@dataclass(frozen=True, slots=True)
class Training(Frozen):
    """What is trained on what, and where it goes.

    `told` are facts for the report: data, exclusion, commit and machine. `data` is a digest of what
    is learnt from.
    """

    settings: Settings
    out: Path
    show: Show
    data: str
    told: Mapping[str, object] = field(default_factory=dict)

    def beside(self, kind: str, base: str, recipe: Recipe) -> Callable[[Path, History], None]:
        """Return what writes the report's figures beside the model."""

        def write(folder: Path, history: History) -> None:
            report = {
                "kind": kind,
                "base": base,
                "recipe": asdict(recipe),
                **self.told,
                "history": history.as_data(),
            }
            text = msgspec.json.format(msgspec.json.encode(report))
            (folder / REPORT).write_bytes(text + b"\n")

        return write

    def digest(self, base: str, recipe: Recipe, means: Means | None = None) -> str:
        """Return a digest of all that decides the result."""
        told = [base, self.data, asdict(recipe), asdict(means) if means else {}]
        return hashlib.sha256(msgspec.json.encode(told, order="deterministic")).hexdigest()


def train_retriever(
    of: Training, groups: Sequence[Group], held: Sequence[Group], recipe: RetrieverRecipe
) -> History:
    """Train the encoder of the settings and write it.

    Raises:
        BadInput, ModelUnavailable, OutOfMemory: as the loop.
    """
    from indexers.encoders.packaged import PACKAGED_NAME
    from indexers.training.contrast import teach
    from indexers.training.courses import PairingCourse, looking
    from rag.training.loop import train

    pupil = teach(
        of.settings.encoder.model,
        objective=recipe.objective,
        temperature=recipe.temperature,
        passage_tokens=recipe.passage_tokens,
    )
    groups = _learnable(groups)
    course = PairingCourse(
        Drawing(groups, recipe.pace.seed),
        recipe.pace.count(len(groups)),
        min(recipe.pace.batch, len(groups)),
        recipe.hard,
        recipe.depth,
        recipe.every,
    )
    base = of.settings.encoder.model or PACKAGED_NAME
    look = looking(pupil, held) if held else None
    digest, beside = of.digest(base, recipe), of.beside("retriever", base, recipe)
    return train(pupil, course, recipe.pace.plan(), of.out, digest, of.show, look, beside)


def train_ranker(
    of: Training,
    groups: Sequence[Group],
    held: Sequence[Group],
    recipe: RankerRecipe,
    means: Means,
    kind: str = "ranker",
) -> History:
    """Train the language model of the settings to rank one passage at a time.

    Raises:
        BadInput, ModelUnavailable, OutOfMemory: as the loop.
    """
    from rag.training.loop import train
    from rerankers.training.courses import PointwiseCourse
    from rerankers.training.exercises import pointwise
    from rerankers.training.looking import looking

    base, pupil = _pupil(of.settings, means)
    limits = _limits(pupil, recipe.query_tokens, recipe.passage_tokens)
    groups = _learnable(groups)
    pace = recipe.pace
    course = PointwiseCourse(
        Drawing(groups, pace.seed),
        limits,
        recipe.method,
        recipe.objective,
        pace.count(len(groups)),
        pace.batch,
        recipe.size,
        recipe.hard,
    )
    shown = [
        pointwise(recipe.method, group.query, group.passages[: 2 * recipe.size], limits)
        for group in held[:LOOKED_AT]
    ]
    look = looking(pupil, shown) if shown else None
    digest, beside = of.digest(base, recipe, means), of.beside(kind, base, recipe)
    return train(pupil, course, pace.plan(), of.out, digest, of.show, look, beside)


def train_first(
    of: Training,
    groups: Sequence[Group],
    held: Sequence[Group],
    recipe: FirstRecipe,
    means: Means,
) -> History:
    """Train the language model of the settings to rank windows by their first letter.

    Raises:
        BadInput, ModelUnavailable, OutOfMemory: as the loop.
    """
    from rag.training.loop import train
    from rerankers.training.courses import WindowCourse, parse_stages
    from rerankers.training.exercises import TAUGHT
    from rerankers.training.looking import looking

    if recipe.taught not in TAUGHT:
        raise BadInput(f"FIRST cannot be taught '{recipe.taught}': take {', '.join(TAUGHT)}")
    stages = parse_stages(recipe.stages)
    base, pupil = _pupil(of.settings, means)
    limits = _limits(pupil, recipe.query_tokens, recipe.passage_tokens)
    groups = _learnable(groups)
    drawing = Drawing(groups, recipe.pace.seed)
    course = WindowCourse(
        drawing, limits, stages, recipe.objective, recipe.taught, recipe.pace.batch, recipe.vary
    )
    last = stages[-1]
    shown = _windows(held, replace(limits, passage=last.tokens), last.size, last.hard)
    look = looking(pupil, shown) if shown else None
    digest, beside = of.digest(base, recipe, means), of.beside("first", base, recipe)
    return train(pupil, course, recipe.pace.plan(), of.out, digest, of.show, look, beside)


def train_rewriter(
    of: Training, lines: Sequence[Preference], recipe: RewriterRecipe, means: Means
) -> History:
    """Train the language model of the settings to write what helps search.

    Raises:
        BadInput, ModelUnavailable, OutOfMemory: as the loop.
    """
    from rag.training.loop import train
    from rag.training.rewriting import RewriterCourse, reference, usable

    base, pupil = _pupil(of.settings, means)
    lines = usable(lines, recipe.objective)
    before = reference(pupil, lines) if recipe.objective == "dpo" else {}
    pace = recipe.pace
    chance = Random(pace.seed)  # noqa: S311 - not for secrets
    course = RewriterCourse(
        chance.sample(lines, len(lines)), before, pace.count(len(lines)), pace.batch, recipe.beta
    )
    digest, beside = of.digest(base, recipe, means), of.beside("rewriter", base, recipe)
    return train(pupil, course, pace.plan(), of.out, digest, of.show, None, beside)


def _pupil(settings: Settings, means: Means) -> tuple[str, Tuition]:
    """Return the settings' language model, by its name, ready to learn.

    Raises:
        BadInput: it is on a server.
        ModelUnavailable: it cannot be opened.
    """
    from rag.llms import embedded
    from rag.llms.teaching import teach

    if settings.llm.url and not settings.llm.model:
        raise BadInput("a model on a server cannot be trained: name a folder with --model")
    path = settings.llm.model or str(embedded.converted(models_folder(settings)))
    return settings.llm.model or embedded.NAME, teach(path, means)


def _limits(pupil: Tuition, query: int, passage: int) -> Limits:
    from rerankers.training.exercises import Limits

    count = pupil.renderer.continuation
    return Limits(lambda text: len(count(text)), query, passage)


def _learnable(groups: Sequence[Group]) -> list[Group]:
    """Return the groups that have a positive, or a teacher's scores of all their passages."""
    return [g for g in groups if g.positives or all(p.score is not None for p in g.passages)]


def _windows(held: Sequence[Group], limits: Limits, size: int, hard: float) -> list[Exercise]:
    from rerankers.training.exercises import window

    groups = _learnable(held)
    if not groups:
        return []
    drawing = Drawing(groups, 0)
    return [
        window(group.query, drawing.passages(group, size, hard, place), limits)
        for place, group in enumerate(groups[:LOOKED_AT])
    ]
