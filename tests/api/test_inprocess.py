"""Requests to an application of the same process: streamed, and ended when nobody waits."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from litestar.types import Receive, Scope, Send

from api.inprocess import InProcess

HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"x-kind", b"test")]}


def piece(body: bytes, *, more: bool) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def ask(
    app: Callable[[Scope, Receive, Send], Awaitable[None]],
    work: Callable[[httpx.AsyncClient], Awaitable[None]],
) -> None:
    async def run() -> None:
        transport = InProcess(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            await work(client)

    asyncio.run(run())


def test_it_carries_the_request_and_the_reply() -> None:
    seen: dict[str, object] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(
            method=scope["method"],  # type: ignore[typeddict-item]
            path=scope["path"],
            raw=scope["raw_path"],
            query=scope["query_string"],
            body=(await receive())["body"],  # type: ignore[typeddict-item]
        )
        await send(HEAD)  # type: ignore[arg-type]
        await send(piece(b"whole", more=False))  # type: ignore[arg-type]

    async def work(client: httpx.AsyncClient) -> None:
        reply = await client.post("/a%2Fb c?x=1&y=%20", content=b"asked")
        assert (reply.status_code, reply.headers["x-kind"], reply.text) == (200, "test", "whole")

    ask(app, work)
    assert seen == {
        "method": "POST",
        "path": "/a/b c",
        "raw": b"/a%2Fb%20c",
        "query": b"x=1&y=%20",
        "body": b"asked",
    }


def test_pieces_come_as_they_are_made_and_who_leaves_ends_the_work() -> None:
    ended: list[str] = []

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send(HEAD)  # type: ignore[arg-type]
        try:
            for number in range(1_000_000):
                await send(piece(f"{number}\n".encode(), more=True))  # type: ignore[arg-type]
        finally:
            ended.append("work")

    async def work(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/") as reply:
            lines = reply.aiter_lines()
            assert [await anext(lines) for _ in range(3)] == ["0", "1", "2"]
            assert not ended
            await lines.aclose()  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert ended == ["work"]

    ask(app, work)


def test_who_waits_for_nothing_any_more_ends_the_work_too() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def work(client: httpx.AsyncClient) -> None:
        asked = asyncio.create_task(client.get("/"))
        await begun.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await asyncio.wait_for(ended.wait(), 5)

    ask(app, work)


def test_a_reply_that_breaks_off_is_an_error_of_the_way() -> None:
    async def silent(_: Scope, __: Receive, ___: Send) -> None:
        pass

    async def half(_: Scope, __: Receive, send: Send) -> None:
        await send(HEAD)  # type: ignore[arg-type]
        await send(piece(b"half", more=True))  # type: ignore[arg-type]

    async def work(client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ReadError, match="broke off"):
            await client.get("/")

    ask(silent, work)
    ask(half, work)
