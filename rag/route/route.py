"""The stage `route`: what a question needs is decided before anything is searched for it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.deadline import within
from rag.errors import RagError
from rag.flows import Budget, Driven, Searcher, drive, stopped
from rag.route.methods import Method
from rag.route.routes import Kind, Routed, unsure
from rag.route.rules import rules
from rag.seams import LLM, Encoder
from rag.spans import timed
from rag.values import Branch, Cost, Frozen, Plan, Stage, Trace

_INNER = 0.9  # of the time: a flow that is told in time still returns what it has
_SEARCH = "search"  # the stage that stands for all that a route leaves out


@dataclass(frozen=True, slots=True)
class Routers(Frozen):
    """What routing takes.

    Args:
        methods: the routers by name.
        llm: gives the language model, which may have to be loaded.
        encoder: reads questions.
    """

    methods: Mapping[str, Method]
    llm: Callable[[], Awaitable[LLM]]
    encoder: Encoder


async def route(plan: Plan, routers: Routers, search: Searcher) -> Plan:
    """Return the plan as the router of the query's handling changes it.

    The rules are asked first, whoever else routes: what they know costs nothing. No search (A)
    leaves no branches, no expansion and no iteration; one search (B) no iteration; several steps
    (C) leave the plan as it is. A router that is unsure, fails or is not done in time means one
    search. The trace says who decided what and why.

    Args:
        plan: its query's text stands for itself.
        routers: see there.
        search: looks in the collection under the query's tenant and conditions, fused as the
            settings say.
    """
    name = plan.query.handled.route
    if not name:
        return plan
    with timed("route") as clock:
        driven = await _routed(plan, routers, routers.methods[name], search)
        decided, error = driven.result.route, driven.error
        told = f"{decided.kind} by {decided.by}: {decided.why}"
        stage = Stage("route", 0.0, detail=told, cost=driven.cost)
        if error is not None:
            stage = replace(stopped(stage, error), detail=f"{told} ({error})")
        stage = clock.stage(stage)
    query = plan.query.spending(stage.cost.calls, stage.ms / 1_000)
    spent = replace(plan, query=query, trace=(*plan.trace, stage))
    return _CHANGES[decided.kind](spent, driven.result)


def unsearched(trace: Trace) -> str:
    """Return why a route left the search out, "" where none did."""
    left_out = (stage for stage in trace if (stage.name, stage.status) == (_SEARCH, "skipped"))
    return next((stage.detail for stage in left_out), "")


def routed(trace: Trace) -> str:
    """Return how a question was routed and why, "" where nobody did."""
    return next((stage.detail for stage in trace if stage.name == "route"), "")


async def _routed(plan: Plan, routers: Routers, method: Method, search: Searcher) -> Driven[Routed]:
    """Return what the rules or else the router decide; one search where neither can."""
    question, handling = plan.query.text, plan.query.handled
    if known := rules(question):
        return Driven(Routed(known), Cost())
    budget = Budget(handling.calls, seconds=handling.seconds * _INNER)
    try:
        async with within(handling.seconds):
            llm = await routers.llm() if method.asks else None
            return await drive(method.router(question), llm, budget, search, routers.encoder)
    except RagError as error:
        return Driven(Routed(unsure("the router gave no answer")), Cost(), error)


def _without(plan: Plan, routed: Routed) -> Plan:
    """Return the plan of a question that needs no search."""
    handling = replace(plan.query.handled, expand=(), iterate="")
    why = Stage(_SEARCH, 0.0, "skipped", f"no search is needed: {routed.route.why}")
    query = replace(plan.query, handling=handling)
    return replace(plan, query=query, branches=(), trace=(*plan.trace, why))


def _once(plan: Plan, routed: Routed) -> Plan:
    """Return the plan of a question that needs one search, with branches for further queries."""
    handling = plan.query.handled
    trace, branches = plan.trace, (*plan.branches, *_further(plan, routed.queries))
    if handling.iterate:
        name = f"iterate {handling.iterate}"
        trace = (*trace, Stage(name, 0.0, "skipped", "one search is enough"))
    query = replace(plan.query, handling=replace(handling, iterate=""))
    return replace(plan, query=query, branches=branches, trace=trace)


def _as_it_is(plan: Plan, routed: Routed) -> Plan:
    """Return the plan of a question that needs several steps."""
    del routed
    return plan


_CHANGES: Mapping[Kind, Callable[[Plan, Routed], Plan]] = {
    "A": _without,
    "B": _once,
    "C": _as_it_is,
}


def _further(plan: Plan, queries: Sequence[str]) -> tuple[Branch, ...]:
    """Return a branch for each query and kind of the plan's branches.

    Those of a kind weigh together as much as the question's own branch of that kind: more claims
    are no more evidence, and a model that knows nothing cannot outvote the question.
    """
    depth = max((branch.depth for branch in plan.branches), default=0)
    return tuple(
        Branch(f"{kind}+claim-{number}", text, depth, weight=1 / len(queries))
        for number, text in enumerate(queries, 1)
        for kind in dict.fromkeys(branch.kind for branch in plan.branches)
    )
