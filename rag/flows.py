"""Flows: algorithms that ask a language model several questions, written without I/O.

A flow is a generator that yields batches of requests and is sent the replies in the same order;
what it returns is its result. The one driver below asks the model, keeps the budget and counts.
Where a batch cannot be answered (no budget or time left, the model failed), the error is thrown
into the flow at its `yield`: one that can return what it has so far catches it and does, any other
lets it through. The idea is httpx's `Auth.auth_flow`.
"""

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from rag.deadline import within
from rag.errors import BudgetExceeded, RagError
from rag.seams import LLM
from rag.values import Choose, Chosen, Complete, Completed, Cost, Frozen, Score, Scored

Request: TypeAlias = Choose | Score | Complete
Reply: TypeAlias = Chosen | Scored | Completed

T = TypeVar("T")

Flow: TypeAlias = Generator[Sequence[Request], Sequence[Reply], T]
"""Yields batches of requests, is sent the replies in order, returns a T."""


@dataclass(frozen=True, slots=True)
class Budget(Frozen):
    """The most that a flow may ask for; infinity is no limit.

    `tokens` are those of prompts and of the most that may be written; they are counted before a
    batch is asked, replies from a cache included.
    """

    calls: float = 1_000
    tokens: float = math.inf
    seconds: float = math.inf


USUAL = Budget()


@dataclass(frozen=True, slots=True)
class Driven(Frozen, Generic[T]):
    """A flow's result, what it cost, and the first error that was thrown into it, if any."""

    result: T
    cost: Cost
    error: RagError | None = None


async def drive(flow: Flow[T], llm: LLM, budget: Budget = USUAL) -> Driven[T]:
    """Run a flow to its end and return its result with its cost.

    Raises:
        BudgetExceeded: before a batch that would bring requests or tokens over the budget.
        DeadlineExceeded: the budget's seconds are over.
        RagError: from the model.
        All of them only where the flow does not catch them.
    """
    spent = _Spent(llm, budget)
    error: RagError | None = None
    try:
        batch = next(flow)
        while True:
            try:
                replies = await spent.ask(batch)
            except RagError as failed:
                error = error or failed
                batch = flow.throw(failed)
            else:
                batch = flow.send(replies)
    except StopIteration as stop:
        return Driven(stop.value, spent.cost, error)
    finally:
        flow.close()


class _Spent:
    """Asks for one flow and keeps to its budget."""

    def __init__(self, llm: LLM, budget: Budget) -> None:
        self.cost = Cost()
        self._llm = llm
        self._budget = budget
        self._ends = time.monotonic() + budget.seconds
        self._asked = Cost()

    async def ask(self, batch: Sequence[Request]) -> tuple[Reply, ...]:
        """Ask a batch, if the budget allows it."""
        self._allow("calls", self._asked.calls + len(batch), self._budget.calls)
        tokens = self._tokens(batch) if self._budget.tokens < math.inf else 0
        self._allow("tokens", self._asked.tokens_in + tokens, self._budget.tokens)
        self._asked += Cost(calls=len(batch), tokens_in=tokens)
        async with within(max(0.0, self._ends - time.monotonic())):
            replies = await _ask(self._llm, batch)
        self.cost += _cost(replies)
        return replies

    def _allow(self, what: str, wanted: int, most: float) -> None:
        if wanted > most:
            raise BudgetExceeded(
                f"the flow wants {wanted:,} {what}, its budget is {most:,.0f}: raise the budget or "
                "lower the depth"
            )

    def _tokens(self, batch: Sequence[Request]) -> int:
        return sum(self._llm.count_tokens(request.prompt) + _most(request) for request in batch)


def _most(request: Request) -> int:
    return request.max_tokens if isinstance(request, Complete) else 1


def _cost(replies: Sequence[Reply]) -> Cost:
    made = [reply.usage for reply in replies if not reply.usage.cached]
    return Cost(
        calls=len(replies),
        depth=1,
        tokens_in=sum(usage.tokens_in for usage in made),
        tokens_out=sum(usage.tokens_out for usage in made),
        cached=len(replies) - len(made),
    )


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
