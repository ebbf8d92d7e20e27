"""Every language model answers a batch in order, and streams what it would have completed."""

import pytest

from rag.llms.scripted import ScriptedLLM
from rag.seams import LLM
from rag.values import Choose, Chosen, Complete, Message, Prompt, Score, Scored

pytestmark = pytest.mark.anyio

EVERY = pytest.mark.parametrize(
    "llm",
    [
        ScriptedLLM(),
        ScriptedLLM(
            choose=lambda r: Chosen((None, *(-float(i) for i in range(1, len(r.labels))))),
            score=lambda r: Scored(-float(len(r.continuation)), len(r.continuation.split())),
        ),
    ],
    ids=["scripted, by default", "scripted, with a label missing"],
)


def prompt(text: str) -> Prompt:
    return (Message("system", "be brief"), Message("user", text))


@EVERY
async def test_it_is_a_language_model_that_says_what_it_is(llm: LLM) -> None:
    assert isinstance(llm, LLM)
    assert llm.spec.name
    assert llm.spec.family
    assert llm.spec.context_window > 0


@EVERY
async def test_every_label_gets_a_log_probability_or_none(llm: LLM) -> None:
    requests = [Choose(prompt("first?"), ("A", "B", "C")), Choose(prompt("yes?"), ("yes", "no"))]
    replies = await llm.choose(requests)
    assert [len(reply.logprobs) for reply in replies] == [3, 2]
    assert all(p is None or p <= 0 for reply in replies for p in reply.logprobs)


@EVERY
async def test_a_continuation_gets_a_log_probability_and_its_number_of_tokens(llm: LLM) -> None:
    replies = await llm.score([Score(prompt("q"), "a b c"), Score(prompt("q"), "a")])
    assert all(reply.logprob <= 0 for reply in replies)
    assert replies[0].tokens > replies[1].tokens > 0


@EVERY
async def test_completions_come_in_the_order_of_the_requests_within_their_length(llm: LLM) -> None:
    requests = [Complete(prompt(f"say {n} words please"), max_tokens=n) for n in (4, 1, 3)]
    replies = await llm.complete(requests)
    assert [reply.tokens for reply in replies] == [4, 1, 3]
    assert list(replies) == [(await llm.complete([request]))[0] for request in requests]


@EVERY
async def test_nothing_asked_is_nothing_answered(llm: LLM) -> None:
    assert await llm.choose([]) == ()
    assert await llm.score([]) == ()
    assert await llm.complete([]) == ()


@EVERY
async def test_the_stream_is_the_completion_in_pieces(llm: LLM) -> None:
    request = Complete(prompt("one two  three\nfour"), max_tokens=3)
    pieces = [piece async for piece in llm.stream(request)]
    assert "".join(pieces) == (await llm.complete([request]))[0].text
    assert len(pieces) > 1


@EVERY
async def test_a_longer_prompt_has_more_tokens(llm: LLM) -> None:
    assert llm.count_tokens(prompt("one two three")) > llm.count_tokens(prompt("one")) > 0
