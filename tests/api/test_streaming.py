"""Answers as server-sent events over real HTTP: their order, errors, and clients that leave."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from api.app import create_app
from api.streaming import streamed
from rag.citing.events import Event, Meta, SearchResults
from rag.deadline import within
from rag.errors import StoreUnavailable
from rag.settings import Settings
from tests.api.served import Serve, engine_of, wait_until_ready
from tests.api.test_errors import refused

QUESTION = "How long does the sample freezer stay cold without power?"


def told(reply: httpx.Response) -> Iterator[tuple[str, Any]]:
    """The events of a reply, read as a client reads them."""
    name = ""
    for line in reply.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
        else:
            assert line == "" or line.startswith(":")


@pytest.mark.parametrize(
    ("body", "headers"), [({"stream": True}, {}), ({}, {"accept": "text/event-stream"})]
)
def test_the_events_come_in_order_and_end_with_the_answer_itself(
    client: httpx.Client, body: dict[str, object], headers: dict[str, str]
) -> None:
    asked = {"query": QUESTION, **body}
    with client.stream("POST", "/v1/answer", json=asked, headers=headers) as reply:
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert "no-cache" in reply.headers["cache-control"]
        events = list(told(reply))
    names = [name for name, _ in events]
    assert names[:2] == ["meta", "search_results"]
    assert names[-2:] == ["final", "done"]
    assert {"delta", "citation"} <= set(names[2:-2]) <= {"delta", "citation", "verification"}
    plain = client.post("/v1/answer", json={"query": QUESTION}).json()
    final = dict(events)["final"]
    assert {**final, "trace": []} == {**plain, "trace": []}
    text = "".join(data["text"] for name, data in events if name == "delta")
    cited = [data for name, data in events if name == "citation"]
    for citation, sentence in zip(cited, plain["sentences"], strict=True):
        assert text[citation["start"] : citation["end"]].strip() == sentence["text"].strip()
        assert citation["refs"] == [one["ref"] for one in sentence["citations"]]
    assert len(dict(events)["meta"]["request_id"]) == 32


def test_what_cannot_be_asked_is_refused_with_its_status(client: httpx.Client) -> None:
    asked = {"query": QUESTION, "stream": True}
    refused(client.post("/v1/answer", json={**asked, "collection": "none"}), 404)
    refused(client.post("/v1/answer", json={**asked, "generator": "none"}), 400)
    refused(client.post("/v1/answer", json={**asked, "stream": "yes"}), 400)


async def _breaking(error: Exception, after: int) -> AsyncGenerator[Event, None]:
    for event in (Meta("r"), SearchResults(()))[:after]:
        yield event
    raise error


async def _events(error: Exception) -> str:
    stream = await streamed(_breaking(error, 2))
    return b"".join([piece async for piece in stream.iterator]).decode()  # type: ignore[misc, union-attr]


def test_an_error_in_the_middle_is_the_last_event() -> None:
    text = asyncio.run(_events(StoreUnavailable("the store is gone: start it")))
    assert [line for line in text.splitlines() if line.startswith("event")] == [
        "event: meta",
        "event: search_results",
        "event: error",
    ]
    error = json.loads(text.rstrip().rsplit("data: ", 1)[1])
    assert (error["status"], error["detail"]) == (503, "the store is gone: start it")
    assert "secret" not in asyncio.run(_events(ValueError("secret")))
    with pytest.raises(StoreUnavailable):
        asyncio.run(streamed(_breaking(StoreUnavailable("gone"), 0)))


def test_a_stream_says_that_its_time_is_over() -> None:
    ended: list[str] = []

    async def slow() -> AsyncGenerator[Event, None]:
        try:
            yield Meta("r")
            yield SearchResults(())
            await asyncio.sleep(30)
        finally:
            ended.append("ended")

    async def run() -> str:
        async with within(0.4):
            stream = await streamed(slow())
            pieces = [piece async for piece in stream.iterator]  # type: ignore[union-attr]
            return b"".join(pieces).decode()  # type: ignore[arg-type]

    *_, last = asyncio.run(run()).strip().split("\n\n")
    name, data = last.splitlines()
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["type"].endswith("DeadlineExceeded")
    assert ended == ["ended"]


def test_clients_that_leave_leave_nothing_behind(filled: Settings, serve: Serve) -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    app = create_app(filled, lambda: engine_of(filled))

    async def note(_: object) -> None:
        loops.append(asyncio.get_running_loop())

    app.on_startup.append(note)
    client = serve(app)
    wait_until_ready(client)
    body = json.dumps({"query": QUESTION, "stream": True}).encode()
    head = "POST /v1/answer HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    sent = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    where = urlsplit(str(client.base_url))
    before = len(asyncio.all_tasks(loops[0]))
    for _ in range(100):
        with socket.create_connection((where.hostname, where.port)) as leaving:
            leaving.sendall(sent)
    deadline = time.monotonic() + 10
    while len(asyncio.all_tasks(loops[0])) > before + 1:
        assert time.monotonic() < deadline, asyncio.all_tasks(loops[0])
        time.sleep(0.05)
    assert client.post("/v1/answer", json={"query": QUESTION}).status_code == 200
