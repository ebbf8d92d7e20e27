"""The remote model over real HTTP on loopback: what it asks, what it reads, and what goes wrong."""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.deadline import within
from rag.errors import BadPrompt, BadSettings, DeadlineExceeded, LLMUnavailable, RagError
from rag.llms.remote import Abilities, RemoteLLM, connect, merge
from rag.llms.remote.wire import Wire, open_client
from rag.seams import LLM, LLMSpec
from rag.sections import Secret
from rag.values import Choose, Chosen, Complete, Completed, Message, Prompt, Score
from tests.rag.llms.upstream import (
    DONE,
    Step,
    Upstream,
    event,
    reset,
    serving,
    stall,
    status,
    stream,
    token_id,
)

pytestmark = pytest.mark.anyio

AT_ONCE_S = 4.0  # on a machine that is busy; far below every timeout here
KEY = Secret("sk-under-the-mat")
PROMPT: Prompt = (Message("system", "be brief"), Message("user", "one two three four"))
OPENED: Prompt = (*PROMPT, Message("assistant", "["))
AB = Choose(PROMPT, ("A", "B"))


@asynccontextmanager
async def talking(
    upstream: Upstream | None = None,
    url: str = "{}",
    model: str = "",
    key: Secret = KEY,
    *,
    timeout_s: float = 5.0,
    retries: int = 3,
    concurrency: int = 16,
    context_window: int = 0,
) -> AsyncIterator[tuple[RemoteLLM, Upstream]]:
    """Give a model and its server; afterwards no task and no connection may be left."""
    before = asyncio.all_tasks()
    async with serving(upstream or Upstream()) as up:
        address = url.format(up.url)
        try:
            llm = await connect(
                address, model, key, timeout_s, concurrency, retries, context_window, 0.01
            )
        except RagError:
            await soon(lambda: up.connections == 0)
            raise
        up.asked.clear()
        up.peak = 0
        try:
            yield llm, up
        finally:
            await llm.close()
        await soon(lambda: up.open == 0 and up.connections == 0)
        await soon(lambda: asyncio.all_tasks() <= before)


async def soon(claim: Callable[[], bool]) -> None:
    """Return as soon as the claim holds, which must be at once."""
    ends = time.monotonic() + AT_ONCE_S
    while not claim():
        assert time.monotonic() < ends, "still not so"
        await asyncio.sleep(0.002)


ONE = ["one", Completed("one", 1)]


async def collect(pieces: AsyncIterator[str | Completed], into: list[str | Completed]) -> None:
    """Keep the pieces, those before an error too."""
    async for piece in pieces:
        into.append(piece)  # noqa: PERF401 - a comprehension would lose them


def bodies(up: Upstream) -> list[dict[str, object]]:
    return [asked.body for asked in up.asked]


# ── What it is ───────────────────────────────────────────────────────────────────────────────────


async def test_it_is_a_language_model_named_by_the_server() -> None:
    async with talking() as (llm, _):
        assert isinstance(llm, LLM)
        assert llm.spec.name == "Qwen/Qwen2.5-test"
        assert (llm.spec.family, llm.spec.context_window) == ("qwen", 2048)
        assert "top_logprobs 20, allowed_token_ids, continue_final_message" in llm.spec.why


@pytest.mark.parametrize("url", ["{}", "{}/", "{}/v1", "{}/v1/", " {}/v1"])
async def test_the_address_may_end_with_v1(url: str) -> None:
    async with talking(url=url) as (llm, up):
        await llm.complete([Complete(PROMPT)])
        assert [asked.path for asked in up.asked] == ["/v1/chat/completions"]


async def test_a_model_is_taken_by_its_name_even_if_it_is_not_listed() -> None:
    models: list[dict[str, object]] = [
        {"id": "first", "max_model_len": 10},
        {"id": "llama3:latest", "meta": {"n_ctx_train": 8192, "n_ctx": 512}},
    ]
    async with talking(Upstream(models=models), model="llama3:latest") as (llm, up):
        assert (llm.spec.name, llm.spec.context_window) == ("llama3:latest", 512)
        await llm.complete([Complete(PROMPT)])
        assert bodies(up)[0]["model"] == "llama3:latest"
    async with talking(Upstream(models=models), model="llama3") as (llm, _):
        assert (llm.spec.name, llm.spec.context_window) == ("llama3", 4096)
        assert "4096 assumed" in llm.spec.why


