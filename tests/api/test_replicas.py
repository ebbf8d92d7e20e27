"""Several servers are as one: jobs, idempotency keys and rates are shared through a Redis."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import httpx
import pytest
from msgspec.structs import replace

from api.app import create_app
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from rag.settings import Settings
from rag.values import Vector
from rag.wiring import Engine
from tests.api.served import Served, settings_over, wait_until_ready
from tests.redis_served import Served as Redis
from tests.redis_served import served

LINES = {"content-type": "application/x-ndjson"}


class Held(HashedEncoder):
    """Encodes documents only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = threading.Event()
        self.asked = threading.Event()

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        while kind == "document" and not self.may.is_set():
            self.asked.set()
            await asyncio.sleep(0.02)
        return await super().encode(texts, kind)


class Replica:
    """A server of its own store that shares a Redis."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.encoder = Held()
        own = settings_over(folder / "store")
        settings = replace(settings, store=own.store)
        self.served = Served(
            create_app(settings, lambda: Engine(settings, self.encoder, whole)),
        )
        self.client = self.served.client
        wait_until_ready(self.client)


@pytest.fixture(params=["disk", "redis"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """What two servers share: a folder, as the workers of a machine do, or a Redis."""
    of = settings_over(tmp_path / "shared")
    if request.param == "disk":
        yield replace(of, server=replace(of.server, workers=2))
        return
    with served(tmp_path) as redis:
        yield replace(of, server=replace(of.server, redis=redis.url))


@pytest.fixture
def two(tmp_path: Path, settings: Settings) -> Iterator[tuple[Replica, Replica]]:
    replicas = Replica(tmp_path / "one", settings), Replica(tmp_path / "two", settings)
    yield replicas
    for replica in replicas:
        replica.encoder.may.set()
        replica.served.stop()


def upload(client: httpx.Client, **headers: str) -> str:
    reply = client.post(
        "/v1/documents",
        params={"wait": False},
        headers={**LINES, **headers},
        content=b'{"id": "a", "text": "a freezer"}\n{"id": "b", "text": "a badge"}\n{"no": 1}',
    )
    assert reply.status_code == 202, reply.text
    return str(reply.json()["job_id"])


def state(client: httpx.Client, job_id: str, wanted: str) -> dict[str, object]:
    """Return what a server knows of a job, as soon as it has that state."""
    ends = time.monotonic() + 20
    while True:
        job: dict[str, object] = client.get(f"/v1/jobs/{job_id}").json()
        if job["state"] == wanted:
            return job
        assert time.monotonic() < ends, job
        time.sleep(0.05)


def test_every_server_tells_a_job(two: tuple[Replica, Replica]) -> None:
    one, other = two
    job_id = upload(one.client)
    assert one.encoder.asked.wait(10)
    assert state(other.client, job_id, "running")["collection"] == "handbook"
    one.encoder.may.set()
    done = state(other.client, job_id, "done")
    assert done == one.client.get(f"/v1/jobs/{job_id}").json()
    assert other.client.get("/v1/jobs").json()["jobs"] == [done]
    lines = [json.loads(row) for row in other.client.get(f"/v1/jobs/{job_id}/lines").iter_lines()]
    assert sorted(line["status"] for line in lines) == ["failed", "new", "new"]
    assert not other.encoder.asked.is_set(), "it was done twice"


def test_every_server_cancels_a_job(two: tuple[Replica, Replica]) -> None:
    one, other = two
    job_id = upload(one.client)
    assert one.encoder.asked.wait(10)
    assert other.client.delete(f"/v1/jobs/{job_id}").json()["state"] == "cancelled"
    assert one.client.get(f"/v1/jobs/{job_id}").json()["state"] == "cancelled"


def test_the_same_request_to_another_server_is_the_same_job(two: tuple[Replica, Replica]) -> None:
    one, other = two
    one.encoder.may.set()
    first = upload(one.client, **{"idempotency-key": "k"})
    assert upload(other.client, **{"idempotency-key": "k"}) == first
    state(other.client, first, "done")


def test_a_job_of_a_server_that_ends_is_gone_on_with(
    tmp_path: Path, settings: Settings, two: tuple[Replica, Replica]
) -> None:
    one, _ = two
    job_id = upload(one.client)
    assert one.encoder.asked.wait(10)
    one.served.stop()
    third = Replica(tmp_path / "three", settings)
    try:
        third.encoder.may.set()
        done = state(third.client, job_id, "done")
        assert done["result"]["new"] == 2  # type: ignore[index]
        lines = third.client.get(f"/v1/jobs/{job_id}/lines").text.splitlines()
        assert len(lines) == 3
    finally:
        third.served.stop()


def test_a_server_whose_redis_is_gone_searches_and_says_what_it_cannot_do(tmp_path: Path) -> None:
    redis = Redis(tmp_path)
    of = settings_over(tmp_path / "shared")
    replica = Replica(tmp_path, replace(of, server=replace(of.server, redis=redis.url, rate=6_000)))
    replica.encoder.may.set()
    try:
        reply = replica.client.post("/v1/collections", json={"name": "handbook"})
        assert reply.status_code == 201
        assert replica.client.post("/v1/search", json={"query": "x"}).status_code == 200
        reply = replica.client.post("/v1/documents", content=b"{}", headers=LINES)
        assert reply.status_code == 503
        assert "server.redis does not answer" in reply.json()["detail"]
        assert replica.client.get("/v1/jobs").status_code == 503
        redis.start()
        reply = replica.client.post(
            "/v1/documents", content=b'{"id": "a", "text": "x"}', headers=LINES
        )
        assert json.loads(reply.text.splitlines()[-1])["state"] == "done"
    finally:
        replica.served.stop()
        redis.stop()
