"""The driver asks in batches, keeps the order and the budget, and always closes the flow."""

import asyncio
import inspect
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest

from indexers.encoders.hashed import HashedEncoder
from rag.errors import (
    BudgetExceeded,
    DeadlineExceeded,
    LLMUnavailable,
    RagError,
    StoreUnavailable,
)
from rag.flows import Budget, Driven, Encode, Encoded, Flow, Reply, Request, drive
from rag.llms.scripted import ScriptedLLM
from rag.values import (
    Choose,
    Chosen,
    Complete,
    Completed,
    Cost,
    Message,
    Prompt,
    Score,
    Scored,
    Search,
    Searched,
    Usage,
    Vector,
)


def says(text: str) -> Prompt:
    return (Message("user", text),)


class Recorder(ScriptedLLM):
    """A scripted model that also notes which method was called with how many requests."""

    def __init__(self) -> None:
        super().__init__(
            choose=lambda r: Chosen(tuple(float(len(label)) for label in r.labels)),
            score=lambda r: Scored(-float(len(r.continuation)), 1),
            complete=lambda r: r.prompt[-1].content.upper(),
        )
        self.calls: list[tuple[str, int]] = []

    async def choose(self, requests: Sequence[Choose]) -> tuple[Chosen, ...]:
        self.calls.append(("choose", len(requests)))
        return await super().choose(requests)

    async def score(self, requests: Sequence[Score]) -> tuple[Scored, ...]:
        self.calls.append(("score", len(requests)))
        return await super().score(requests)

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        self.calls.append(("complete", len(requests)))
        return await super().complete(requests)


def asks(*batches: Sequence[Request]) -> Flow[list[Sequence[Reply]]]:
    """Yield the batches one after another and return all replies."""
    replies: list[Sequence[Reply]] = []
    for batch in batches:
        reply = yield batch
        replies.append(reply)
    return replies


MIXED: tuple[Request, ...] = (
    Complete(says("one")),
    Score(says("s"), "abc"),
    Choose(says("c"), ("A", "BB")),
    Complete(says("two")),
    Score(says("s"), "a"),
)


@pytest.mark.anyio
async def test_a_mixed_batch_is_one_call_per_kind_and_keeps_its_order() -> None:
    llm = Recorder()
    driven = await drive(asks(MIXED), llm)
    assert driven == Driven(
        [
            (
                Completed("ONE", 1),
                Scored(-3.0, 1),
                Chosen((1.0, 2.0)),
                Completed("TWO", 1),
                Scored(-1.0, 1),
            )
        ],
        Cost(calls=5, depth=1),
    )
    assert sorted(llm.calls) == [("choose", 1), ("complete", 2), ("score", 2)]


@pytest.mark.anyio
async def test_equal_requests_in_a_batch_each_get_their_reply() -> None:
    replies = iter(range(10))
    llm = ScriptedLLM(score=lambda _: Scored(float(next(replies)), 1))
    same = Score(says("s"), "x")
    assert (await drive(asks((same, same, same)), llm)).result == [
        (Scored(0.0, 1), Scored(1.0, 1), Scored(2.0, 1))
    ]


@pytest.mark.anyio
async def test_calls_count_requests_and_depth_counts_batches() -> None:
    llm = Recorder()
    driven = await drive(asks(MIXED, MIXED[:2]), llm)
    assert (driven.cost.calls, driven.cost.depth) == (5 + 2, 2)
    assert llm.history == [MIXED[2], MIXED[1], MIXED[4], MIXED[0], MIXED[3], MIXED[1], MIXED[0]]


@pytest.mark.anyio
async def test_a_flow_that_asks_nothing_costs_nothing() -> None:
    llm = Recorder()
    assert await drive(asks(), llm) == Driven([], Cost())
    assert llm.history == []


@pytest.mark.anyio
async def test_a_later_question_can_depend_on_an_earlier_reply() -> None:
    def echo() -> Flow[str]:
        (first,) = yield (Complete(says("a")),)
        assert isinstance(first, Completed)
        (second,) = yield (Complete(says(first.text + "b")),)
        assert isinstance(second, Completed)
        return second.text

    assert (await drive(echo(), Recorder())).result == "AB"