@pytest.mark.parametrize(
    ("said", "wanted", "window"),
    [(None, 0, 4096), (None, 700, 700), (900, 0, 900), (900, 700, 700), (900, 9000, 900)],
)
async def test_the_smaller_of_the_windows_counts(
    said: int | None, wanted: int, window: int
) -> None:
    models: list[dict[str, object]] = [{"id": "m", "max_model_len": said}]
    async with talking(Upstream(models=models), context_window=wanted) as (llm, _):
        assert llm.spec.context_window == window


async def test_a_server_without_models_wants_a_name() -> None:
    with pytest.raises(BadSettings, match=r"set llm\.model"):
        async with talking(Upstream(models=[])):
            pass


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://host", "http://", "http://[::", "x"])
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadSettings, match=r"llm\.url"):
        await connect(url)


@pytest.mark.parametrize("key", ["sk-\n-evil", "schlüssel"])
async def test_a_key_that_no_header_can_carry_is_refused_unshown(key: str) -> None:
    with pytest.raises(BadSettings, match=r"llm\.api_key") as caught:
        await connect("http://127.0.0.1:9", api_key=Secret(key))
    assert key not in str(caught.value)


# ── What the server can do ───────────────────────────────────────────────────────────────────────


async def test_a_strict_server_that_can_little_is_found_out() -> None:
    upstream = Upstream(
        most_top=5, flags=False, strict=True, scores=False, echoes=False, tokenizes=False
    )
    async with talking(upstream) as (llm, _):
        assert llm.spec.why.startswith("the server can: top_logprobs 5; ")


async def test_a_server_that_ignores_what_it_does_not_know_is_not_believed() -> None:
    upstream = Upstream(most_top=-1, flags=False, scores=False, echoes=False, tokenizes=False)
    async with talking(upstream) as (llm, _):
        assert llm.spec.why.startswith("the server can: top_logprobs 0; ")


async def test_without_usage_nobody_knows_whether_a_turn_is_continued() -> None:
    async with talking(Upstream(usage=False)) as (llm, _):
        assert not llm.abilities.continue_final_message
        assert not llm.abilities.continues
        (reply,) = await llm.complete([Complete(PROMPT, max_tokens=2)])
        assert (reply.text, reply.usage.tokens_in) == ("one two", 0)
        assert reply.tokens >= 2


async def test_a_server_that_wants_the_newer_name_of_the_limit_gets_it_from_then_on() -> None:
    upstream = Upstream(
        [{"id": "gpt-5"}], limit="max_completion_tokens", strict=True, flags=False, scores=False
    )
    async with talking(upstream) as (llm, up):
        assert llm.abilities.max_completion_tokens
        assert (await llm.complete([Complete(PROMPT, 1)]))[0].text == "one"
        await llm.choose([AB])
        assert await anext(llm.stream(Complete(PROMPT, 1))) == "one"
        for body in bodies(up):
            assert body["max_completion_tokens"] == 1
            assert "max_tokens" not in body


async def test_a_model_that_thinks_is_told_not_to_where_the_server_listens() -> None:
    async with talking(Upstream(thinks=True)) as (llm, up):
        assert llm.abilities.unthinking
        assert (await llm.choose([AB]))[0].logprobs[0] is not None
        assert bodies(up)[0]["chat_template_kwargs"] == {"enable_thinking": False}
    async with talking() as (llm, up):
        assert not llm.abilities.unthinking
        await llm.choose([AB])
        assert "chat_template_kwargs" not in bodies(up)[0]


async def test_a_model_that_thinks_all_the_same_is_no_ranking_without_labels() -> None:
    async with talking(Upstream(thinks=True, flags=False)) as (llm, _):
        assert not llm.abilities.unthinking
        with pytest.raises(LLMUnavailable, match="thinks before it answers: start its server with"):
            await llm.choose([AB])


# ── Choosing ─────────────────────────────────────────────────────────────────────────────────────


