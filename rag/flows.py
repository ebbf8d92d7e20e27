"""Flows: algorithms that ask a language model several questions, written without I/O.

A flow is a generator that yields batches of requests and is sent the replies in the same order;
what it returns is its result. The one driver below asks the model, keeps the budget and counts.
The idea is httpx's `Auth.auth_flow`.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from rag.errors import BudgetExceeded
from rag.seams import LLM
from rag.values import Choose, Chosen, Complete, Completed, Frozen, Score, Scored

Request: TypeAlias = Choose | Score | Complete
Reply: TypeAlias = Chosen | Scored | Completed

T = TypeVar("T")

Flow: TypeAlias = Generator[Sequence[Request], Sequence[Reply], T]
"""Yields batches of requests, is sent the replies in order, returns a T."""


@dataclass(frozen=True, slots=True)
class Driven(Frozen, Generic[T]):
    """A flow's result, with what it cost: requests asked, and batches that had to wait in turn."""

    result: T
    calls: int
    depth: int


async def drive(flow: Flow[T], llm: LLM, max_calls: int = 1_000) -> Driven[T]:
    """Run a flow to its end and return its result with its cost.

    Raises:
        BudgetExceeded: before a batch that would bring the number of requests over `max_calls`.
    """
    calls = depth = 0
    try:
        batch = next(flow)
        while True:
            calls, depth = calls + len(batch), depth + 1
            if calls > max_calls:
                raise BudgetExceeded(
                    f"the flow wants {calls} calls, its budget is {max_calls}: raise the budget "
                    "or lower the depth"
                )
            batch = flow.send(await _ask(llm, batch))
    except StopIteration as stop:
        return Driven(stop.value, calls, depth)
    finally:
        flow.close()


async def _ask(llm: LLM, batch: Sequence[Request]) -> tuple[Reply, ...]:
    """Ask a batch that may mix kinds, one call of the model per kind; replies in its order."""
    replies: dict[int, Reply] = {}
    choose = {i: r for i, r in enumerate(batch) if isinstance(r, Choose)}
    score = {i: r for i, r in enumerate(batch) if isinstance(r, Score)}
    complete = {i: r for i, r in enumerate(batch) if isinstance(r, Complete)}
    if choose:
        replies.update(zip(choose, await llm.choose(list(choose.values())), strict=True))
    if score:
        replies.update(zip(score, await llm.score(list(score.values())), strict=True))
    if complete:
        replies.update(zip(complete, await llm.complete(list(complete.values())), strict=True))
    return tuple(replies[i] for i in range(len(batch)))
