"""Flows: algorithms that ask a language model several questions, written without I/O.

A flow is a generator that yields batches of requests and is sent the replies in the same order;
what it returns is its result. The one driver below asks the model, keeps the budget and counts.
Where a batch cannot be answered (no budget or time left, the model failed), the error is thrown
into the flow at its `yield`: one that can return what it has so far catches it and does, any other
lets it through. A flow may also ask what the store holds (`Search`) and how a text reads to the
encoder (`Encode`). The idea is httpx's `Auth.auth_flow`.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeAlias, TypeVar

from rag.deadline import within
from rag.errors import BudgetExceeded, DeadlineExceeded, LLMUnavailable, RagError
from rag.seams import LLM, Encoder
from rag.values import (
    Choose,
    Chosen,
    Complete,
    Completed,
    Cost,
    Frozen,
    Message,
    Score,
    Scored,
    Search,
    Searched,
    Stage,
    Vector,
)


@dataclass(frozen=True, slots=True)
class Encode(Frozen):
    """Ask for the vector of a text that is read as a query."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Encoded(Frozen):
    """The unit vector of a text."""

    vector: Vector  # (h,)


Question: TypeAlias = Choose | Score | Complete
"""A request to the model."""

Request: TypeAlias = Question | Search | Encode
Reply: TypeAlias = Chosen | Scored | Completed | Searched | Encoded
Searcher: TypeAlias = Callable[[Search], Awaitable[Searched]]
"""Looks in the store for a flow."""

T = TypeVar("T")

Flow: TypeAlias = Generator[Sequence[Request], Sequence[Reply], T]
"""Yields batches of requests, is sent the replies in order, returns a T."""


@dataclass(frozen=True, slots=True)
class Budget(Frozen):
    """The most that a flow may ask for; infinity is no limit.

    `tokens` are those of prompts and of the most that may be written; they are counted before a
    batch is asked, replies from a cache included. `calls` are requests to the model; searches are
    bounded by `searches`.
    """

    calls: float = 1_000
    tokens: float = math.inf
    seconds: float = math.inf
    searches: float = 100


USUAL = Budget()


@dataclass(frozen=True, slots=True)
class Driven(Frozen, Generic[T]):
    """A flow's result, what it cost, and the first error that was thrown into it, if any."""

    result: T
    cost: Cost
    error: RagError | None = None


def stopped(stage: Stage, error: RagError) -> Stage:
    """Return the stage as an error ended it: cut short for want of time or calls, or failed."""
    late = isinstance(error, (DeadlineExceeded, BudgetExceeded))
    return replace(stage, status="cut short" if late else "failed", detail=str(error))


async def drive(
    flow: Flow[T],
    llm: LLM | None,
    budget: Budget = USUAL,
    search: Searcher | None = None,
    encoder: Encoder | None = None,
) -> Driven[T]:
    """Run a flow to its end and return its result with its cost.

    Args:
        flow: runs once.
        llm: answers its questions; None for a flow that has none.
        budget: the most that it may ask for.
        search: answers its searches; None for a flow that makes none.
        encoder: reads its texts; None for a flow that wants no vectors.

    Raises:
        BudgetExceeded: before a batch that would bring requests or tokens over the budget.
        DeadlineExceeded: the budget's seconds are over.
        RagError: from the model or the store.
        All of them only where the flow does not catch them.
    """
    spent = _Spent(llm, budget, search, encoder)
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

    def __init__(
        self,
        llm: LLM | None,
        budget: Budget,
        search: Searcher | None,
        encoder: Encoder | None,
    ) -> None:
        self.cost = Cost()
        self._llm = llm
        self._search = search
        self._encoder = encoder
        self._budget = budget
        self._ends = time.monotonic() + budget.seconds
        self._asked = Cost()

    async def ask(self, batch: Sequence[Request]) -> tuple[Reply, ...]:
        """Ask a batch, if the budget allows it."""
        searches = sum(isinstance(request, Search) for request in batch)
        calls = sum(isinstance(request, Question) for request in batch)
        self._allow("calls", self._asked.calls + calls, self._budget.calls)
        self._allow("searches", self._asked.searches + searches, self._budget.searches)
        tokens = self._tokens(batch) if self._budget.tokens < math.inf else 0
        self._allow("tokens", self._asked.tokens_in + tokens, self._budget.tokens)
        self._asked += Cost(calls=calls, tokens_in=tokens, searches=searches)
        async with within(max(0.0, self._ends - time.monotonic())):
            replies = await _ask(self._llm, self._search, self._encoder, batch)
        self.cost += cost_of(replies)
        return replies

    def _allow(self, what: str, wanted: int, most: float) -> None:
        if wanted > most:
            raise BudgetExceeded(
                f"the flow wants {wanted:,} {what}, its budget is {most:,.0f}: raise the budget or "
                "lower the depth"
            )

    def _tokens(self, batch: Sequence[Request]) -> int:
        asked = [request for request in batch if isinstance(request, Question)]
        return sum(_tokens(one, _model(self._llm)) for one in asked)


