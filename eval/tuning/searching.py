"""The search: the baseline first, then one proposal after the other, each kept as it is done."""

import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from eval.experiments.opening import Build, OpenLLM
from eval.experiments.reading import read_corpus
from eval.experiments.running import alone
from eval.experiments.sources import digest, sources
from eval.tuning.definition import Study
from eval.tuning.evaluating import Evaluator
from eval.tuning.halves import HALVES, Half, Halves
from eval.tuning.journal import Head, Journal, journal
from eval.tuning.objectives import Aim, aim, dominated
from eval.tuning.proposing import Seen, chosen_sampler, propose
from eval.tuning.space import Point, point_of
from eval.tuning.values import Figures, Found, Trial
from rag.errors import Unavailable
from rag.showing import Show

BASELINE = 0
FAILURES = 3  # chosen: so many after one another are no fault of the points

Evaluate: TypeAlias = Callable[[str, Point, Half], Awaitable[Figures]]
"""Returns the figures of a point, by a name for it, over a half of the queries."""


async def run_study(
    study: Study, split: Halves, out: Path, build: Build, open_llm: OpenLLM, show: Show
) -> Found:
    """Return what a study finds; what an earlier run has evaluated is not evaluated again.

    Args:
        study: what is searched, and for what.
        split: its queries.
        out: folder of the journal, and in `work` of the stages that are kept.
        build: makes an engine of settings.
        open_llm: opens the language model of settings.
        show: is told how far it is.

    Raises:
        BadCollection: a collection cannot be read.
        BadInput: another study's journal lies in the folder.
        Unavailable: the baseline cannot be evaluated, or point after point fails.
        StoreLocked: another run is at work in the folder.
    """
    tested = {one.name: one for half in HALVES for one in split.of[half]}
    corpora = [read_corpus(one, study.settings.index).fingerprint for one in tested.values()]
    head = Head(study.table.name, identity(study, corpora))
    work = out / "work"
    with alone(work), journal(out, head) as kept:
        evaluator = Evaluator(study, split, work, build, open_llm, show)
        try:
            return await search(study, evaluator.evaluate, kept)
        finally:
            await evaluator.close()


def identity(study: Study, corpora: Sequence[str]) -> str:
    """Return what decides the figures of points; how long is searched, and limits, do not."""
    table = msgspec.structs.replace(study.table, trials=1, budget=0.0, sampler="botorch")
    decides = {
        name: value
        for name, value in msgspec.structs.asdict(table).items()
        if name not in ("name", "limits", "collections")
    }
    sections = ("encoder", "sparse", "index", "search", "rerank", "llm")
    settings = [
        {
            key: value
            for key, value in msgspec.structs.asdict(getattr(study.settings, name)).items()
            if key not in ("api_key", "cache", "replies_mb")
        }
        for name in sections
    ]
    queries = [[one.name, one.split, one.queries] for one in study.table.collections]
    return digest([decides, settings, queries, list(corpora), sources()])


async def search(study: Study, evaluate: Evaluate, kept: Journal) -> Found:
    """Return the trials of a study, and the other half's figures of those that matter."""
    if not kept.trials:
        first = await _evaluated(evaluate, Trial(BASELINE, "baseline", {}, Figures()))
        if first.figures.error:
            raise Unavailable(
                f"the baseline cannot be evaluated: {first.figures.error}: without it there is "
                "nothing to compare with"
            )
        kept.add(first)
    ended = await _searched(study, evaluate, kept)
    trials = tuple(kept.trials)
    held_out = {}
    for trial in (trials[BASELINE], *front(study, trials)):
        if trial.number not in held_out:
            held_out[trial.number] = await evaluate(_name(trial), trial.point, "held out")
    return Found(trials, held_out, ended)


def front(study: Study, trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Return the trials that no other dominates on the tuning half, the baseline among all."""
    sound = [trial for trial in trials if not trial.figures.error]
    aims = [_aim(study, trial, trials).values for trial in sound]
    return tuple(trial for trial, beaten in zip(sound, dominated(aims), strict=True) if not beaten)


async def _searched(study: Study, evaluate: Evaluate, kept: Journal) -> str:
    """Evaluate proposals, and return why no more of them."""
    table = study.table
    sampler, _ = chosen_sampler(table.sampler)
    failed = 0
    while len(kept.trials) <= table.trials:
        seconds = sum(trial.seconds for trial in kept.trials)
        if table.budget and seconds >= table.budget:
            return f"the budget of {table.budget:g} s is spent"
        seen = [_seen(study, trial, kept.trials) for trial in kept.trials]
        proposal = propose(
            study.space, [one for one in seen if one is not None], sampler, table.seed
        )
        if proposal is None:
            return "no point is left that was not evaluated"
        trial = Trial(len(kept.trials), proposal.by, dict(proposal.point), Figures())
        done = await _evaluated(evaluate, trial)
        failed = failed + 1 if done.figures.error else 0
        if failed == FAILURES:
            raise Unavailable(
                f"{FAILURES} points after one another failed, the last by {done.figures.error}: "
                "mend that and run again to go on"
            )
        kept.add(done)
    return f"all {table.trials:,} trials are done"


async def _evaluated(evaluate: Evaluate, trial: Trial) -> Trial:
    """Return a trial with its figures; one that fails is tried once more, then says why."""
    began = time.monotonic()
    figures = Figures()
    for _ in range(2):
        try:
            figures = await evaluate(_name(trial), trial.point, "tuning")
        except Unavailable as error:
            figures = Figures(error=f"{type(error).__name__}: {error}")
        if not figures.error:
            break
    return msgspec.structs.replace(
        trial, figures=figures, seconds=round(time.monotonic() - began, 3)
    )


def _aim(study: Study, trial: Trial, trials: Sequence[Trial]) -> Aim:
    baseline, wanted = trials[BASELINE].figures, study.table.objectives
    return aim(trial.figures, baseline, wanted, study.table.seed)


def _seen(study: Study, trial: Trial, trials: Sequence[Trial]) -> Seen | None:
    """Return what a sampler is told of a trial; nothing of a baseline outside the space."""
    point = trial.point if trial.number else point_of(study.space, study.settings)
    if point is None:
        return None
    return Seen(point, None if trial.figures.error else _aim(study, trial, trials))


def _name(trial: Trial) -> str:
    return f"trial-{trial.number}" if trial.number else "baseline"
