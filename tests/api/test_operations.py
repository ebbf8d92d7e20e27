"""What the server tells of itself, and to whom."""

import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.keys import Keyring
from rag.sections import MASK, Secret, StoreSettings
from rag.settings import Settings
from tests.api.served import Serve, engine_of, wait_until_ready
from tests.api.test_errors import refused

QUERY = {"query": "How long does the freezer stay cold?"}


@pytest.fixture
def metered(filled: Settings, serve: Serve) -> httpx.Client:
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)
    return client


def figures(client: httpx.Client) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return every sample by its name and the values of its labels."""
    reply = client.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_stages_by_name(metered: httpx.Client) -> None:
    before = figures(metered)
    metered.post("/v1/search", json=QUERY)
    metered.post("/v1/answer", json=QUERY)
    assert b"event: final" in metered.post("/v1/answer", json={**QUERY, "stream": True}).content
    metered.post("/v1/search", json={})
    metered.get("/some/path")
    metered.request("BREW", "/some/pot")
    metered.get("/v1/documents/absent")
    ends = time.monotonic() + 10
    after = figures(metered)
    while after["firstcite_requests_in_progress", ()] > 1:  # a reply is there before its figures
        assert time.monotonic() < ends
        after = figures(metered)
    counted = {
        key: value for key, value in after.items() if key[0] == "firstcite_request_seconds_count"
    }
    of = {key[1]: value - before.get(key, 0) for key, value in counted.items()}
    assert of["POST", "/v1/search", "200"] == 1
    assert of["POST", "/v1/search", "400"] == 1
    assert of["POST", "/v1/answer", "200"] == 2
    assert of["GET", "/v1/documents/{document_id}", "404"] == 1
    assert of["GET", "none", "404"] == 1
    assert sum(value for (method, *_), value in of.items() if method == "other") == 1
    assert after["firstcite_answers_total", ("yes",)] == 2
    assert after["firstcite_stage_seconds_count", ("find", "ok")] == 3
    assert after["firstcite_jobs_unfinished", ()] == 0


def test_the_settings_are_told_without_their_secrets(filled: Settings, serve: Serve) -> None:
    import msgspec

    hidden = msgspec.structs.replace(filled.store, api_key=Secret("swordfish"))
    filled = msgspec.structs.replace(filled, store=hidden)
    client = serve(create_app(filled, lambda: engine_of(filled)))
    told = client.get("/v1/config")
    assert told.json()["store"]["api_key"] == MASK
    assert told.json()["llm"]["api_key"] == StoreSettings().api_key
    assert told.json()["server"]["collection"] == "handbook"
    assert "swordfish" not in told.text


def test_only_admins_of_all_tenants_are_told(filled: Settings, serve: Serve) -> None:
    ring = Keyring(Path(filled.server.keys))
    everywhere, _ = ring.add("ops", "admin", "*")
    blue, _ = ring.add("blue", "admin", "blue")
    reader, _ = ring.add("reader", "read", "*")
    client = serve(create_app(filled, lambda: engine_of(filled)))
    for path in ("/metrics", "/v1/config"):
        for key, status in ((everywhere, 200), (blue, 403), (reader, 403)):
            reply = client.get(path, headers={"authorization": f"Bearer {key}"})
            assert reply.status_code == status
        refused(client.get(path), 401)


def test_what_is_refused_at_the_door_is_counted_with_its_status(
    filled: Settings, serve: Serve
) -> None:
    import msgspec

    few = msgspec.structs.replace(filled.server, rate=60.0, burst=2)
    filled = msgspec.structs.replace(filled, server=few)
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)
    asked = {"x-request-timeout": "0.0001"}
    assert client.post("/v1/search", json=QUERY, headers=asked).status_code == 503
    assert figures(client)["firstcite_request_seconds_count", ("POST", "/v1/search", "503")] == 1
