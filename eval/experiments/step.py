"""A stage of a system: what decides its result, how it is done, and what it took."""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from eval.experiments.kept import Made, Place
from eval.experiments.record import Role, StageCost
from eval.experiments.sources import digest
from rag.parts import Parts
from rag.plan import make_plan
from rag.values import Candidate, Cost, Frozen, Query, Results, Trace

Make: TypeAlias = Callable[[Query, Sequence[Made]], Awaitable[Made]]
"""Makes what a stage makes of a query, from what its inputs made of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Step(Frozen):
    """A stage: its name, all that decides its result, the stages before it, and how it is done."""

    name: str
    parameters: Mapping[str, object]
    make: Make
    inputs: tuple["Step", ...] = ()

    @property
    def key(self) -> str:
        """What equal stages have in common."""
        return digest([self.name, self.parameters, [one.key for one in self.inputs]])


@dataclass(frozen=True, slots=True)
class Facts(Frozen):
    """What decides the results of stages beside the plan: fingerprints of what they ask and are.

    `index` is the collection's, `model` the language model's; the parts of the settings come by
    name. `names` are of the models in their roles, for costs; none where a role has several.
    """

    index: str
    model: str
    settings: Mapping[str, Mapping[str, object]]
    sources: Mapping[str, str]
    names: Mapping[Role, str] = field(default_factory=dict)


def in_order(last: Step) -> Iterator[Step]:
    """Yield a stage and all before it, each once and after its inputs."""
    seen: set[str] = set()

    def visit(step: Step) -> Iterator[Step]:
        for one in step.inputs:
            yield from visit(one)
        if step.key not in seen:
            seen.add(step.key)
            yield step

    return visit(last)


def of_search(facts: Facts, *keys: str) -> Mapping[str, object]:
    """Return settings of the search."""
    return {key: facts.settings["search"][key] for key in keys}


def places(results: Results) -> tuple[Place, ...]:
    """Return what is kept of results."""
    return tuple((c.chunk.id, c.chunk.document_id, c.score) for c in results.candidates)


async def results_of(query: Query, parts: Parts, made: Made) -> Results:
    """Return what was kept as results, with the chunks' texts."""
    plan = make_plan(query, parts.defaults)
    got = await parts.store.get([chunk_id for chunk_id, _, _ in made.order], plan.query.access)
    chunks = {chunk.id: chunk for chunk in got}
    candidates = (
        Candidate(chunks[id_], score, {}) for id_, _, score in made.order if id_ in chunks
    )
    return Results(plan.query, tuple(candidates))


def since(began: float) -> float:
    """Return the milliseconds since a reading of `time.perf_counter`, to the microsecond."""
    return round((time.perf_counter() - began) * 1_000, 3)


def cost_of(name: str, ms: float, trace: Trace, model: str = "") -> StageCost:
    """Return what the stages of a trace took together, in so many milliseconds."""
    cost = sum((stage.cost for stage in trace), Cost())
    by_status = {stage.status for stage in trace}
    status = next((s for s in ("failed", "cut short", "skipped") if s in by_status), "ok")
    spent = (cost.calls, cost.tokens_in, cost.tokens_out, cost.cached)
    return StageCost(name, ms, status, *spent, model)
