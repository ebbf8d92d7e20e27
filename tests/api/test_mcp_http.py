"""The tools over streamable HTTP, by the protocol's own client, at the server that has the keys."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from api.app import create_app
from api.keys import Keyring
from indexers.splitting.pieces import whole
from rag.settings import Settings
from rag.wiring import Engine
from tests.api.collected import Collector, traced
from tests.api.served import Serve, engine_of, wait_until_ready
from tests.api.slow import Slow

QUESTION = {"query": "How long does the sample freezer stay cold?"}
COLD = "The sample freezer stays cold for two days without power."
ERAS = ("auto", "legacy")  # protocols from 2026-07-28 on, and those of before
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    },
}
HEADERS = {"accept": "application/json, text/event-stream"}


def ask(
    client: httpx.Client,
    work: Callable[[Client], Awaitable[None]],
    era: str = "auto",
    key: str = "",
) -> None:
    async def run() -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        async with asyncio.timeout(60), httpx2.AsyncClient(headers=headers) as network:
            way = streamable_http_client(f"{client.base_url}/mcp", http_client=network)
            async with Client(way, mode=era) as opened:
                await work(opened)

    asyncio.run(run())


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def test_what_a_tool_does_is_told_below_its_call(filled: Settings, collector: Collector) -> None:
    async def work(opened: Client) -> None:
        await opened.call_tool("search", QUESTION)
        await opened.call_tool("answer", QUESTION)

    with traced(filled, collector.url) as client:
        ask(client, work)
    calls = collector.named("POST /mcp")
    for path in ("search", "answer"):
        request = collector.sole(f"POST /v1/{path}")
        assert request.parent in {call.id for call in calls}
        assert collector.names_below(request)[0] == "plan"


@pytest.mark.parametrize("era", ERAS)
def test_a_server_has_the_four_tools(client: httpx.Client, era: str) -> None:
    async def work(opened: Client) -> None:
        names = [tool.name for tool in (await opened.list_tools()).tools]
        assert names == ["search", "answer", "rerank", "get_document"]
        told: list[str | None] = []

        async def noted(progress: float, total: float | None, message: str | None) -> None:
            assert (progress >= 1, total) == (True, None)
            told.append(message)

        answer = await opened.call_tool("answer", QUESTION, progress_callback=noted)
        assert answer.structured_content["answer"] == COLD
        assert text(answer).startswith(f"{COLD} [1]")
        assert told == ["2 documents found", COLD]
        found = await opened.call_tool("search", {"query": "badge", "k": 1})
        assert found.structured_content["results"][0]["document_id"] == "badge.md"
        order = await opened.call_tool("rerank", {"query": "ice", "documents": ["fire", "ice"]})
        assert order.structured_content["results"][0]["index"] == 1
        whole_one = await opened.call_tool("get_document", {"document_id": "badge.md"})
        assert whole_one.structured_content["chunks"][0]["text"].startswith("A lost badge")
        refused = await opened.call_tool("search", {"query": "x", "collection": "nope"})
        assert refused.is_error
        assert "no collection 'nope'" in text(refused)

    ask(client, work, era)


def test_every_caller_reads_with_the_own_key(filled: Settings, serve: Serve) -> None:
    keyring = Keyring(Path(filled.server.keys))
    mallory, _ = keyring.add("mallory's", tenant="mallory")
    ada, _ = keyring.add("ada's", tenant="lab", principals=("ada",))
    eve, _ = keyring.add("eve's", tenant="lab", principals=("eve",))
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)

    def found(key: str) -> str:
        told: list[str] = []

        async def work(opened: Client) -> None:
            calls = [(tool, {"query": "freezer party lab"}) for tool in ("search", "answer")]
            calls += [("get_document", {"document_id": id_}) for id_ in ("diary.md", "party.md")]
            for tool, given in calls:
                told.append(text(await opened.call_tool(tool, given)))
            named = await opened.call_tool("search", {"query": "x", "tenant": "default"})
            assert named.is_error
            assert "alone: leave tenant out" in text(named)

        ask(client, work, key=key)
        return "\n".join(told)

    assert "ice cream" in found(mallory)
    assert "surprise party" not in found(mallory)
    assert "surprise party" in found(ada)
    assert "surprise party" not in found(eve)
    assert "closes at nine" in found(eve)
    reply = client.post("/mcp", json=HELLO, headers=HEADERS)
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    wrong = {**HEADERS, "authorization": "Bearer fc_00000000_nothing"}
    assert client.post("/mcp", json=HELLO, headers=wrong).status_code == 401


@pytest.mark.parametrize("era", ERAS)
def test_who_takes_a_call_back_ends_the_work(filled: Settings, serve: Serve, era: str) -> None:
    slow = Slow()
    client = serve(create_app(filled, lambda: Engine(filled, slow, whole)))
    wait_until_ready(client)

    async def work(opened: Client) -> None:
        asked = asyncio.create_task(opened.call_tool("answer", {"query": "slow"}))
        assert await asyncio.to_thread(slow.begun.wait, 20)
        asked.cancel()
        assert await asyncio.to_thread(slow.ended.wait, 20)
        assert not (await opened.call_tool("search", {"query": "badge"})).is_error

    ask(client, work, era)


def test_what_a_page_of_another_site_sends_is_refused(client: httpx.Client) -> None:
    hello = client.post("/mcp", json=HELLO, headers=HEADERS)
    assert hello.status_code == 200
    assert hello.headers["mcp-session-id"]
    own = {**HEADERS, "origin": str(client.base_url).rstrip("/")}
    assert client.post("/mcp", json=HELLO, headers=own).status_code == 200
    for origin in ("https://evil.example", "http://127.0.0.1:1", "null"):
        reply = client.post("/mcp", json=HELLO, headers={**HEADERS, "origin": origin})
        assert reply.status_code == 403
        assert reply.json()["type"] == "urn:firstcite:error:Forbidden"
    rebound = client.post("/mcp", json=HELLO, headers={**HEADERS, "host": "evil.example"})
    assert rebound.status_code == 403


def test_a_session_is_no_key_to_what_another_has_asked(filled: Settings, serve: Serve) -> None:
    keyring = Keyring(Path(filled.server.keys))
    keys = [keyring.add(name)[0] for name in ("ada", "eve")]
    slow = Slow()
    client = serve(create_app(filled, lambda: Engine(filled, slow, whole)))
    while client.get("/ready").status_code == 503:
        pass
    ada, eve = (
        {**HEADERS, "authorization": f"Bearer {key}", "mcp-session-id": "1"} for key in keys
    )
    call = {"name": "search", "arguments": {"query": "slow"}}
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call}
    back = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}

    async def run() -> None:
        async with httpx.AsyncClient(base_url=client.base_url, timeout=30) as network:
            asked = asyncio.create_task(network.post("/mcp", json=body, headers=ada))
            assert await asyncio.to_thread(slow.begun.wait, 20)
            assert (await network.post("/mcp", json=back, headers=eve)).status_code == 202
            assert not await asyncio.to_thread(slow.ended.wait, 0.3)
            assert (await network.post("/mcp", json=back, headers=ada)).status_code == 202
            assert await asyncio.to_thread(slow.ended.wait, 20)
            assert "-32800" in (await asked).text

    asyncio.run(run())


def test_other_methods_and_large_bodies_are_refused(client: httpx.Client) -> None:
    for method in ("GET", "DELETE", "PUT"):
        reply = client.request(method, "/mcp", headers=HEADERS)
        assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    large = {**HELLO, "params": {"x": "y" * 200_000}}
    assert client.post("/mcp", json=large, headers=HEADERS).status_code == 413
    plain = {**HEADERS, "content-type": "text/plain"}
    assert client.post("/mcp", content=b"{}", headers=plain).status_code == 400


@pytest.mark.parametrize("version", ["", "2025-06-18", "2026-07-28", "1999-01-01"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 20_000,
        b"[]",
        b"null",
        b'{"jsonrpc": "2.0"}',
        b'{"id": 1e999}',
    ],
)
def test_what_is_no_message_is_the_client_s_fault(
    client: httpx.Client, body: bytes, version: str
) -> None:
    headers = {**HEADERS, "content-type": "application/json", "mcp-protocol-version": version}
    reply = client.post("/mcp", content=body, headers=headers)
    assert 400 <= reply.status_code < 500