async def test_choosing_merges_variants_and_counts_what_is_missing() -> None:
    top = [("A", -1.0), (" A", -2.0), ("▁A", -3.0), ("a", -0.1), ("B", -4.0), ("C", -9999.0)]
    async with talking(Upstream(top=top)) as (llm, up):
        (reply,) = await llm.choose([Choose(PROMPT, ("A", "B", "C", "D"))])
        merged = math.log(math.exp(-1) + math.exp(-2) + math.exp(-3))
        assert reply.logprobs[0] == pytest.approx(merged)
        assert reply.logprobs[1:] == (-4.0, None, None)
        assert reply.missing == 2
        (body,) = bodies(up)
        assert (body["max_tokens"], body["temperature"]) == (1, 0.0)
        assert (body["logprobs"], body["top_logprobs"]) == (True, 20)


async def test_a_model_that_says_none_of_the_labels_or_nothing_at_all_misses_all() -> None:
    nothing = {"choices": [{"message": {"content": ""}, "logprobs": {"content": []}}]}
    async with talking(Upstream(top=[("Sure", -0.1)])) as (llm, up):
        assert await llm.choose([AB]) == (Chosen((None, None)),)
        up.script.append(status(200, nothing))
        assert await llm.choose([AB]) == (Chosen((None, None)),)


async def test_a_forced_bracket_is_continued_with_the_parameter_of_vllm() -> None:
    async with talking() as (llm, up):
        await llm.choose([Choose(OPENED, ("A", "B"))])
        (body,) = bodies(up)
        assert body["continue_final_message"] is True
        assert body["add_generation_prompt"] is False


async def test_a_server_that_continues_by_itself_gets_no_parameter() -> None:
    async with talking(Upstream(flags=False, prefills=True)) as (llm, up):
        assert llm.abilities.continues
        await llm.choose([Choose(OPENED, ("A", "B"))])
        assert "continue_final_message" not in bodies(up)[0]
        assert "add_generation_prompt" not in bodies(up)[0]


async def test_a_forced_bracket_that_cannot_be_continued_is_refused_with_the_remedy() -> None:
    async with talking(Upstream(flags=False)) as (llm, up):
        for ask in (
            llm.choose([Choose(OPENED, ("A", "B"))]),
            llm.complete([Complete(OPENED)]),
            anext(llm.stream(Complete(OPENED))),
        ):
            with pytest.raises(BadPrompt, match="ask for the bare label"):
                await ask
        assert up.asked == []


@pytest.mark.parametrize("labels", [("A", "A"), ("A", " A"), ("A", ""), (" ",)])
async def test_labels_that_are_not_told_apart_are_refused(labels: tuple[str, ...]) -> None:
    async with talking() as (llm, _):
        with pytest.raises(BadPrompt, match="distinct"):
            await llm.choose([Choose(PROMPT, labels)])


async def test_a_server_without_log_probabilities_cannot_choose() -> None:
    async with talking(Upstream(most_top=0)) as (llm, _):
        with pytest.raises(LLMUnavailable, match="rank by generation"):
            await llm.choose([AB])
        assert await llm.choose([]) == ()


LOGPROBS = st.floats(-50, -0.001)
VARIANTS = st.sampled_from(["A", " A", "▁A", "B", " B", "a", "x", ""])


@given(st.lists(st.tuples(VARIANTS, LOGPROBS), max_size=8))
def test_merging_keeps_the_probability_of_each_label(tokens: list[tuple[str, float]]) -> None:
    merged = merge(tokens, ("A", "B"))
    for label, logprob in zip(("A", "B"), merged, strict=True):
        shares = [math.exp(p) for token, p in tokens if token.lstrip(" ▁") == label]
        assert (logprob is None) == (not shares)
        if logprob is not None:
            assert logprob <= 0
            assert math.exp(logprob) == pytest.approx(min(1.0, sum(shares)))
    assert merge(tokens[::-1], ("A", "B")) == merged


# ── Scoring, completing, streaming ───────────────────────────────────────────────────────────────


async def test_a_text_is_scored_by_its_own_tokens_as_the_last_turn() -> None:
    async with talking() as (llm, up):
        (reply,) = await llm.score([Score(PROMPT, "the cat sat")])
        assert (reply.logprob, reply.tokens) == (-2.0 - 1.0 - 1.0, 3)  # "the" is second
        last = {"role": "assistant", "content": "the cat sat"}
        assert [asked.body["messages"][-1] for asked in up.asked] == [last]
        (reply,) = await llm.score([Score(OPENED, "cat")])
        assert up.asked[-1].body["messages"][-1] == {"role": "assistant", "content": "[cat"}
        assert (await llm.score([Score(PROMPT, " ")]))[0].tokens == 0