def _tokens(request: Question, llm: LLM) -> int:
    """Return the tokens of all prompts of a request, and of the most that may be written."""
    if not isinstance(request, Complete):
        return llm.count_tokens(request.prompt) + 1
    longest = max(request.among, key=len, default="")
    most = llm.count_tokens((Message("user", longest),)) if longest else request.max_tokens
    return sum(map(llm.count_tokens, request.prompts)) + most


def _model(llm: LLM | None) -> LLM:
    if llm is None:
        raise LLMUnavailable("no language model is there to ask: set llm.model or llm.url")
    return llm


def cost_of(replies: Sequence[Reply]) -> Cost:
    """Return what one batch of replies cost."""
    asked = [reply for reply in replies if not isinstance(reply, Searched | Encoded)]
    made = [reply.usage for reply in asked if not reply.usage.cached]
    return Cost(
        calls=len(asked),
        depth=int(bool(asked)),
        tokens_in=sum(usage.tokens_in for usage in made),
        tokens_out=sum(usage.tokens_out for usage in made),
        cached=len(asked) - len(made),
        searches=sum(isinstance(reply, Searched) for reply in replies),
    )


async def _ask(
    llm: LLM | None, search: Searcher | None, encoder: Encoder | None, batch: Sequence[Request]
) -> tuple[Reply, ...]:
    """Ask a batch that may mix kinds, one call of the model per kind; replies in its order."""
    replies: dict[int, Reply] = {}
    choose = {i: r for i, r in enumerate(batch) if isinstance(r, Choose)}
    score = {i: r for i, r in enumerate(batch) if isinstance(r, Score)}
    complete = {i: r for i, r in enumerate(batch) if isinstance(r, Complete)}
    searches = {i: r for i, r in enumerate(batch) if isinstance(r, Search)}
    encode = {i: r for i, r in enumerate(batch) if isinstance(r, Encode)}
    if choose:
        replies.update(zip(choose, await _model(llm).choose([*choose.values()]), strict=True))
    if score:
        replies.update(zip(score, await _model(llm).score([*score.values()]), strict=True))
    if complete:
        replies.update(zip(complete, await _model(llm).complete([*complete.values()]), strict=True))
    if searches:
        if search is None:
            raise TypeError("this flow searches: drive it with a search")
        found = await asyncio.gather(*map(search, searches.values()))
        replies.update(zip(searches, found, strict=True))
    if encode:
        if encoder is None:
            raise TypeError("this flow wants vectors: drive it with an encoder")
        vectors = await encoder.encode([request.text for request in encode.values()], "query")
        replies.update(zip(encode, map(Encoded, vectors), strict=True))
    return tuple(replies[i] for i in range(len(batch)))
