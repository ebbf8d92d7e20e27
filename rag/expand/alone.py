"""A question in a conversation becomes one that stands for itself, and branches look for that."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from rag.deadline import within
from rag.errors import RagError
from rag.expand.gates import why_not
from rag.flows import Budget, drive, stopped
from rag.rewrite.standalone import standalone
from rag.seams import LLM
from rag.spans import timed
from rag.values import Plan, Stage

NAME = "standalone"


async def stand_alone(plan: Plan, llm: Callable[[], Awaitable[LLM]]) -> Plan:
    """Return the plan of a query with history, its question as it stands without it.

    The query's own branches stay; each gets a twin that looks for the rewritten question, which is
    also what rerankers and generators read from here on. Where that cannot be made in time, the
    plan stays as it is, and its trace says why.
    """
    query, handling = plan.query, plan.query.handled
    if not (query.history and handling.standalone):
        return plan
    text = plan.branches[0].text
    stage, rewritten = Stage(NAME, 0.0), text
    with timed(NAME) as clock:
        if reason := why_not(text):
            stage = replace(stage, status="skipped", detail=reason)
        else:
            try:
                async with within(handling.seconds):
                    flow = standalone(text, query.history)
                    driven = await drive(flow, await llm(), Budget(calls=handling.calls))
                rewritten = driven.result
                detail = rewritten if rewritten != text else "it stands for itself"
                stage = replace(stage, detail=detail, cost=driven.cost)
            except RagError as error:
                stage = stopped(stage, error)
        stage = clock.stage(stage)
    query = query.spending(stage.cost.calls, stage.ms / 1_000)
    trace = (*plan.trace, stage)
    if rewritten == text:
        return replace(plan, query=query, trace=trace)
    twins = tuple(replace(b, name=f"{b.kind}+{NAME}", text=rewritten) for b in plan.branches)
    asked = replace(query, text=rewritten)
    return replace(plan, query=asked, branches=(*plan.branches, *twins), trace=trace)
