"""The stages of a system: what the query path does, cut where systems share what was done.

find BRANCH … + expand → fuse → iterate → rerank → widen. Each stage is the query path's own
function over the values that the one before has kept, so its result is `QueryPath.search`'s.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

from eval.experiments.kept import Made, Place
from eval.experiments.record import Role, StageCost
from eval.experiments.sources import digest
from rag.deepen import Deepener, deepen
from rag.expand.expand import Expander, expand
from rag.find import fetch, find
from rag.fuse import fuse
from rag.parts import Parts
from rag.plan import make_plan
from rag.rerank import cut, rerank
from rag.seams import Reranked, Reranker
from rag.second_look import look_again
from rag.values import (
    Branch,
    Candidate,
    Cost,
    Found,
    Frozen,
    Plan,
    Query,
    Results,
    Stage,
    Trace,
)
from rag.widen import Widening, widen

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


def steps(query: Query, parts: Parts, facts: Facts) -> Step:
    """Return the last stage of a system; those before it are its inputs.

    Args:
        query: says how the system handles every query; its text does not matter.
        parts: what the system is made of.
        facts: see there.
    """
    plan = make_plan(replace(query, text="?"), parts.defaults)
    finds = tuple(_find(branch, parts, facts) for branch in plan.branches)
    expands: tuple[Step, ...] = ()
    if plan.query.handled.expand and parts.expander:
        expands = (_expand(plan, parts, parts.expander, facts),)
    last = _fuse(plan, (*finds, *expands), parts, facts)
    if plan.query.handled.iterate and parts.deepener:
        last = _iterate(plan, (last, *expands), parts, parts.deepener, facts)
    if parts.reranker and parts.rerank_depth:
        last = _rerank(last, parts, parts.reranker, facts)
    if parts.widening:
        last = _widen(last, parts, parts.widening)
    return last


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


def _find(branch: Branch, parts: Parts, facts: Facts) -> Step:
    async def make(query: Query, _: Sequence[Made]) -> Made:
        plan = make_plan(replace(query, branches=(branch.name,)), parts.defaults)
        began = time.perf_counter()
        found = await find(plan, parts.encoder, parts.sparse, parts.store)
        cost = StageCost(f"find {branch.name}", _ms(began))
        return Made(costs=(cost,), rankings=dict(found.rankings))

    parameters = {"index": facts.index, "depth": branch.depth, **_kept(facts, "superseded")}
    return Step(f"find {branch.name}", parameters, make)


def _expand(plan: Plan, parts: Parts, expander: Expander, facts: Facts) -> Step:
    names = plan.query.handled.expand
    name = f"expand {'+'.join(names)}"

    async def make(query: Query, _: Sequence[Made]) -> Made:
        plan = make_plan(query, parts.defaults)
        began = time.perf_counter()
        expanded = await expand(plan, expander, partial(parts.search, plan.query))
        model = facts.names.get("expander", "")
        spent = _spent(name, _ms(began), expanded.trace[len(plan.trace) :], model)
        added = expanded.branches[len(plan.branches) :]
        if not added:
            return Made(costs=(spent,))
        began = time.perf_counter()
        only = replace(expanded, branches=added)
        found = await find(only, parts.encoder, parts.sparse, parts.store)
        costs = (spent, StageCost("find expanded", _ms(began)))
        weights = {branch.name: branch.weight for branch in added}
        return Made(costs=costs, rankings=dict(found.rankings), weights=weights)

    asks = any(expander.methods[one].asks for one in names)
    parameters = {
        "index": facts.index,
        "branches": [[branch.name, branch.depth] for branch in plan.branches],
        "fusion": plan.fusion,
        "calls": plan.query.handled.calls,
        "model": facts.model if asks else "",
        "code": facts.sources["expand"],
        **_kept(facts, "rrf_k", "dense_weight", "superseded"),
    }
    return Step(name, parameters, make)


def _fuse(plan: Plan, finds: tuple[Step, ...], parts: Parts, facts: Facts) -> Step:
    async def make(query: Query, before: Sequence[Made]) -> Made:
        plan = make_plan(query, parts.defaults)
        rankings = {name: one for made in before for name, one in made.rankings.items()}
        added = tuple(
            Branch(name, "", 0, weight=weight)
            for made in before
            for name, weight in made.weights.items()
        )
        whole = replace(plan, branches=(*plan.branches, *added))
        began = time.perf_counter()
        fused = fuse(Found(whole, rankings), parts.fusions, parts.weights)
        fusing = StageCost("fuse", _ms(began))
        began = time.perf_counter()
        results = await fetch(fused, parts.store, parts.fetched(plan.query))
        costs = (fusing, StageCost("fetch", _ms(began)))
        return Made(costs=costs, order=_places(results))

    fetched = parts.fetched(plan.query)
    parameters = {
        "fusion": plan.fusion,
        "fetched": fetched,
        **_kept(facts, "rrf_k", "dense_weight"),
    }
    return Step("fuse", parameters, make, finds)


def _iterate(
    plan: Plan, inputs: tuple[Step, ...], parts: Parts, deepener: Deepener, facts: Facts
) -> Step:
    name = f"iterate {plan.query.handled.iterate}"

    async def make(query: Query, before: Sequence[Made]) -> Made:
        results = await _results(query, parts, before[0])
        for expanded in before[1:]:  # both share the calls and the time
            spent = expanded.costs[0]
            left = results.query.spending(spent.calls, spent.ms / 1_000)
            results = replace(results, query=left)
        began = time.perf_counter()
        search, most = partial(parts.search, results.query), parts.fetched(results.query)
        found = await deepen(results, deepener, search, most)
        cost = _spent(name, _ms(began), found.trace, facts.names.get("expander", ""))
        return Made(costs=(cost,), order=_places(found))

    parameters = {
        "model": facts.model,
        "calls": plan.query.handled.calls,
        "fetched": parts.fetched(plan.query),
        "code": facts.sources["iterate"],
        "fusion": plan.fusion,
        **_kept(facts, "rrf_k", "dense_weight"),
    }
    return Step(name, parameters, make, inputs)


class _Listening:
    """A reranker that remembers what it said last."""

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker
        self.last = Reranked((), Stage("rerank", 0.0))

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """Return a permutation of the candidates."""
        self.last = await self._reranker.rerank(query, candidates)
        return self.last


def _rerank(last: Step, parts: Parts, reranker: Reranker, facts: Facts) -> Step:
    depth = parts.rerank_depth

    async def make(query: Query, before: Sequence[Made]) -> Made:
        results = await _results(query, parts, before[0])
        listening = _Listening(reranker)
        found = await rerank(results, listening, depth)
        said = listening.last
        ms, model = round(said.stage.ms, 3), facts.names.get("reranker", "")
        costs = [_spent("rerank", ms, (said.stage,), model)]
        if parts.move is not None:
            began = time.perf_counter()
            found = await look_again(found, parts.encoder, parts.store, parts.move, depth)
            costs.append(_spent("feedback", _ms(began), found.trace[-1:]))
        head = (document_id for _, document_id, _ in before[0].order[:depth])
        return Made(
            costs=tuple(costs),
            order=_places(cut(found)),
            before=tuple(dict.fromkeys(head)),
            missing=said.missing,
            malformed=said.malformed,
        )

    parameters = {
        "rerank": facts.settings["rerank"],
        "depth": depth,
        "model": facts.model,
        "code": facts.sources["rerank"],
    }
    return Step("rerank", parameters, make, (last,))


def _widen(last: Step, parts: Parts, widening: Widening) -> Step:
    async def make(query: Query, before: Sequence[Made]) -> Made:
        results = await _results(query, parts, before[0])
        began = time.perf_counter()
        found = await widen(results, parts.store, widening)
        return Made(costs=(_spent("widen", _ms(began), found.trace),), order=_places(found))

    parameters = {"method": widening.method, "window": widening.window}
    return Step("widen", parameters, make, (last,))


def _kept(facts: Facts, *keys: str) -> Mapping[str, object]:
    return {key: facts.settings["search"][key] for key in keys}


def _places(results: Results) -> tuple[Place, ...]:
    return tuple((c.chunk.id, c.chunk.document_id, c.score) for c in results.candidates)


async def _results(query: Query, parts: Parts, made: Made) -> Results:
    """Return what was kept as results, with the chunks' texts."""
    plan = make_plan(query, parts.defaults)
    got = await parts.store.get([chunk_id for chunk_id, _, _ in made.order], plan.query.access)
    chunks = {chunk.id: chunk for chunk in got}
    candidates = (
        Candidate(chunks[id_], score, {}) for id_, _, score in made.order if id_ in chunks
    )
    return Results(plan.query, tuple(candidates))


def _ms(began: float) -> float:
    """Return the milliseconds since a reading of `time.perf_counter`, to the microsecond."""
    return round((time.perf_counter() - began) * 1_000, 3)


def _spent(name: str, ms: float, trace: Trace, model: str = "") -> StageCost:
    """Return what the stages of a trace took together, in so many milliseconds."""
    cost = sum((stage.cost for stage in trace), Cost())
    by_status = {stage.status for stage in trace}
    status = next((s for s in ("failed", "cut short", "skipped") if s in by_status), "ok")
    spent = (cost.calls, cost.tokens_in, cost.tokens_out, cost.cached)
    return StageCost(name, ms, status, *spent, model)
