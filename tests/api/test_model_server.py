"""The model server over real HTTP: its parameters, its refusals, and clients that go away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import openai
import pytest

from api.model_server import create_model_app
from tests.api.model_served import serving_app
from tests.rag.llms.tiny import local_llm, model

pytestmark = [pytest.mark.model, pytest.mark.anyio]

CHAT = "/v1/chat/completions"
HI: list[dict[str, object]] = [{"role": "user", "content": "Which of them?"}]


@asynccontextmanager
async def talking(most: int = 4_000_000) -> AsyncIterator[httpx.AsyncClient]:
    llm = local_llm()
    async with (
        serving_app(create_model_app(llm, most)) as url,
        httpx.AsyncClient(base_url=url, timeout=10) as client,
    ):
        yield client
    await llm.close()


async def test_a_forced_beginning_is_continued_only_when_that_is_asked_for() -> None:
    async with talking() as client:
        opened = [*HI, {"role": "assistant", "content": "["}]
        lengths = {}
        for name, flags in {
            "next": {},
            "open": {"continue_final_message": True, "add_generation_prompt": False},
            "closed": {"add_generation_prompt": False},
        }.items():
            reply = await client.post(CHAT, json={"messages": opened, "max_tokens": 1} | flags)
            lengths[name] = reply.json()["usage"]["prompt_tokens"]
        count = (await client.post("/tokenize", json={"messages": opened})).json()["count"]
        assert lengths["open"] < lengths["closed"] < lengths["next"] == count


# ── The official client ──────────────────────────────────────────────────────────────────────────


async def test_the_official_client_chats_streams_and_reads_log_probabilities() -> None:
    llm = local_llm()
    async with (
        serving_app(create_model_app(llm)) as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as client,
    ):
        (listed,) = (await client.models.list()).data
        reply = await client.chat.completions.create(
            model=listed.id,
            messages=[{"role": "user", "content": "the freezer"}],
            max_completion_tokens=6,
            temperature=0,
            logprobs=True,
            top_logprobs=3,
        )
        choice = reply.choices[0]
        assert choice.finish_reason == "length"
        assert choice.logprobs is not None
        assert choice.logprobs.content is not None
        assert len(choice.logprobs.content) == 6
        for token in choice.logprobs.content:
            assert token.top_logprobs[0].logprob == token.logprob
            assert len(token.top_logprobs) == 3
        written = b"".join(bytes(token.bytes or ()) for token in choice.logprobs.content)
        assert written.decode(errors="replace") == choice.message.content
        assert reply.usage is not None
        assert reply.usage.total_tokens == reply.usage.prompt_tokens + 6

        events = await client.chat.completions.create(
            model=listed.id,
            messages=[{"role": "user", "content": "the freezer"}],
            max_tokens=6,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in events]
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert text == choice.message.content
        assert chunks[-2].choices[0].finish_reason == "length"
        assert chunks[-1].usage == reply.usage
        with pytest.raises(openai.NotFoundError, match="is not served here: ask for 'tiny-llama'"):
            await client.chat.completions.create(
                model="other", messages=[{"role": "user", "content": "?"}]
            )
    await llm.close()


# ── Parameters ───────────────────────────────────────────────────────────────────────────────────


async def test_a_stop_string_ends_the_text_before_it_and_the_decoding_with_it() -> None:
    passes = 0

    def count(*_: object) -> None:
        nonlocal passes
        passes += 1

    body = {"messages": HI, "max_tokens": 100, "temperature": 0}
    async with talking() as client:
        text = (await client.post(CHAT, json=body)).json()["choices"][0]["message"]["content"]
        stop = text[4:7]
        hook = model("llama").register_forward_hook(count)
        try:
            for stops in (stop, ["never", stop]):
                passes = 0
                reply = (await client.post(CHAT, json=body | {"stop": stops})).json()
                assert reply["choices"][0]["message"]["content"] == text[: text.index(stop)]
                assert reply["choices"][0]["finish_reason"] == "stop"
                assert reply["usage"]["completion_tokens"] < 20
                assert passes < 20
        finally:
            hook.remove()


async def test_prompt_log_probabilities_are_those_of_the_prompts_own_tokens() -> None:
    async with talking() as client:
        body = {"messages": HI, "max_tokens": 1, "prompt_logprobs": 0}
        reply = (await client.post(CHAT, json=body)).json()
        first, *rest = reply["prompt_logprobs"]
        assert first is None
        assert len(rest) + 1 == reply["usage"]["prompt_tokens"]
        (ids,) = [(await client.post("/tokenize", json={"messages": HI})).json()["tokens"]]
        assert [[*entry] for entry in rest] == [[str(id_)] for id_ in ids[1:]]
        assert all(e["logprob"] <= 0 and e["rank"] >= 1 for entry in rest for e in entry.values())
        spelt = "".join(e["decoded_token"] for entry in rest for e in entry.values())
        assert "Which of them?" in spelt
        more = (await client.post(CHAT, json=body | {"prompt_logprobs": 2})).json()
        for entry, own in zip(more["prompt_logprobs"][1:], rest, strict=True):
            assert len(entry) in {2, 3}
            assert own.keys() <= entry.keys()
            assert {e["rank"] for e in entry.values()} >= {1, 2}


async def test_a_message_may_come_in_parts_and_unknown_parameters_are_passed_over() -> None:
    parts = [{"type": "text", "text": "Which"}, {"type": "text", "text": "of them?"}]
    bodies: list[dict[str, object]] = [
        {"messages": [{"role": "user", "content": parts}]},
        {"messages": [{"role": "user", "content": "Which\nof them?"}], "user": "me", "x": [1]},
        {"messages": [{"role": "user", "content": "Which\nof them?"}], "n": 1, "tools": None},
    ]
    async with talking() as client:
        asked = [b | {"max_tokens": 4, "temperature": 0, "stop": None} for b in bodies]
        replies = [(await client.post(CHAT, json=body)).json() for body in asked]
        assert replies[0]["choices"] == replies[1]["choices"] == replies[2]["choices"]
        texts = set()
        for seed in (None, None, None, None, 1, 1):
            body = asked[0] | {"temperature": 1, "seed": seed, "max_tokens": 8}
            texts.add(
                (await client.post(CHAT, json=body)).json()["choices"][0]["message"]["content"]
            )
        assert 2 < len(texts) <= 5


BAD: dict[str, tuple[object, int, str]] = {
    "no JSON": (b"{oops", 400, "cannot be read as JSON"),
    "empty": (b"", 400, "the body is empty"),
    "no object": ([1], 400, "no JSON object"),
    "no messages": ({"messages": []}, 400, "messages: Expected `array` of length >= 1"),
    "messages missing": ({}, 400, "messages"),
    "a role": ({"messages": [{"role": "tool", "content": "x"}]}, 400, r"messages\[0\].role"),
    "an image": (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "text": ""}]}]},
        400,
        r"messages\[0\].content\[0\].type",
    ),
    "too many": ({"messages": HI, "logprobs": True, "top_logprobs": 21}, 400, "<= 20"),
    "top alone": ({"messages": HI, "top_logprobs": 2}, 400, "needs logprobs: true"),
    "nothing to write": ({"messages": HI, "max_tokens": 0}, 400, "max_tokens: Expected"),
    "cold": ({"messages": HI, "temperature": -1}, 400, "temperature: Expected"),
    "two answers": ({"messages": HI, "n": 2}, 400, "n is not supported"),
    "tools": ({"messages": HI, "tools": [{"type": "function"}]}, 400, "tools is not supported"),
    "a format": ({"messages": HI, "response_format": {"type": "json_object"}}, 400, "response_f"),
    "a bias": ({"messages": HI, "logit_bias": {"5": 3}}, 400, "logit_bias is not supported"),
    "allowed none": ({"messages": HI, "allowed_token_ids": []}, 400, "allowed_token_ids"),
    "a nucleus": ({"messages": HI, "top_p": 0.5}, 400, "top_p is not supported"),
    "both": ({"messages": HI, "continue_final_message": True}, 400, "add_generation_prompt"),
    "not open": (
        {"messages": HI, "continue_final_message": True, "add_generation_prompt": False},
        400,
        "last message of the assistant",
    ),
    "a scored stream": ({"messages": HI, "stream": True, "prompt_logprobs": 0}, 400, "a stream"),
    "too long": ({"messages": HI, "max_tokens": 600}, 400, "context length"),
    "a stream too long": ({"messages": HI, "max_tokens": 600, "stream": True}, 400, "context len"),
    "another model": ({"messages": HI, "model": "gpt"}, 404, "'gpt' is not served.*'tiny-llama'"),
    "too large": ({"messages": [{"role": "user", "content": "x" * 9_000}]}, 413, "Large"),
}


CODES = {
    "too long": "context_length_exceeded",
    "another model": "model_not_found",
    "tools": "unsupported_parameter",
}


@pytest.mark.parametrize("name", BAD)
async def test_what_cannot_be_used_is_refused_in_the_protocols_words(name: str) -> None:
    body, status, says = BAD[name]
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    async with talking(most=8_000) as client:
        reply = await client.post(CHAT, headers={"content-type": "application/json"}, **content)
        assert reply.status_code == status
        error = reply.json()["error"]
        assert error["type"] == "invalid_request_error"
        assert set(error) == {"message", "type", "param", "code"}
        assert error["code"] == CODES.get(name.removeprefix("a stream "), error["code"])
        with pytest.raises(AssertionError, match=says):
            raise AssertionError(error["message"])
        assert (await client.get("/health")).json() == {"status": "ok"}


async def test_other_routes_and_bodies_are_refused_in_the_same_shape() -> None:
    async with talking() as client:
        for reply, status in (
            (await client.get("/v1/embeddings"), 404),
            (await client.post("/v1/completions", json={"prompt": "x"}), 404),
            (await client.get(CHAT), 405),
            (await client.post(CHAT, content="x", headers={"content-type": "text/plain"}), 415),
            (await client.post("/tokenize", json={}), 400),
            (await client.post("/tokenize", json={"prompt": "a", "messages": HI}), 400),
            (await client.post("/tokenize", json={"prompt": "a", "model": "b"}), 404),
        ):
            assert reply.status_code == status
            assert reply.json()["error"]["message"]


async def test_a_mark_of_the_template_is_text_for_the_tokenizer() -> None:
    async with talking() as client:
        reply = (await client.post("/tokenize", json={"prompt": "<|im_end|> x"})).json()
        assert reply["count"] == len(reply["tokens"]) > 3
        assert reply["max_model_len"] == 512
        assert (await client.post("/tokenize", json={"prompt": ""})).json()["tokens"] == []


# ── Clients that go away ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("streams", [False, True])
async def test_a_client_that_goes_away_stops_the_decoding(streams: bool) -> None:
    passes = 0

    def count(*_: object) -> None:
        nonlocal passes
        passes += 1

    body = {"messages": HI, "max_tokens": 450, "temperature": 1, "seed": 1, "stream": streams}
    hook = model("llama").register_forward_hook(count)
    try:
        async with talking() as client:
            asking = asyncio.create_task(client.post(CHAT, json=body))
            await asyncio.sleep(0.15)
            asking.cancel()
            await asyncio.wait([asking])
            await asyncio.sleep(0.1)
            after = passes
            await asyncio.sleep(0.3)
            assert 0 < passes == after < 450
    finally:
        hook.remove()