async def test_a_reply_whose_tokens_are_not_the_text_is_no_score() -> None:
    other = {"choices": [{"message": {}}], "prompt_logprobs": [None, {"1": {"logprob": -1.0}}]}
    async with talking() as (llm, up):
        up.script.append(status(200, other))
        with pytest.raises(LLMUnavailable, match="the prompt's tokens end with"):
            await llm.score([Score(PROMPT, "the cat")])


async def test_a_text_is_scored_by_the_legacy_echo_where_the_chat_cannot() -> None:
    async with talking(Upstream(scores=False)) as (llm, up):
        prompt = (Message("system", "abc"), Message("user", "def"))  # "abc\ndef\n": two tokens
        (reply,) = await llm.score([Score(prompt, "12345678")])
        assert (reply.logprob, reply.tokens, reply.usage.tokens_in) == (-2.0, 2, 4)
        assert up.asked[-1].body["prompt"] == "abc\ndef\n12345678"
        (reply,) = await llm.score([Score(prompt, "12")])  # with the first two of "more"
        assert (reply.logprob, reply.tokens) == (-1.0, 1)


async def test_a_server_that_cannot_score_says_what_to_use() -> None:
    async with talking(Upstream(scores=False, echoes=False)) as (llm, _):
        with pytest.raises(LLMUnavailable, match="use a reranker that chooses"):
            await llm.score([Score(PROMPT, "the cat")])
        assert await llm.score([]) == ()


async def test_completions_come_in_order_with_their_cost() -> None:
    async with talking(Upstream(pause_s=0.02)) as (llm, up):
        requests = [Complete(PROMPT, max_tokens=n) for n in (4, 1, 3)]
        replies = await llm.complete(requests)
        assert replies == (
            Completed("one two three four", 4),
            Completed("one", 1, cut=True),
            Completed("one two three", 3, cut=True),
        )
        assert [reply.usage.tokens_out for reply in replies] == [4, 1, 3]
        # two words and four, two per message, one header
        assert {reply.usage.tokens_in for reply in replies} == {2 + 4 + 4 + 1}
        assert {reply.usage.batch for reply in replies} == {3}
        assert all(reply.usage.ms >= 20 for reply in replies)
        assert up.peak == 3
        assert await llm.complete([Complete(PROMPT, max_tokens=0)]) == (Completed("", 0, cut=True),)


async def test_the_stream_is_the_completion_in_pieces() -> None:
    async with talking() as (llm, up):
        pieces = [piece async for piece in llm.stream(Complete(PROMPT, max_tokens=3))]
        assert pieces == ["one", " two", " three", Completed("one two three", 3, cut=True)]
        assert isinstance(pieces[-1], Completed)
        assert pieces[-1].usage.tokens_in > 0
        assert bodies(up)[0]["stream"] is True
        nothing = [piece async for piece in llm.stream(Complete(PROMPT, max_tokens=0))]
        assert nothing == [Completed("", 0, cut=True)]


async def test_a_server_that_can_be_held_to_the_labels_reports_one_of_them() -> None:
    top = [("Sure", -0.1), ("Well", -0.5), (" B", -7.0), ("A", -9.0)]
    async with talking(Upstream(top=top, reported=2)) as (llm, up):
        (chosen,) = await llm.choose([Choose(PROMPT, ("A", "B"))])
        assert chosen.logprobs == (None, -7.0)
        (asked,) = [body for body in bodies(up) if "messages" in body]
        ids = [token_id(token) for token in ("A", "B", " A", " B")]
        assert asked["allowed_token_ids"] == ids
        up.cut.clear()
        await llm.choose([Choose(PROMPT, ("B", "A"))])
        assert up.cut == []
        await llm.choose([Choose(PROMPT, ("A", "T"))])  # two tokens: nothing to be held to
        assert "allowed_token_ids" not in bodies(up)[-1]


