"""Every language model answers a batch in order, and streams what it would have completed."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rag.errors import BadPrompt
from rag.llms.accounted import Accounted
from rag.llms.remembering import Remembering
from rag.llms.remote import connect
from rag.llms.replies import Replies
from rag.llms.scripted import ScriptedLLM
from rag.seams import LLM
from rag.values import Choose, Chosen, Complete, Completed, Message, Prompt, Score, Scored
from tests.rag.llms.upstream import Upstream, serving

pytestmark = pytest.mark.anyio

Make = Callable[[], AbstractAsyncContextManager[LLM]]


@asynccontextmanager
async def scripted() -> AsyncIterator[LLM]:
    yield ScriptedLLM()


@asynccontextmanager
async def unable() -> AsyncIterator[LLM]:
    yield ScriptedLLM(constrains=False, mixes=False)


@asynccontextmanager
async def with_a_label_missing() -> AsyncIterator[LLM]:
    yield ScriptedLLM(
        choose=lambda r: Chosen((None, *(-float(i) for i in range(1, len(r.labels))))),
        score=lambda r: Scored(-float(len(r.continuation)), len(r.continuation.split())),
    )


@asynccontextmanager
async def remembering() -> AsyncIterator[LLM]:
    with TemporaryDirectory() as folder:
        llm = Accounted(Remembering(ScriptedLLM(), Replies(Path(folder), 10)))
        yield llm
        await llm.close()


@asynccontextmanager
async def local() -> AsyncIterator[LLM]:
    from tests.rag.llms.tiny import local_llm

    llm = local_llm("llama", "bytes")
    yield llm
    await llm.close()


@asynccontextmanager
async def local_pieces() -> AsyncIterator[LLM]:
    from tests.rag.llms.tiny import local_llm

    llm = local_llm("gpt2", "pieces")
    yield llm
    await llm.close()


@asynccontextmanager
async def onnx() -> AsyncIterator[LLM]:
    from rag.llms.onnx.loading import load_onnx
    from tests.rag.llms.tiny import exported

    llm = load_onnx(exported("llama"), examined=False)
    yield llm
    await llm.close()


@asynccontextmanager
async def remote() -> AsyncIterator[LLM]:
    async with serving(Upstream()) as upstream:
        llm = await connect(upstream.url)
        yield llm
        await llm.close()


@asynccontextmanager
async def served() -> AsyncIterator[LLM]:
    from tests.api.model_served import behind_server
    from tests.rag.llms.tiny import local_llm

    llm = local_llm("llama", "bytes")
    async with behind_server(llm) as remote_llm:
        yield remote_llm
    await llm.close()


@pytest.fixture(
    params=[
        scripted,
        unable,
        with_a_label_missing,
        remembering,
        remote,
        pytest.param(local, marks=pytest.mark.model),
        pytest.param(local_pieces, marks=pytest.mark.model),
        pytest.param(onnx, marks=pytest.mark.model),
        pytest.param(served, marks=pytest.mark.model),
    ],
    ids=lambda make: make.__name__.replace("_", " "),
)
async def llm(request: pytest.FixtureRequest) -> AsyncIterator[LLM]:
    make: Make = request.param
    async with make() as made:
        yield made


def prompt(text: str) -> Prompt:
    return (Message("system", "be brief"), Message("user", text))


async def test_it_is_a_language_model_that_says_what_it_is(llm: LLM) -> None:
    assert isinstance(llm, LLM)
    assert llm.spec.name
    assert llm.spec.family
    assert llm.spec.context_window > 0


async def test_every_label_gets_a_log_probability_or_none(llm: LLM) -> None:
    requests = [Choose(prompt("first?"), ("A", "B", "C")), Choose(prompt("D or E?"), ("D", "E"))]
    replies = await llm.choose(requests)
    assert [len(reply.logprobs) for reply in replies] == [3, 2]
    assert all(p is None or p <= 0 for reply in replies for p in reply.logprobs)


async def test_a_continuation_gets_a_log_probability_and_its_number_of_tokens(llm: LLM) -> None:
    replies = await llm.score([Score(prompt("q"), "a b c"), Score(prompt("q"), "a")])
    assert all(reply.logprob <= 0 for reply in replies)
    assert replies[0].tokens > replies[1].tokens > 0


async def test_completions_come_in_the_order_of_the_requests_within_their_length(llm: LLM) -> None:
    requests = [Complete(prompt(f"say {n} words please"), max_tokens=n) for n in (4, 1, 3)]
    replies = await llm.complete(requests)
    assert [reply.tokens for reply in replies] == [4, 1, 3]
    assert list(replies) == [(await llm.complete([request]))[0] for request in requests]


async def test_nothing_asked_is_nothing_answered(llm: LLM) -> None:
    assert await llm.choose([]) == ()
    assert await llm.score([]) == ()
    assert await llm.complete([]) == ()


async def test_the_stream_is_the_completion_in_pieces_and_then_whole(llm: LLM) -> None:
    request = Complete(prompt("one two  three\nfour"), max_tokens=3)
    *pieces, last = [piece async for piece in llm.stream(request)]
    assert (last,) == await llm.complete([request])
    assert isinstance(last, Completed)
    assert "".join(map(str, pieces)) == last.text
    assert len(pieces) > 1


async def test_a_longer_prompt_has_more_tokens(llm: LLM) -> None:
    assert llm.count_tokens(prompt("one two three")) > llm.count_tokens(prompt("one")) > 0


TEXTS = ("Water boils at 100 degrees.", "Water boils", "Water boils", "The freezer, [1]\n")


async def test_one_of_given_texts_is_written_whole_or_the_remedy_is_named(llm: LLM) -> None:
    requests = [Complete(prompt(f"{n}?"), 1, among=TEXTS[n:]) for n in range(4)]
    if not llm.spec.constrains:
        await refused(llm, requests[0])
        return
    for request, reply in zip(requests, await llm.complete(requests), strict=True):
        assert reply.text in request.among
        assert reply.tokens > 1
        assert not reply.cut
        *pieces, last = [piece async for piece in llm.stream(request)]
        assert last == reply
        assert "".join(map(str, pieces)) == reply.text


async def test_a_mixture_comes_with_the_shares_of_its_prompts_or_the_remedy_is_named(
    llm: LLM,
) -> None:
    one, other = prompt("one two three four"), prompt("Which of the two is the longer one?")
    request = Complete(one, 3, beside=(other, one), weights=(1, 2, 1))
    if not llm.spec.mixes:
        await refused(llm, request)
        return
    mixture, alone, plain = await llm.complete(
        [request, Complete(one, 3, weights=(7,)), Complete(one, 3)]
    )
    assert (mixture.tokens, len(mixture.pieces)) == (3, 3)
    assert "".join(piece.text for piece in mixture.pieces) == mixture.text
    for piece in mixture.pieces:
        assert len(piece.shares) == 3
        assert sum(piece.shares) == pytest.approx(1)
        assert min(piece.shares) > 0
    assert alone.text == plain.text
    assert plain.pieces == ()
    *pieces, last = [piece async for piece in llm.stream(request)]
    assert last == mixture
    assert "".join(map(str, pieces)) == mixture.text


async def refused(llm: LLM, request: Complete) -> None:
    with pytest.raises(BadPrompt, match="take a local model"):
        await llm.complete([request])
    with pytest.raises(BadPrompt, match="take a local model"):
        _ = [piece async for piece in llm.stream(request)]