@pytest.mark.anyio
async def test_the_budget_may_be_spent_to_the_last_call() -> None:
    assert (await drive(asks(MIXED, MIXED), Recorder(), Budget(calls=10))).cost.calls == 10


@pytest.mark.anyio
async def test_the_budget_raises_before_the_batch_that_would_break_it_is_asked() -> None:
    llm = Recorder()
    flow = asks(MIXED, MIXED)
    with pytest.raises(BudgetExceeded, match="wants 10 calls, its budget is 9: raise the budget"):
        await drive(flow, llm, Budget(calls=9))
    assert len(llm.history) == 5  # the first batch only
    assert inspect.getgeneratorstate(flow) == inspect.GEN_CLOSED


class Closing:
    """A flow that notes that it was closed."""

    closed = False

    def flow(self, batch: Sequence[Request]) -> Flow[None]:
        try:
            yield batch
        finally:
            self.closed = True


@pytest.mark.anyio
async def test_the_flow_is_closed_when_the_model_fails() -> None:
    def fails(request: Complete) -> str:
        raise ConnectionError(request.prompt[-1].content)

    closing = Closing()
    with pytest.raises(ConnectionError, match="one"):
        await drive(closing.flow(MIXED[:1]), ScriptedLLM(complete=fails))
    assert closing.closed


@pytest.mark.anyio
async def test_the_flow_is_closed_when_the_caller_gives_up() -> None:
    class Slow(ScriptedLLM):
        async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
            await asyncio.sleep(60)
            return await super().complete(requests)

    closing = Closing()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(drive(closing.flow(MIXED[:1]), Slow()), 0.01)
    assert closing.closed


@pytest.mark.anyio
async def test_an_error_in_the_flow_reaches_the_caller() -> None:
    def breaks() -> Flow[None]:
        yield (Complete(says("a")),)
        raise ValueError("the reply cannot be read")

    with pytest.raises(ValueError, match="cannot be read"):
        await drive(breaks(), Recorder())


@pytest.mark.anyio
async def test_a_model_that_gives_too_few_replies_is_caught() -> None:
    class Short(ScriptedLLM):
        async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
            return (await super().complete(requests))[1:]

    closing = Closing()
    with pytest.raises(ValueError, match="shorter"):
        await drive(closing.flow((MIXED[0], MIXED[3])), Short())
    assert closing.closed


def anytime(*batches: Sequence[Request]) -> Flow[int]:
    """Return how many batches were answered, however it ends."""
    answered = 0
    try:
        for batch in batches:
            yield batch
            answered += 1
    except RagError:
        pass
    return answered


@pytest.mark.anyio
async def test_an_anytime_flow_keeps_what_it_had_when_the_calls_are_spent() -> None:
    driven = await drive(anytime(MIXED, MIXED, MIXED), Recorder(), Budget(calls=10))
    assert driven.result == 2
    assert driven.cost == Cost(calls=10, depth=2)
    assert isinstance(driven.error, BudgetExceeded)


@pytest.mark.anyio
async def test_tokens_are_counted_before_they_are_spent() -> None:
    batch = (Choose(says("one two three"), ("A", "B")), Complete(says("four"), max_tokens=6))
    driven = await drive(anytime(batch, batch), ScriptedLLM(), Budget(tokens=3 + 1 + 1 + 6))
    assert driven.result == 1
    assert "the flow wants 22 tokens, its budget is 11" in str(driven.error)


@pytest.mark.anyio
async def test_an_anytime_flow_keeps_what_it_had_when_its_time_is_over() -> None:
    class Slowing(ScriptedLLM):
        async def choose(self, requests: Sequence[Choose]) -> tuple[Chosen, ...]:
            await asyncio.sleep(30 if self.history else 0)
            return await super().choose(requests)

    batch = (Choose(says("which?"), ("A", "B")),)
    driven = await drive(anytime(batch, batch), Slowing(), Budget(seconds=0.05))
    assert driven.result == 1
    assert isinstance(driven.error, DeadlineExceeded)


@pytest.mark.anyio
async def test_an_anytime_flow_keeps_what_it_had_when_the_model_fails() -> None:
    def fails(request: Complete) -> str:
        if request.prompt[-1].content == "two":
            raise LLMUnavailable("gone")
        return "fine"

    one, two = Complete(says("one")), Complete(says("two"))
    driven = await drive(anytime((one,), (two,), (one,)), ScriptedLLM(complete=fails))
    assert driven.result == 1
    assert str(driven.error) == "gone"


