"""Who is let in, for how long, and until when."""

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import httpx
import msgspec
import pytest

from api.admitting import Gate
from api.app import create_app
from api.keys import Keyring
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from rag.errors import Overloaded
from rag.settings import Settings
from rag.values import Vector
from rag.wiring import Engine
from tests.api.served import Serve, engine_of, wait_until_ready
from tests.api.test_errors import refused

QUERY = {"query": "How long does the freezer stay cold?"}
SLOW = {"query": "slow"}


class Slow(HashedEncoder):
    """Takes its time over what asks for it, and says what becomes of that."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.ended = threading.Event()

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        if "slow" in texts:
            self.begun.set()
            try:
                await asyncio.sleep(20)
            finally:
                self.ended.set()
        return await super().encode(texts, kind)


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def client(filled: Settings, serve: Serve, slow: Slow) -> httpx.Client:
    server = msgspec.structs.replace(filled.server, max_searches=2, max_answers=1)
    filled = msgspec.structs.replace(filled, server=server)
    client = serve(create_app(filled, lambda: Engine(filled, slow, whole)))
    wait_until_ready(client)
    return client


def asking(client: httpx.Client, route: str) -> threading.Thread:
    """Ask what takes long, in a thread that gives up when the test is over."""

    def ask() -> None:
        with httpx.Client(base_url=client.base_url, timeout=3) as own, suppress(httpx.HTTPError):
            own.post(route, json=SLOW)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread


def test_a_slow_answer_keeps_no_search_waiting(client: httpx.Client, slow: Slow) -> None:
    thread = asking(client, "/v1/answer")
    assert slow.begun.wait(5)
    assert client.post("/v1/search", json=QUERY).status_code == 200
    reply = client.post("/v1/answer", json=QUERY)
    assert "server.max_answers" in str(refused(reply, 429)["detail"])
    assert int(reply.headers["retry-after"]) >= 1
    thread.join()  # its client has given up
    assert slow.ended.wait(5)
    until = time.monotonic() + 5  # the place is free a moment later
    while (status := client.post("/v1/answer", json=QUERY).status_code) == 429:
        assert time.monotonic() < until
    assert status == 200


def test_who_goes_away_is_no_longer_worked_for(client: httpx.Client, slow: Slow) -> None:
    port = client.base_url.port
    assert port is not None
    body = msgspec.json.encode(SLOW)
    head = "POST /v1/search HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        assert slow.begun.wait(5)
    assert slow.ended.wait(5)


def test_a_request_says_how_long_it_waits(client: httpx.Client, slow: Slow) -> None:
    began = time.monotonic()
    reply = client.post("/v1/search", json=SLOW, headers={"x-request-timeout": "0.3"})
    assert refused(reply, 503)["type"] == "urn:firstcite:error:DeadlineExceeded"
    assert time.monotonic() - began < 5
    assert slow.ended.wait(5)
    reply = client.post("/v1/search", json=QUERY, headers={"x-request-timeout": "30"})
    assert reply.status_code == 200
    for wrong in ("0", "-1", "nan", "inf", "soon", "1e9"):
        reply = client.post("/v1/search", json=QUERY, headers={"x-request-timeout": wrong})
        refused(reply, 400)


def test_half_a_request_is_nobodys_fault(client: httpx.Client) -> None:
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as connection:
        head = "POST /v1/search HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        connection.sendall(f"{head}content-length: 9\r\n\r\n{{".encode())
        time.sleep(0.2)
    until = time.monotonic() + 5
    while 'status="499"' not in (told := client.get("/metrics").text):
        assert time.monotonic() < until
    assert 'status="500"' not in told


def test_a_key_has_its_rate(filled: Settings, serve: Serve) -> None:
    server = msgspec.structs.replace(filled.server, rate=1, burst=3)
    filled = msgspec.structs.replace(filled, server=server)
    ring = Keyring(Path(filled.server.keys))
    one, other = ({"authorization": f"Bearer {ring.add(name)[0]}"} for name in ("one", "other"))
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)
    sent = [client.post("/v1/search", json=QUERY, headers=one) for _ in range(5)]
    assert [reply.status_code for reply in sent] == [200, 200, 200, 429, 429]
    assert 30 < int(sent[-1].headers["retry-after"]) <= 60
    assert client.post("/v1/search", json=QUERY, headers=other).status_code == 200
    assert client.get("/health").status_code == 200


def test_a_gate_lets_so_many_through() -> None:
    gate = Gate("server.max_searches", 2)
    gate.enter()
    gate.enter()
    with pytest.raises(Overloaded, match=r"server\.max_searches is 2"):
        gate.enter()
    gate.leave()
    gate.enter()
