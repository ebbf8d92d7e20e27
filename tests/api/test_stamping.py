"""Every reply names its request and keeps out of caches and frames."""

import re

import httpx
import pytest

from api.stamping import HEADERS

REPLIES = [
    ("GET", "/health", 200),
    ("GET", "/nowhere", 404),
    ("GET", "/v1/search", 405),
    ("POST", "/v1/search", 415),
    ("GET", "/schema/openapi.json", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), REPLIES)
def test_every_reply_is_stamped(client: httpx.Client, method: str, path: str, status: int) -> None:
    first, second = (client.request(method, path) for _ in range(2))
    assert first.status_code == status
    assert re.fullmatch("[0-9a-f]{32}", first.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert {name: first.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    ("given", "kept"),
    [("trace-1.a_B", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("", False)],
)
def test_a_request_keeps_the_id_it_came_with(client: httpx.Client, given: str, kept: bool) -> None:
    reply = client.get("/health", headers={"x-request-id": given})
    assert (reply.headers["x-request-id"] == given) == kept


def test_a_stream_tells_its_id_and_its_own_way_of_caching(client: httpx.Client) -> None:
    asked = {"query": "How long does the sample freezer stay cold?", "stream": True}
    reply = client.post("/v1/answer", json=asked, headers={"x-request-id": "abc"})
    assert reply.headers["x-request-id"] == "abc"
    assert '"request_id":"abc"' in reply.text
    assert reply.headers["cache-control"] == "no-cache, no-transform"