@pytest.mark.anyio
async def test_all_prompts_of_a_mixture_and_the_longest_of_given_texts_count() -> None:
    mixture = Complete(says("one"), 6, beside=(says("two three"), says("four five six")))
    among = Complete(says("one"), max_tokens=1, among=("a", "a text of five words"))
    driven = await drive(anytime((mixture, among)), ScriptedLLM(), Budget(tokens=11))
    assert "the flow wants 18 tokens" in str(driven.error)
    assert (await drive(anytime((mixture, among)), ScriptedLLM(), Budget(tokens=18))).error is None


@pytest.mark.anyio
async def test_replies_from_the_cache_cost_no_tokens() -> None:
    usage = Usage(tokens_in=7, tokens_out=1)
    kept = Usage(tokens_in=7, tokens_out=1, cached=True)
    replies = iter([Scored(0.0, 1, usage), Scored(0.0, 1, kept)])
    same = Score(says("s"), "x")
    driven = await drive(asks((same, same)), ScriptedLLM(score=lambda _: next(replies)))
    assert driven.cost == Cost(calls=2, depth=1, tokens_in=7, tokens_out=1, cached=1)


async def nothing(request: Search) -> Searched:
    del request
    return Searched(())


@pytest.mark.anyio
async def test_searches_are_answered_in_order_beside_questions_and_counted_apart() -> None:
    asked: list[str] = []

    async def search(request: Search) -> Searched:
        asked.append(request.text)
        return Searched(())

    batch = (Search("a"), Complete(says("one")), Search("b"))
    driven = await drive(asks(batch), Recorder(), search=search)
    assert driven.result == [(Searched(()), Completed("ONE", 1), Searched(()))]
    assert driven.cost == Cost(calls=1, depth=1, searches=2)
    assert asked == ["a", "b"]


@pytest.mark.anyio
async def test_a_flow_that_only_searches_needs_no_model() -> None:
    driven = await drive(asks((Search("a"),)), None, search=nothing)
    assert driven.cost == Cost(searches=1)
    with pytest.raises(LLMUnavailable, match=r"set llm\.model or llm\.url"):
        await drive(asks(MIXED), None, search=nothing)


@pytest.mark.anyio
async def test_searches_have_a_budget_of_their_own() -> None:
    budget = Budget(calls=0, searches=1)
    assert (await drive(asks((Search("a"),)), None, budget, nothing)).cost.searches == 1
    with pytest.raises(BudgetExceeded, match="wants 2 searches, its budget is 1"):
        await drive(asks((Search("a"),), (Search("b"),)), None, budget, nothing)


@pytest.mark.anyio
async def test_a_store_that_fails_is_told_to_the_flow() -> None:
    async def broken(request: Search) -> Searched:
        raise StoreUnavailable(f"cannot look for {request.text}")

    def careful() -> Flow[str]:
        try:
            yield (Search("a"),)
        except StoreUnavailable as error:
            return str(error)
        return "found"

    driven = await drive(careful(), None, search=broken)
    assert driven.result == "cannot look for a"
    assert isinstance(driven.error, StoreUnavailable)


class Reading(HashedEncoder):
    """An encoder that notes how it was to read."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[str] = []

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        self.kinds.append(kind)
        return await super().encode(texts, kind)


@pytest.mark.anyio
async def test_a_flow_may_ask_how_a_text_reads_and_pays_nothing_for_it() -> None:
    encoder = Reading()
    batch = (Encode("a b"), Search("a"), Encode("c"))
    driven = await drive(asks(batch), None, Budget(calls=0), nothing, encoder)
    (first, found, second) = driven.result[0]
    assert isinstance(first, Encoded)
    assert isinstance(second, Encoded)
    vectors = await encoder.encode(["a b", "c"], "query")
    assert np.array_equal(np.stack([first.vector, second.vector]), vectors)
    assert found == Searched(())
    assert driven.cost == Cost(searches=1)
    assert encoder.kinds[0] == "query"


@pytest.mark.anyio
async def test_a_flow_that_wants_vectors_needs_an_encoder() -> None:
    with pytest.raises(TypeError, match="drive it with an encoder"):
        await drive(asks((Encode("a"),)), None)
