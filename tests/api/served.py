"""The documents that the HTTP tests search, and a server in a thread."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from litestar import Litestar

from api.listening import server_of
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from rag.sections import AnswerSettings, IndexSettings, ServerSettings, StoreSettings
from rag.settings import Settings
from rag.values import Document
from rag.wiring import Engine

Serve = Callable[[Litestar], httpx.Client]
"""Serves an application until the test ends."""

DOCUMENTS = (
    Document(
        "freezer.md",
        "The sample freezer stays cold for two days without power. Keep its door shut.",
        "Freezer",
        "/handbook/freezer.md",
        {"kind": "manual", "year": 2020, "tags": ["cold", "lab"]},
    ),
    Document(
        "badge.md",
        "A lost badge is reported at the front desk. A new one costs nothing.",
        "Badge",
        "/handbook/badge.md",
        {"kind": "policy", "year": 2024, "tags": ["door"]},
    ),
    Document(
        "diary.md",
        "The sample freezer of Mallory is full of secret ice cream.",
        "Diary",
        "/mallory/diary.md",
        {"kind": "manual", "year": 2020},
        tenant="mallory",
    ),
    Document(
        "party.md",
        "The surprise party for the boss is in the lab on Friday.",
        "Party",
        "/lab/party.md",
        {"principals": ["ada", "bob"]},
        tenant="lab",
    ),
    Document("lab.md", "The lab closes at nine.", "Lab", "/lab/lab.md", tenant="lab"),
)


class Served:
    """An application on a free loopback port, in a thread."""

    def __init__(self, app: Litestar) -> None:
        self.server = server_of(app, drain_s=5)
        self._thread = threading.Thread(target=self.server.run)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self.server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server takes more than 10 s to start"
            time.sleep(0.005)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)

    def stop(self) -> None:
        """End it; a second time does nothing."""
        self.client.close()
        self.server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive(), "the server takes more than 10 s to end"


def settings_over(store: Path) -> Settings:
    """Return settings for a store in a folder, with "handbook" as the server's collection."""
    return Settings(
        store=StoreSettings(path=str(store)),
        index=IndexSettings(splitter="none"),
        answer=AnswerSettings(floor=0.1),
        server=ServerSettings(
            collection="handbook",
            max_body_bytes=100_000,
            max_upload_bytes=200_000,
            keys=str(store / "keys.json"),
            jobs=str(store.with_name(store.name + "-jobs")),
        ),
    )


def engine_of(settings: Settings) -> Engine:
    """Return an engine that needs no model."""
    return Engine(settings, HashedEncoder(), whole)


def fill(settings: Settings) -> None:
    """Index the documents into "handbook", and close the store."""

    async def run() -> None:
        engine = engine_of(settings)
        await engine.index(DOCUMENTS, "handbook")
        await engine.close()

    asyncio.run(run())


def wait_until_ready(client: httpx.Client) -> None:
    """Return when `/ready` no longer says that the models are loading."""
    deadline = time.monotonic() + 10
    while "loading" in client.get("/ready").text:
        assert time.monotonic() < deadline, "not ready after 10 s"
        time.sleep(0.005)
