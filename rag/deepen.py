"""Deepening: a question whose evidence lies in several places is searched in several steps."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from rag.deadline import within
from rag.errors import RagError
from rag.flows import Budget, Driven, Searcher, drive, stopped
from rag.iterate.gathered import Gathered
from rag.iterate.merge import merged
from rag.iterate.methods import Iteration
from rag.seams import LLM
from rag.spans import timed
from rag.values import Frozen, Results, Stage


@dataclass(frozen=True, slots=True)
class Deepener(Frozen):
    """What deepening takes: iterations by name, and what gives the language model."""

    iterations: Mapping[str, Iteration]
    llm: Callable[[], Awaitable[LLM]]


async def deepen(results: Results, deepener: Deepener, search: Searcher, most: int) -> Results:
    """Return the candidates with those that an iteration finds, merged by their ranks.

    Only where the query's handling names an iteration, once it is routed. What fails, or is not
    done in time, leaves what was found.

    Args:
        results: of the first search.
        deepener: see there.
        search: looks in the collection under the query's access and conditions.
        most: how many candidates are kept.
    """
    handling, question = results.query.handled, results.query.text
    if not handling.iterate:
        return results
    name = f"iterate {handling.iterate}"
    with timed(name) as clock:
        try:
            async with within(handling.seconds):
                flow = deepener.iterations[handling.iterate](question)
                budget = Budget(handling.calls, seconds=handling.seconds * _INNER)
                driven = await drive(flow, await deepener.llm(), budget, search)
        except RagError as error:
            stage = clock.stage(stopped(Stage(name, 0.0), error))
            return replace(results, trace=(*results.trace, stage))
        found = merged([results.candidates, driven.result.candidates])[:most]
        stage = clock.stage(Stage(name, 0.0, _status(driven), _told(driven), driven.cost))
    return replace(results, candidates=found, trace=(*results.trace, stage))


_INNER = 0.9  # of the time: a flow that is told in time still returns what it has


def _status(driven: Driven[Gathered]) -> Literal["ok", "cut short"]:
    return "ok" if driven.error is None else "cut short"


def _told(driven: Driven[Gathered]) -> str:
    steps = "; ".join(f"{step.text} ({step.why}, {step.new} new)" for step in driven.result.steps)
    return f"{driven.result.stopped}: {steps}"
