"""A point evaluated: as a system of an experiment, whose stages are kept and shared."""

from collections.abc import Sequence
from pathlib import Path

from eval.data.run_table import RunTable
from eval.experiments.opening import Build, Opened, OpenLLM
from eval.experiments.reading import Corpus, Tested, read_corpus
from eval.experiments.record import Price, Row
from eval.experiments.running import Runner, SystemRun, run_system
from eval.measures import Measure, evaluate, pack, parse
from eval.tuning.definition import Study
from eval.tuning.halves import Half, Halves
from eval.tuning.space import Point, system_at
from eval.tuning.values import Figures
from rag.errors import BadInput
from rag.settings import changed
from rag.showing import Show

MILLION = 1_000_000


class Evaluator:
    """Evaluates points of a study; what points have in common is done once.

    Replies of a language model are not taken from its cache: their time and tokens are measured.

    Args:
        study: what is searched.
        halves: the queries.
        work: the folder where stages are kept.
        build: makes an engine of settings.
        open_llm: opens the language model of settings.
        show: is told how far it is.
    """

    def __init__(
        self,
        study: Study,
        halves: Halves,
        work: Path,
        build: Build,
        open_llm: OpenLLM,
        show: Show,
    ) -> None:
        self._study, self._halves = study, halves
        self._settings = changed(study.settings, {"llm": {"replies_mb": 0}})
        self._opened = Opened(work, build, open_llm, show)
        self._runner = Runner(work, show)
        self._corpora: dict[str, Corpus] = {}
        self._measure = parse(study.table.objectives.quality)

    async def evaluate(self, name: str, point: Point, half: Half) -> Figures:
        """Return the figures of a point over a half of the queries.

        Raises:
            BadCollection: a collection cannot be read.
            BadInput: a model has no price, and cost is an objective.
            StoreUnavailable: the store does not answer.
        """
        found = Figures()
        for tested in self._halves.of[half]:
            try:
                run = await self._run(name, point, tested)
            finally:
                await self._opened.forget_rerankers()
            if trouble := troubled(run.rows):
                return Figures(error=f"{tested.name}: {trouble}")
            found = _joined(found, self._figures(run, tested))
        return found

    async def close(self) -> None:
        """Release everything."""
        await self._opened.close()

    async def _run(self, name: str, point: Point, tested: Tested) -> SystemRun:
        system = system_at(name, self._settings, point)
        settings = changed(self._settings, system.settings)
        if tested.name not in self._corpora:
            self._corpora[tested.name] = read_corpus(tested, settings.index)
        corpus, depth = self._corpora[tested.name], self._study.table.depth
        ready = await self._opened.ready(system, settings, tested, corpus, depth)
        return await run_system(system, ready, tested, self._runner, depth)

    def _figures(self, run: SystemRun, tested: Tested) -> Figures:
        table = self._study.table
        wants_cost = table.objectives.cost or bool(table.limits.cost)
        return Figures(
            quality=scored(run, tested, self._measure),
            ms=tuple(round(sum(cost.ms for cost in row.stages), 3) for row in run.rows),
            cost=spent(run, table.prices) if wants_cost else (0.0,) * len(run.rows),
        )


def scored(run: SystemRun, tested: Tested, measure: Measure) -> tuple[float, ...]:
    """Return a measure of every query, in the collection's order."""
    packed = pack(RunTable.of(run.ranked), tested.qrels)
    by_id = dict(zip(packed.queries, evaluate(packed, [measure])[measure].tolist(), strict=True))
    return tuple(round(by_id[query_id], 6) for query_id in tested.queries)


def spent(run: SystemRun, prices: Sequence[Price]) -> tuple[float, ...]:
    """Return what the tokens of every query cost.

    Raises:
        BadInput: tokens were read by a model that has no price.
    """
    by_model = {price.model: price for price in prices}
    priced = [by_model[one.model] for one in run.lineage if one.model in by_model]
    found = []
    for row in run.rows:
        read = sum(cost.tokens_in for cost in row.stages)
        wrote = sum(cost.tokens_out for cost in row.stages)
        if read + wrote and not priced:
            models = ", ".join(f"'{one.model}'" for one in run.lineage) or "a model"
            raise BadInput(f"[[prices]] say nothing about {models}: add what it costs")
        price = priced[0] if priced else Price("", 0.0, 0.0)
        found.append((read * price.tokens_in + wrote * price.tokens_out) / MILLION)
    return tuple(found)


def troubled(rows: Sequence[Row]) -> str:
    """Return why rows are not what their settings say; "" where all is well."""
    failed = [row for row in rows if row.error]
    if failed:
        return f"{len(failed):,} of {len(rows):,} queries failed, e.g. {failed[0].error}"
    stages = [cost.name for row in rows for cost in row.stages if cost.status == "failed"]
    if stages:
        return f"{stages[0]} failed for {len(stages):,} of {len(rows):,} queries"
    return ""


def _joined(some: Figures, more: Figures) -> Figures:
    return Figures(some.quality + more.quality, some.ms + more.ms, some.cost + more.cost)
