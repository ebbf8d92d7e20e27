"""Training the router on one's own outcomes, and what can be expected of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from rag.errors import BadInput
from rag.route.classifier import Classifier
from rag.route.features import features
from rag.route.fitting import Example, fit
from rag.route.routes import DEFAULT, KINDS, Kind
from rag.route.silver import Labelled, Silver, read_outcomes, silver
from rag.values import Frozen

LEAST = 20  # chosen: with fewer, one question is worth more than 5 % of the accuracy


@dataclass(frozen=True, slots=True)
class Report(Frozen):
    """How the router routes questions that it was not trained on.

    Args:
        silver: the labels, with their counts.
        accuracy: share of the labelled questions that got their label, held out.
        baseline: that share where every question is searched for once.
        confusion: questions by label and then by route, held out.
        answered: share of the labelled questions that were answered right, by "routed" (held out),
            by each kind for all, and by "best", the right kind for each.
        classifier: of all labelled questions.
    """

    silver: Silver
    accuracy: float
    baseline: float
    confusion: Mapping[Kind, Mapping[Kind, int]]
    answered: Mapping[str, float]

    def __str__(self) -> str:
        """Return the report in lines for people."""
        made = self.silver
        labels = (
            f"{_counted(made.solved)} by what answered them, {_counted(made.biased)} by their set"
        )
        right = f"{self.accuracy:.2f} (always {DEFAULT}: {self.baseline:.2f})"
        answered = ", ".join(f"{way} {share:.2f}" for way, share in self.answered.items())
        return "\n".join(
            [
                f"{len(made.labelled)} questions: {labels}; {made.left_out} left out",
                f"right routes, held out: {right}",
                *(f"  {kind} routed as {_counted(row)}" for kind, row in self.confusion.items()),
                f"right answers: {answered}",
            ]
        )


def train(
    path: Path,
    trained: date,
    *,
    fusion: str = "dbsf",
    l2: float = 1.0,
    folds: int = 5,
    seed: int = 0,
) -> tuple[Classifier, Report]:
    """Return a model of a file of outcomes, and how it does on questions it has not seen.

    The model is fitted on all labelled questions. The report is of `folds` others, each fitted
    without the questions that it routes.

    Args:
        path: a JSON-lines file, as `rag.route.silver.read_outcomes` takes.
        trained: the date that the model will bear.
        fusion: whose scores the file has, if it has any.
        l2: penalty, as in `fit`.
        folds: 2 at least.
        seed: of the folds.

    Raises:
        BadInput: the file is no file of outcomes, fewer than 20 questions have a label, all have
            the same one, or a number is out of range.
    """
    if folds < 2:
        raise BadInput(f"folds is {folds}: give 2 at least")
    made = silver(read_outcomes(path))
    examples = [
        Example(features(o.outcome.question, o.outcome.scores), o.kind) for o in made.labelled
    ]
    _check(path, made)
    routed = _held_out(made.labelled, examples, lambda some: fit(some, trained, l2), folds, seed)
    report = _report(made, routed)
    scored = any(one.outcome.scores for one in made.labelled)
    model = fit(examples, trained, l2)
    return replace(model, accuracy=report.accuracy, fusion=fusion if scored else ""), report


def stratified(
    labelled: Sequence[Labelled], folds: int = 5, seed: int = 0
) -> tuple[tuple[int, ...], ...]:
    """Return the places of the questions of each fold: shuffled, each kind dealt out evenly.

    A question that was logged more than once has all its places in one fold, whatever its case and
    spaces, so that none is tested on what it was trained on.
    """
    places: dict[str, list[int]] = {}
    for place, one in enumerate(labelled):
        places.setdefault(" ".join(one.outcome.question.casefold().split()), []).append(place)
    groups = list(places.values())
    np.random.default_rng(seed).shuffle(groups)
    groups.sort(key=lambda group: labelled[group[0]].kind)  # stable: shuffled within a kind
    return tuple(
        tuple(sorted(place for group in groups[fold::folds] for place in group))
        for fold in range(folds)
    )


def _check(path: Path, made: Silver) -> None:
    count, kinds = len(made.labelled), {one.kind for one in made.labelled}
    if count < LEAST:
        raise BadInput(
            f"{path}: {count} outcomes have a label ({made.left_out} have none, for nothing "
            f"answered them and 'hops' is empty): log {LEAST} at least"
        )
    if len(kinds) < 2:
        raise BadInput(
            f"{path}: all {count} questions are of kind {min(kinds)}, so there is nothing to "
            "choose: log questions of another kind, or do not route"
        )


def _held_out(
    labelled: Sequence[Labelled],
    examples: Sequence[Example],
    fitted: Callable[[Sequence[Example]], Classifier],
    folds: int,
    seed: int,
) -> list[Kind]:
    """Return the route of each question by a model that was fitted without its fold."""
    routed: list[Kind] = [DEFAULT] * len(examples)
    for fold in stratified(labelled, folds, seed):
        others = [example for place, example in enumerate(examples) if place not in set(fold)]
        if fold and len({example.kind for example in others}) > 1:
            model = fitted(others)
            for place in fold:
                routed[place] = model.route(examples[place].features).kind
    return routed


def _report(made: Silver, routed: Sequence[Kind]) -> Report:
    labelled = made.labelled
    confusion = {label: dict.fromkeys(KINDS, 0) for label in KINDS}
    for one, kind in zip(labelled, routed, strict=True):
        confusion[one.kind][kind] += 1
    ways: dict[str, Sequence[Kind]] = {
        "routed": routed,
        **{f"always {kind}": [kind] * len(labelled) for kind in KINDS},
        "best": [one.kind for one in labelled],
    }
    return Report(
        silver=made,
        accuracy=sum(confusion[kind][kind] for kind in KINDS) / len(labelled),
        baseline=sum(confusion[DEFAULT].values()) / len(labelled),
        confusion=confusion,
        answered={way: _answered(labelled, kinds) for way, kinds in ways.items()},
    )


def _answered(labelled: Sequence[Labelled], kinds: Sequence[Kind]) -> float:
    right = [one.outcome.right.get(kind, False) for one, kind in zip(labelled, kinds, strict=True)]
    return sum(right) / len(right)


def _counted(counts: Mapping[Kind, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
