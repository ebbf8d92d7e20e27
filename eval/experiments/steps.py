"""The stages of a system: what the query path does, cut where systems share what was done.

find BRANCH … + expand → fuse → iterate → rerank → widen. Each stage is the query path's own
function over the values that the one before has kept, so its result is `QueryPath.search`'s.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from eval.experiments.kept import Made
from eval.experiments.record import StageCost
from eval.experiments.reranked import reranked
from eval.experiments.step import Facts, Step, cost_of, of_search, places, results_of, since
from rag.deepen import Deepener, deepen
from rag.expand.expand import Expander, expand
from rag.find import fetch, find
from rag.fuse import fuse
from rag.parts import Parts
from rag.plan import make_plan
from rag.values import Branch, Found, Plan, Query
from rag.widen import Widening, widen


def steps(query: Query, parts: Parts, facts: Facts, shuffle: int = 0) -> Step:
    """Return the last stage of a system; those before it are its inputs.

    Args:
        query: says how the system handles every query; its text does not matter.
        parts: what the system is made of.
        facts: see there.
        shuffle: a number other than 0 says in which other order the reranker is given candidates.
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
        last = reranked(last, parts, parts.reranker, facts, shuffle)
    if parts.widening:
        last = _widen(last, parts, parts.widening)
    return last


def _find(branch: Branch, parts: Parts, facts: Facts) -> Step:
    async def make(query: Query, _: Sequence[Made]) -> Made:
        plan = make_plan(replace(query, branches=(branch.name,)), parts.defaults)
        began = time.perf_counter()
        found = await find(plan, parts.encoder, parts.sparse, parts.store)
        cost = StageCost(f"find {branch.name}", since(began))
        return Made(costs=(cost,), rankings=dict(found.rankings))

    parameters = {"index": facts.index, "depth": branch.depth, **of_search(facts, "superseded")}
    return Step(f"find {branch.name}", parameters, make)


def _expand(plan: Plan, parts: Parts, expander: Expander, facts: Facts) -> Step:
    names = plan.query.handled.expand
    name = f"expand {'+'.join(names)}"

    async def make(query: Query, _: Sequence[Made]) -> Made:
        plan = make_plan(query, parts.defaults)
        began = time.perf_counter()
        expanded = await expand(plan, expander, partial(parts.search, plan.query))
        model = facts.names.get("expander", "")
        spent = cost_of(name, since(began), expanded.trace[len(plan.trace) :], model)
        added = expanded.branches[len(plan.branches) :]
        if not added:
            return Made(costs=(spent,))
        began = time.perf_counter()
        only = replace(expanded, branches=added)
        found = await find(only, parts.encoder, parts.sparse, parts.store)
        costs = (spent, StageCost("find expanded", since(began)))
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
        **of_search(facts, "rrf_k", "dense_weight", "superseded"),
    }
    return Step(name, parameters, make)


def _fuse(plan: Plan, finds: tuple[Step, ...], parts: Parts, facts: Facts) -> Step:
    async def make(query: Query, before: Sequence[Made]) -> Made:
        plan = make_plan(query, parts.defaults)
        rankings = {name: one for made in before for name, one in made.rankings.items()}
        added = tuple(
            Branch(name, "", plan.branches[0].depth, weight=weight)
            for made in before
            for name, weight in made.weights.items()
        )
        whole = replace(plan, branches=(*plan.branches, *added))
        began = time.perf_counter()
        fused = fuse(Found(whole, rankings), parts.fusions, parts.weights)
        fusing = StageCost("fuse", since(began))
        began = time.perf_counter()
        results = await fetch(fused, parts.store, parts.fetched(plan.query))
        costs = (fusing, StageCost("fetch", since(began)))
        return Made(costs=costs, order=places(results))

    fetched = parts.fetched(plan.query)
    parameters = {
        "fusion": plan.fusion,
        "fetched": fetched,
        "code": facts.sources["fuse"],
        **of_search(facts, "rrf_k", "dense_weight"),
    }
    return Step("fuse", parameters, make, finds)


def _iterate(
    plan: Plan, inputs: tuple[Step, ...], parts: Parts, deepener: Deepener, facts: Facts
) -> Step:
    name = f"iterate {plan.query.handled.iterate}"

    async def make(query: Query, before: Sequence[Made]) -> Made:
        results = await results_of(query, parts, before[0])
        for expanded in before[1:]:  # both share the calls and the time
            spent = expanded.costs[0]
            left = results.query.spending(spent.calls, spent.ms / 1_000)
            results = replace(results, query=left)
        began = time.perf_counter()
        search, most = partial(parts.search, results.query), parts.fetched(results.query)
        found = await deepen(results, deepener, search, most)
        cost = cost_of(name, since(began), found.trace, facts.names.get("expander", ""))
        return Made(costs=(cost,), order=places(found))

    parameters = {
        "model": facts.model,
        "calls": plan.query.handled.calls,
        "fetched": parts.fetched(plan.query),
        "code": facts.sources["iterate"],
        "fusion": plan.fusion,
        **of_search(facts, "rrf_k", "dense_weight"),
    }
    return Step(name, parameters, make, inputs)


def _widen(last: Step, parts: Parts, widening: Widening) -> Step:
    async def make(query: Query, before: Sequence[Made]) -> Made:
        results = await results_of(query, parts, before[0])
        began = time.perf_counter()
        found = await widen(results, parts.store, widening)
        return Made(costs=(cost_of("widen", since(began), found.trace),), order=places(found))

    parameters = {"method": widening.method, "window": widening.window}
    return Step("widen", parameters, make, (last,))