async def test_a_stream_whose_server_does_not_say_its_length_is_estimated() -> None:
    async with talking(Upstream(usage=False)) as (llm, _):
        *_, completed = [piece async for piece in llm.stream(Complete(PROMPT, max_tokens=3))]
        assert completed == Completed("one two three", 4, cut=True)


async def test_a_stream_may_hold_comments_carriage_returns_and_unicode_line_ends() -> None:
    data = b": ping\r\n\r\nevent: x\r\n" + event("a\u2028b").replace(b"\n", b"\r\n") + event("é")
    data += event(finish="stop")
    async with talking() as (llm, up):
        up.script.append(stream(*[bytes([byte]) for byte in data]))
        *pieces, completed = [p async for p in llm.stream(Complete(PROMPT))]
        assert "".join(map(str, pieces)) == "a\u2028bé"
        assert completed == Completed("a\u2028bé", 2)


async def test_leaving_the_stream_closes_the_request_at_once() -> None:
    async with talking() as (llm, up):
        up.script.append(stream(*[event("x")] * 1000, pause_s=0.01))
        async for _ in llm.stream(Complete(PROMPT)):
            assert up.open == 1
            break
        began = time.monotonic()
        await soon(lambda: up.dropped == 1 and up.open == 0)
        assert time.monotonic() - began < AT_ONCE_S
        assert len(await llm.complete([Complete(PROMPT)])) == 1


async def test_counting_is_an_estimate_by_bytes_and_words() -> None:
    async with talking() as (llm, _):
        assert llm.count_tokens((Message("user", "x" * 35),)) == 10 + 8
        assert llm.count_tokens((Message("user", "a b c d e"),)) == 5 + 8
        assert llm.count_tokens((Message("user", "é" * 35), Message("user", ""))) == 20 + 8 + 8


# ── What goes wrong ──────────────────────────────────────────────────────────────────────────────

