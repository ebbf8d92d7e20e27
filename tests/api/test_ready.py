"""`/health` and `/ready`: while the models load, afterwards, and when they cannot be loaded."""

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Literal

import httpx
import pytest
from litestar import Litestar

from api.app import create_app
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from rag.errors import ModelUnavailable
from rag.sections import ServerSettings, StoreSettings
from rag.settings import Settings
from rag.values import Vector
from rag.wiring import Engine
from tests.api.served import Serve, Served, engine_of, fill, wait_until_ready


class Slow:
    """Loads the engine only when told to, and counts."""

    def __init__(self, settings: Settings) -> None:
        self.go_on = threading.Event()
        self.loads = 0
        self._settings = settings

    def __call__(self) -> Engine:
        self.loads += 1
        assert self.go_on.wait(10)
        return engine_of(self._settings)


def test_health_is_ok_and_ready_is_not_while_the_models_load(
    filled: Settings, serve: Serve
) -> None:
    load = Slow(filled)
    client = serve(create_app(filled, load))
    try:
        assert client.get("/health").json() == {"status": "ok"}
        early = client.get("/ready")
        assert early.status_code == 503
        assert early.headers["content-type"] == "application/problem+json"
        assert early.json()["type"] == "urn:firstcite:error:StillLoading"
        assert int(early.headers["retry-after"]) > 0
        for route in ("/v1/search", "/v1/answer"):
            reply = client.post(route, json={"query": "badge"})
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
    finally:
        load.go_on.set()
    wait_until_ready(client)
    assert client.get("/ready").json() == {
        "status": "ready",
        "collection": "handbook",
        "encoder": "hashed",
        "precision": "fp32",
    }
    assert client.post("/v1/search", json={"query": "badge"}).status_code == 200
    assert load.loads == 1


def test_a_server_whose_collection_does_not_exist_yet_is_ready(
    empty: Settings, serve: Serve
) -> None:
    client = serve(create_app(empty, lambda: engine_of(empty)))
    wait_until_ready(client)
    reply = client.get("/ready")
    assert reply.status_code == 200


def test_a_collection_that_comes_into_being_is_served_without_a_restart(
    empty: Settings, serve: Serve
) -> None:
    client = serve(create_app(empty, lambda: engine_of(empty)))
    wait_until_ready(client)
    assert client.post("/v1/search", json={"query": "badge"}).status_code == 404
    fill(empty)
    assert client.get("/ready").status_code == 200
    assert client.post("/v1/search", json={"query": "badge"}).status_code == 200


@pytest.mark.parametrize(
    "error", [ModelUnavailable("no such model: pip install it"), ValueError("a defect")]
)
def test_when_loading_fails_it_is_reported_once_and_ready_stays_503(
    empty: Settings, serve: Serve, error: Exception
) -> None:
    reported: list[Exception] = []
    told = threading.Event()

    def load() -> Engine:
        raise error

    def on_failure(failure: Exception) -> None:
        reported.append(failure)
        told.set()

    client = serve(create_app(empty, load, on_failure))
    assert told.wait(10)
    for _ in range(2):
        reply = client.get("/ready")
        assert reply.status_code == 503
        assert reply.headers["content-type"] == "application/problem+json"
        assert "a defect" not in reply.text
        assert client.post("/v1/search", json={"query": "badge"}).status_code == 503
    assert client.get("/health").status_code == 200
    assert reported == [error]


def test_a_model_that_is_missing_is_named_by_ready_with_its_remedy(
    empty: Settings, serve: Serve
) -> None:
    told = threading.Event()

    def load() -> Engine:
        raise ModelUnavailable("no such model: pip install it")

    client = serve(create_app(empty, load, lambda _: told.set()))
    assert told.wait(10)
    assert client.get("/ready").json()["detail"] == "no such model: pip install it"


def not_ready(client: httpx.Client) -> str:
    """Return what `/ready` says, which must be 503 and ask to come back."""
    wait_until_ready(client)
    reply = client.get("/ready")
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
    return str(reply.json()["detail"])


def test_a_server_whose_collection_has_another_encoder_is_not_ready(
    filled: Settings, serve: Serve
) -> None:
    other = HashedEncoder(name="other")
    client = serve(create_app(filled, lambda: Engine(filled, other, whole)))
    assert "encoder.model" in not_ready(client)


def test_a_server_whose_collection_has_an_impossible_name_is_not_ready(
    empty: Settings, serve: Serve
) -> None:
    settings = Settings(store=empty.store, server=ServerSettings(collection="../x"))
    client = serve(create_app(settings, lambda: engine_of(settings)))
    assert "no collection name" in not_ready(client)


def test_a_server_whose_qdrant_does_not_answer_is_not_ready(serve: Serve) -> None:
    store = StoreSettings(url="http://127.0.0.1:9", grpc=False, timeout_s=2)
    settings = Settings(store=store)
    client = serve(create_app(settings, lambda: engine_of(settings)))
    assert "store.url" in not_ready(client)
    reply = client.post("/v1/search", json={"query": "badge"})
    assert reply.status_code == 503
    assert reply.json()["type"] == "urn:firstcite:error:StoreUnavailable"


def stopped(app: Litestar) -> Served:
    """Serve until ready, then stop."""
    served = Served(app)
    wait_until_ready(served.client)
    served.client.get("/ready")
    served.stop()
    return served


def test_the_store_is_free_for_others_once_the_server_has_ended(filled: Settings) -> None:
    stopped(create_app(filled, lambda: engine_of(filled)))
    fill(filled)  # raises StoreLocked while another has it open


def test_a_server_that_ends_while_loading_closes_what_was_loaded(filled: Settings) -> None:
    load = Slow(filled)
    served = Served(create_app(filled, load))
    assert served.client.get("/ready").status_code == 503
    served.server.should_exit = True
    load.go_on.set()
    served.stop()
    fill(filled)


def test_a_server_whose_loading_failed_ends_quietly(
    empty: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    told = threading.Event()

    def load() -> Engine:
        raise ValueError("a defect")

    served = Served(create_app(empty, load, lambda _: told.set()))
    assert told.wait(10)
    served.stop()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


class Held(HashedEncoder):
    """An encoder that answers only when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.go_on = threading.Event()

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        """Return the rows once `go_on` is set."""
        self.asked.set()
        await asyncio.to_thread(self.go_on.wait, 10)
        return await super().encode(texts, kind)


def test_a_request_in_flight_is_answered_before_the_server_ends(filled: Settings) -> None:
    encoder = Held()
    served = Served(create_app(filled, lambda: Engine(filled, encoder, whole)))
    wait_until_ready(served.client)
    replies: list[httpx.Response] = []
    body = {"query": "badge"}

    def ask() -> None:
        replies.append(served.client.post("/v1/search", json=body))

    asking = threading.Thread(target=ask)
    asking.start()
    assert encoder.asked.wait(10)
    served.server.should_exit = True
    while served.server.servers[0].is_serving():  # until it takes no new connection
        time.sleep(0.005)
    assert replies == []
    encoder.go_on.set()
    asking.join(10)
    served.stop()
    assert [reply.status_code for reply in replies] == [200]