OK = {"choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}]}
FAULTS: dict[str, tuple[Step, str]] = {
    "garbage": (status(200, b"<html>busy</html>"), "makes no sense.*<html>busy"),
    "no UTF-8": (status(200, b'{"choices": "\xff"}'), "makes no sense"),
    "nested without end": (status(200, b"[" * 100_000), "makes no sense"),
    "wrong shape": (status(200, {"choices": [{"text": "legacy"}]}), "makes no sense.*message"),
    "no choices": (status(200, {"choices": []}), "makes no sense"),
    "an error as 200": (status(200, {"error": {"message": "quota"}}), "makes no sense.*quota"),
    "redirected": (status(307, b"", Location="http://elsewhere/"), "307"),
    "not found": (status(404, {"error": {"message": "no such model"}}), "no such model"),
    "refused in words": (status(422, {"error": "bad temperature"}), "422.*bad temperature"),
    "refused in no JSON": (status(418, b"I am a teapot"), "418.*teapot"),
    "forbidden": (status(403, {"message": "go away"}), r"403, set llm\.api_key: go away"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_answer_that_is_none_is_a_typed_error_and_not_asked_again(fault: str) -> None:
    step, says = FAULTS[fault]
    async with talking() as (llm, up):
        for ask in (llm.complete([Complete(PROMPT)]), llm.choose([AB])):
            up.script.append(step)
            with pytest.raises(LLMUnavailable, match=f"(?s)the server of llm.url.*{says}"):
                await ask
        assert len(up.asked) == 2
        assert await llm.complete([Complete(PROMPT, 1)]) == (Completed("one", 1, cut=True),)


async def test_a_long_message_of_the_server_is_cut() -> None:
    async with talking() as (llm, up):
        up.script.append(status(400, {"error": {"message": "x" * 5000}}))
        with pytest.raises(LLMUnavailable) as caught:
            await llm.complete([Complete(PROMPT)])
        assert len(str(caught.value)) < 400


async def test_missing_log_probabilities_are_no_ranking() -> None:
    async with talking() as (llm, up):
        up.script.append(status(200, OK))
        with pytest.raises(LLMUnavailable, match="without log-probabilities: rank by generation"):
            await llm.choose([AB])


@pytest.mark.parametrize(
    "step",
    [
        status(400, {"error": {"message": "maximum context length is 2048 tokens"}}),
        status(400, {"error": {"message": "too much", "type": "exceed_context_size_error"}}),
        status(413, b""),
    ],
)
async def test_a_prompt_that_the_server_finds_too_long_is_a_bad_prompt(step: Step) -> None:
    async with talking() as (llm, up):
        up.script.append(step)
        with pytest.raises(BadPrompt, match="send fewer or shorter passages"):
            await llm.complete([Complete(PROMPT)])


async def test_a_text_that_no_request_can_carry_is_a_bad_prompt() -> None:
    async with talking() as (llm, up):
        with pytest.raises(BadPrompt, match="surrogates not allowed"):
            await llm.complete([Complete((Message("user", "half a \ud83d"),))])
        assert up.asked == []


async def test_a_prompt_longer_than_the_window_is_warned_of_once() -> None:
    async with talking(context_window=30) as (llm, _):
        await llm.complete([Complete(PROMPT, max_tokens=1)])
        with pytest.warns(UserWarning, match="may not fit the 30 of") as caught:
            await llm.complete([Complete(PROMPT, max_tokens=20)] * 2)
        assert len(caught) == 1


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
async def test_what_may_pass_is_asked_again(code: int) -> None:
    async with talking() as (llm, up):
        up.script.extend([status(code, b"busy"), reset])
        assert (await llm.complete([Complete(PROMPT, 1)]))[0].text == "one"
        assert len(up.asked) == 3


async def test_what_does_not_pass_is_given_up_after_the_retries() -> None:
    async with talking(retries=2) as (llm, up):
        up.script.extend([status(503, b"still loading")] * 3)
        with pytest.raises(LLMUnavailable, match=r"503 \(tried 3×\): still loading"):
            await llm.complete([Complete(PROMPT)])
        assert len(up.asked) == 3


async def test_the_wait_that_the_server_asks_for_is_kept() -> None:
    async with talking() as (llm, up):
        for after, least in (("0.1", 0.1), ("soon", 0.0), ("-5", 0.0)):
            up.script.append(status(429, b"slow down", Retry_After=after))
            began = time.monotonic()
            await llm.complete([Complete(PROMPT)])
            assert time.monotonic() - began >= least
        date = (datetime.now(UTC) + timedelta(seconds=1.2)).replace(microsecond=0)
        up.script.append(status(503, b"", Retry_After=format_datetime(date, usegmt=True)))
        await llm.complete([Complete(PROMPT)])
        assert datetime.now(UTC) >= date
        assert len(up.asked) == 8


async def test_a_wait_that_does_not_fit_is_not_begun() -> None:
    async with talking() as (llm, up):
        for after, seconds in (("9", AT_ONCE_S), ("3600", math.inf), ("inf", math.inf)):
            up.script.append(status(429, b"slow down", Retry_After=after))
            began = time.monotonic()
            with pytest.raises(LLMUnavailable, match=r"429.*slow down"):
                async with within(seconds):
                    await llm.complete([Complete(PROMPT)])
            assert time.monotonic() - began < AT_ONCE_S


async def test_a_server_that_stalls_costs_no_more_than_the_deadline() -> None:
    async with talking(timeout_s=5) as (llm, up):
        for ask in (llm.complete([Complete(PROMPT)]), anext(llm.stream(Complete(PROMPT)))):
            up.script.append(stall)
            began = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                async with within(0.1):
                    await ask
            assert time.monotonic() - began < AT_ONCE_S
            await soon(lambda: up.open == 0)


async def test_a_try_that_stalls_ends_at_its_timeout_and_is_made_again() -> None:
    async with talking(timeout_s=0.1) as (llm, up):
        up.script.append(stall)
        assert (await llm.complete([Complete(PROMPT, 1)]))[0].text == "one"
        up.script.extend([stall] * 4)
        with pytest.raises(LLMUnavailable, match=r"no answer within 0\.1 s \(tried 4×\)"):
            await llm.complete([Complete(PROMPT)])


async def test_a_stream_that_stalls_midway_ends_with_the_deadline() -> None:
    async with talking() as (llm, up):
        up.script.append(stream(event("one"), event(" two"), pause_s=10))
        pieces: list[str | Completed] = []
        with pytest.raises(DeadlineExceeded):
            async with within(0.4):
                await collect(llm.stream(Complete(PROMPT)), pieces)
        assert pieces == ["one"]
        await soon(lambda: up.dropped == 1)


async def test_an_answer_that_drips_ends_at_the_timeout_too() -> None:
    async with talking(timeout_s=0.3, retries=0) as (llm, up):
        up.script.append(stream(*[b" "] * 100, pause_s=0.02))
        with pytest.raises(LLMUnavailable, match="no answer within"):
            await llm.complete([Complete(PROMPT)])


async def test_nobody_there_is_said_with_the_setting_at_fault() -> None:
    async with serving(Upstream()) as up:
        url = up.url
    before = asyncio.all_tasks()
    began = time.monotonic()
    with pytest.raises(LLMUnavailable, match=r"ConnectError.*\(tried 3×\).*is llm\.url right"):
        await connect(url, retries=2, backoff_s=0.01)
    assert time.monotonic() - began < AT_ONCE_S
    assert asyncio.all_tasks() == before


BROKEN: dict[str, tuple[Step, str]] = {
    "truncated": (stream(event("one"), event(" two")), "closed the connection"),
    "cut off": (stream(event("one"), event(" two"), ends=False), "RemoteProtocolError"),
    "reset": (stream(event("one"), event(" two"), ends=False, resets=True), "ReadError"),
    "garbage": (stream(event("one"), event(" two"), b"data: {oops\n\n"), "makes no sense.*oops"),
    "an error": (
        stream(event("one"), event(" two"), b'data: {"error": {"message": "out of memory"}}\n\n'),
        "out of memory",
    ),
    "stalled": (stream(event("one"), event(" two"), pause_s=0.5), "ReadTimeout"),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_stream_that_breaks_gives_its_pieces_then_the_error(fault: str) -> None:
    step, says = BROKEN[fault]
    wanted = ["one"] if fault == "stalled" else ["one", " two"]
    async with talking(timeout_s=0.3 if fault == "stalled" else 5) as (llm, up):
        up.script.append(step)
        pieces: list[str | Completed] = []
        with pytest.raises(LLMUnavailable, match=says):
            await collect(llm.stream(Complete(PROMPT)), pieces)
        assert pieces == wanted
        assert len(up.asked) == 1


async def test_a_stream_that_breaks_after_its_end_is_whole() -> None:
    async with talking() as (llm, up):
        up.script.append(stream(event("one", "stop"), ends=False))
        assert [piece async for piece in llm.stream(Complete(PROMPT))] == ONE


async def test_a_stream_is_asked_for_again_until_it_begins() -> None:
    async with talking() as (llm, up):
        up.script.extend([reset, status(503, b"busy"), stream(event("one"), DONE)])
        assert [piece async for piece in llm.stream(Complete(PROMPT))] == ONE
        up.script.append(status(400, {"error": {"message": "no streams here"}}))
        with pytest.raises(LLMUnavailable, match="no streams here"):
            await anext(llm.stream(Complete(PROMPT)))


ASKS: dict[str, Callable[[LLM], Coroutine[None, None, object]]] = {
    "choose": lambda llm: llm.choose([AB]),
    "score": lambda llm: llm.score([Score(PROMPT, "the cat")]),
    "complete": lambda llm: llm.complete([Complete(PROMPT)]),
    "stream": lambda llm: collect(llm.stream(Complete(PROMPT)), []),
}
EVENTS = (event("one"), event(" two"))
AFFLICTIONS: dict[str, tuple[list[Step], type[RagError]]] = {
    "reset": ([reset] * 4, LLMUnavailable),
    "reset midway": ([stream(*EVENTS, ends=False, resets=True)] * 4, LLMUnavailable),
    "too many requests": ([status(429, b"slow down")] * 4, LLMUnavailable),
    "overloaded": ([status(503, b"busy")] * 4, LLMUnavailable),
    "stalled for 10 s": ([stall], DeadlineExceeded),
    "stalled midway": ([stream(*EVENTS, pause_s=10)], DeadlineExceeded),
    "garbage": ([stream(b'data: {"choices"\n\n', DONE)], LLMUnavailable),
    "truncated": ([stream(*EVENTS)], LLMUnavailable),
}


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("affliction", AFFLICTIONS)
async def test_whatever_happens_is_a_typed_error_within_the_deadline_and_leaves_nothing_behind(
    ask: str, affliction: str
) -> None:
    steps, kind = AFFLICTIONS[affliction]
    async with talking() as (llm, up):  # compares the tasks before and after
        tasks = asyncio.all_tasks()
        up.script.extend(steps)
        began = time.monotonic()
        with pytest.raises(kind):
            async with within(0.2 if kind is DeadlineExceeded else 3.0):
                await ASKS[ask](llm)
        assert time.monotonic() - began < AT_ONCE_S
        await soon(lambda: up.open == 0)
        await soon(lambda: not [t for t in asyncio.all_tasks() - tasks if "serve" not in repr(t)])
        up.script.clear()
        assert (await llm.complete([Complete(PROMPT, 1)]))[0].text == "one"


@pytest.mark.parametrize("ask", ASKS)
async def test_a_server_that_has_gone_away_is_said_to_be_down(ask: str) -> None:
    async with serving(Upstream()) as up:
        url = up.url
    before = asyncio.all_tasks()
    wire = Wire(open_client(url, KEY, 5.0, 4), KEY, 5.0, 4, 2, 0.01)
    able = Abilities(top_logprobs=20, prompt_logprobs=True, continues=True)
    llm = RemoteLLM(wire, LLMSpec("gone", "gone", 512), able)
    with pytest.raises(LLMUnavailable, match=r"ConnectError.*\(tried 3×\): is it up"):
        async with within(1):
            await ASKS[ask](llm)
    await llm.close()
    assert asyncio.all_tasks() == before


# ── Concurrency ──────────────────────────────────────────────────────────────────────────────────


async def test_a_hundred_requests_never_exceed_the_limit() -> None:
    async with talking(Upstream(pause_s=0.05), concurrency=7) as (llm, up):
        replies = await llm.complete([Complete((Message("user", str(i)),)) for i in range(100)])
        assert [reply.text for reply in replies] == [str(i) for i in range(100)]
        assert up.peak == 7
        assert up.connections <= 7


async def test_waiting_for_ones_turn_is_not_waiting_for_an_answer() -> None:
    async with talking(concurrency=1, timeout_s=0.5, retries=0) as (llm, up):
        up.pause_s = 0.1  # far below the timeout: another process may have the core meanwhile
        assert len(await llm.complete([Complete(PROMPT)] * 6)) == 6  # takes 0.6 s


async def test_the_first_failure_cancels_the_rest_and_comes_out_as_itself() -> None:
    async with talking() as (llm, up):
        up.script.extend([stall, stall, status(404, {"error": {"message": "no such model"}})])
        began = time.monotonic()
        with pytest.raises(LLMUnavailable, match="no such model"):
            await llm.complete([Complete(PROMPT)] * 3)
        assert time.monotonic() - began < AT_ONCE_S
        await soon(lambda: up.dropped == 2)


async def test_cancelling_the_caller_closes_its_requests() -> None:
    async with talking() as (llm, up):
        up.script.extend([stall] * 3)
        task = asyncio.create_task(llm.choose([AB] * 3))
        await soon(lambda: up.open == 3 and not up.script)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await soon(lambda: up.dropped == 3 and up.open == 0)


# ── The key ──────────────────────────────────────────────────────────────────────────────────────


async def test_the_key_is_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    texts = []
    async with talking(Upstream(key=KEY)) as (llm, up):
        assert up.asked == []
        texts += [repr(llm), repr(llm.spec), repr(vars(llm)), repr(vars(llm._wire))]
        leak = {"error": {"message": f"bad key {KEY} " * 30}}
        faults = [status(code, leak) for code in (400, 401, 403, 413, 404)]
        for step in (*faults, status(200, leak), stream(f"data: {json.dumps(leak)}\n\n".encode())):
            up.script.append(step)
            with pytest.raises(RagError) as caught:
                [piece async for piece in llm.stream(Complete(PROMPT))]
            texts.append(str(caught.value))
        up.script.append(status(200, leak))
        with pytest.raises(LLMUnavailable) as caught:
            await llm.choose([AB])
        texts.append(str(caught.value))
    with pytest.raises(LLMUnavailable, match=r"401, set llm\.api_key") as caught:
        async with talking(Upstream(key="another")):
            pass
    texts += [str(caught.value), caplog.text]
    assert "********" in "".join(texts)
    assert not [text for text in texts if KEY in text]
