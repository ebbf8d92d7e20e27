"""Every error is problem+json with the right status, and says nothing of the inside."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.problems import STATUS, problem
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from rag import errors
from rag.errors import RagError
from rag.settings import Settings
from rag.values import Vector
from rag.wiring import Engine
from tests.api.served import Serve, engine_of, wait_until_ready

JSON_TYPE = {"content-type": "application/json"}
INSIDE = "the key under the mat"


def refused(reply: httpx.Response, status: int) -> dict[str, object]:
    """Return the problem document of a reply that must have this status."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"].split(";")[0] == "application/problem+json"
    document: dict[str, object] = reply.json()
    assert document["status"] == status
    assert {"type", "title", "detail"} <= set(document)
    return document


def send(client: httpx.Client, body: bytes, route: str = "/v1/search") -> httpx.Response:
    return client.post(route, content=body, headers=JSON_TYPE)


@pytest.mark.parametrize("route", ["/v1/search", "/v1/answer"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("query", ""),
        ("query", None),
        ("query", 7),
        ("query", "x" * 20_001),
        ("k", 0),
        ("k", -1),
        ("k", 1_001),
        ("k", 1.5),
        ("k", None),
        ("tenant", ""),
        ("tenant", "x" * 129),
        ("tenant", None),
        ("collection", None),
        ("filter", []),
        ("filter", "metadata.year > 2020"),
        ("principals", "ada"),
        ("principals", {"name": "ada"}),
        ("principals", ["x"] * 1_001),
    ],
)
def test_a_field_of_the_wrong_type_or_size_is_400_and_named(
    client: httpx.Client, route: str, field: str, value: object
) -> None:
    document = refused(client.post(route, json={"query": "badge", field: value}), 400)
    extra = document["extra"]
    assert isinstance(extra, list)
    assert [entry["key"] for entry in extra] == [field]


@pytest.mark.parametrize("route", ["/v1/search", "/v1/answer"])
def test_an_unknown_field_is_400_and_named(client: httpx.Client, route: str) -> None:
    document = refused(client.post(route, json={"query": "badge", "top_k": 3}), 400)
    assert "top_k" in str(document["extra"])


def test_branches_and_fusion_belong_to_search_only(client: httpx.Client) -> None:
    refused(client.post("/v1/answer", json={"query": "badge", "branches": ["bm25"]}), 400)
    refused(client.post("/v1/answer", json={"query": "badge", "fusion": "rrf"}), 400)


def test_a_missing_query_is_400_and_named(client: httpx.Client) -> None:
    assert "query" in str(refused(client.post("/v1/search", json={"k": 3}), 400)["extra"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b'{"query": "badge"',
        b"{'query': 'badge'}",
        b'{"query": "badge",}',
        b'{"query": NaN}',
        b'"badge"',
        b"[]",
        b"null",
        b'{"query": "\xff\xfe"}',
        b'{"query": "\\ud800"}',
        b'{"query": "badge", "filter": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001,
        b'{"query": "badge", "filter": {"metadata.year": 1e999}}',
    ],
)
def test_a_body_that_is_no_readable_json_object_is_400(client: httpx.Client, body: bytes) -> None:
    refused(send(client, body), 400)


@pytest.mark.parametrize(
    ("body", "kind", "named"),
    [
        ({"query": " \n\t "}, "BadQuery", "empty"),
        ({"query": "badge", "branches": ["sparse"]}, "BadQuery", "Known: bm25, dense"),
        ({"query": "badge", "fusion": "sum"}, "BadQuery", "Known: rrf, dbsf, convex"),
        ({"query": "badge", "principals": ["ada", " "]}, "BadQuery", "no principal"),
        ({"query": "badge", "filter": {"metadata.year": {"near": 1}}}, "BadFilter", "near"),
        ({"query": "badge", "filter": {"tenant": "mallory"}}, "BadFilter", "tenant"),
        ({"query": "badge", "filter": {"metadata.year": {}}}, "BadFilter", "no operator"),
        ({"query": "badge", "filter": {"metadata.year": None}}, "BadFilter", "metadata.year"),
        ({"query": "badge", "filter": {"metadata.year": {"gt": "x"}}}, "BadFilter", "number"),
        ({"query": "badge", "filter": {"metadata.year": {"in": []}}}, "BadFilter", "list"),
        ({"query": "badge", "filter": {"metadata.year": {"in": [2**63]}}}, "BadFilter", "64 bits"),
        ({"query": "badge", "collection": "../handbook"}, "BadCollection", "letters"),
        ({"query": "badge", "collection": "/etc"}, "BadCollection", "letters"),
        ({"query": "badge", "collection": ""}, "BadCollection", "letters"),
        ({"query": "badge", "collection": "x" * 65}, "BadCollection", "64"),
        ({"query": "badge", "collection": "a\0b"}, "BadCollection", "letters"),
    ],
)
def test_what_cannot_be_used_is_400_and_names_the_remedy(
    client: httpx.Client, body: dict[str, object], kind: str, named: str
) -> None:
    for route in ("/v1/search", "/v1/answer"):
        if route == "/v1/answer" and {"branches", "fusion"} & set(body):
            continue
        document = refused(client.post(route, json=body), 400)
        assert document["type"] == f"urn:firstcite:error:{kind}"
        assert named in str(document["detail"])


def test_an_unknown_collection_is_404_and_names_the_command(client: httpx.Client) -> None:
    document = refused(client.post("/v1/search", json={"query": "x", "collection": "nope"}), 404)
    assert document["type"] == "urn:firstcite:error:CollectionNotFound"
    assert "firstcite index PATH --collection nope" in str(document["detail"])


def test_asking_for_an_unknown_collection_does_not_create_it(empty: Settings, serve: Serve) -> None:
    client = serve(create_app(empty, lambda: engine_of(empty)))
    wait_until_ready(client)
    for _ in range(2):
        refused(client.post("/v1/search", json={"query": "x", "collection": "nope"}), 404)
    assert not Path(empty.store.path).exists()


def test_a_collection_of_another_encoder_is_409_and_names_the_remedy(
    filled: Settings, serve: Serve
) -> None:
    client = serve(create_app(filled, lambda: Engine(filled, HashedEncoder(name="other"), whole)))
    wait_until_ready(client)
    for route in ("/v1/search", "/v1/answer"):
        document = refused(client.post(route, json={"query": "badge"}), 409)
        assert document["type"] == "urn:firstcite:error:CollectionMismatch"
        assert "encoder.model" in str(document["detail"])


def test_a_collection_that_another_process_holds_is_409(filled: Settings, serve: Serve) -> None:
    holder = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(holder)
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)
    document = refused(client.post("/v1/search", json={"query": "badge"}), 409)
    assert document["type"] == "urn:firstcite:error:StoreLocked"
    assert "store.url" in str(document["detail"])


def test_a_body_over_the_limit_is_413(client: httpx.Client) -> None:
    body = json.dumps({"query": "badge", "filter": {"metadata.x": "x" * 100_000}}).encode()
    refused(send(client, body), 413)


def test_a_body_over_the_limit_that_hides_its_length_is_413(client: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"query": "'
        for _ in range(200):
            yield b"x" * 1_000

    refused(client.post("/v1/search", content=pieces(), headers=JSON_TYPE), 413)


@pytest.mark.parametrize("path", ["/v1", "/v2/search", "/v1/search/x", "/v1/../etc/passwd"])
def test_an_unknown_route_is_404(client: httpx.Client, path: str) -> None:
    refused(client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/search"), ("PUT", "/v1/answer"), ("POST", "/health"), ("DELETE", "/ready")],
)
def test_a_wrong_method_is_405_and_names_the_right_one(
    client: httpx.Client, method: str, path: str
) -> None:
    reply = client.request(method, path)
    refused(reply, 405)
    assert ("POST" if path.startswith("/v1") else "GET") in reply.headers["allow"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", ""],
)
def test_a_body_that_is_not_declared_as_json_is_415(
    client: httpx.Client, content_type: str
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    document = refused(
        client.post("/v1/search", content=b'{"query": "badge"}', headers=headers), 415
    )
    assert "application/json" in str(document["detail"])


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.firstcite+json"],
)
def test_json_may_be_declared_in_every_usual_way(client: httpx.Client, content_type: str) -> None:
    reply = client.post(
        "/v1/search", content=b'{"query": "badge"}', headers={"content-type": content_type}
    )
    assert reply.status_code == 200


class Failing(HashedEncoder):
    """An encoder whose every call is a defect."""

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        del texts, kind
        raise RuntimeError(INSIDE)


@pytest.mark.parametrize("route", ["/v1/search", "/v1/answer"])
def test_a_defect_is_500_told_to_the_log_and_not_to_the_client(
    filled: Settings, serve: Serve, caplog: pytest.LogCaptureFixture, route: str
) -> None:
    client = serve(create_app(filled, lambda: Engine(filled, Failing(), whole)))
    wait_until_ready(client)
    reply = client.post(route, json={"query": "badge"})
    assert refused(reply, 500)["title"] == "Internal Server Error"
    for inside in (INSIDE, "RuntimeError", "Traceback", "find", ".py"):
        assert inside not in reply.text
    (record,) = [r for r in caplog.records if r.name == "firstcite.api"]
    assert record.levelno == logging.ERROR
    assert INSIDE in caplog.text


def test_a_defect_in_one_request_leaves_the_next_one_alone(filled: Settings, serve: Serve) -> None:
    client = serve(create_app(filled, lambda: Engine(filled, Failing(), whole)))
    wait_until_ready(client)
    refused(client.post("/v1/search", json={"query": "badge"}), 500)
    reply = client.post("/v1/search", json={"query": "badge", "branches": ["bm25"]})
    assert [result["document_id"] for result in reply.json()["results"]] == ["badge.md"]


def every_error() -> list[type[RagError]]:
    """Return every class of `rag.errors`."""
    kinds = vars(errors).values()
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, RagError)]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_has_a_status_a_type_and_a_title(kind: type[RagError]) -> None:
    document = problem(kind("what to do"))
    expected = {
        "BadInput": 400,
        "Unauthenticated": 401,
        "Refused": 403,
        "NotFound": 404,
        "Conflict": 409,
        "Overloaded": 429,
        "Unavailable": 503,
        "RagError": 500,
    }
    family = next(parent.__name__ for parent in kind.__mro__ if parent.__name__ in expected)
    assert document.status_code == expected[family]
    assert document.type_ == f"urn:firstcite:error:{kind.__name__}"
    assert document.title
    assert document.detail == "what to do"


def test_only_errors_that_pass_ask_to_come_back() -> None:
    headers = {kind: problem(kind("")).headers or {} for kind in STATUS}
    passing = {errors.Unavailable, errors.Overloaded}
    assert {kind for kind in STATUS if "Retry-After" in headers[kind]} == passing


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
FIELDS = st.sampled_from(["document_id", "source", "metadata.year", "metadata.tags", "tenant", "x"])
TESTS = JSON_VALUES | st.dictionaries(
    st.sampled_from(["eq", "in", "gte", "gt", "lte", "lt", "ne"]), JSON_VALUES, max_size=2
)
BODIES = JSON_VALUES | st.fixed_dictionaries(
    {"query": st.text(max_size=20) | JSON_VALUES},
    optional={
        "k": st.integers(-2, 1_100) | JSON_VALUES,
        "tenant": st.sampled_from(["default", "mallory"]) | JSON_VALUES,
        "principals": st.lists(st.sampled_from(["ada", "", " "])) | JSON_VALUES,
        "collection": st.sampled_from(["handbook", "Handbook", "."]) | JSON_VALUES,
        "filter": st.dictionaries(FIELDS, TESTS, max_size=2) | JSON_VALUES,
        "branches": st.lists(st.sampled_from(["bm25", "dense", "x"])) | JSON_VALUES,
        "fusion": st.sampled_from(["rrf", "dbsf", "convex", "x"]) | JSON_VALUES,
    },
)


@settings(max_examples=100, deadline=None)
@given(BODIES)
def test_whatever_json_comes_it_is_served_or_refused_never_a_defect(
    client: httpx.Client, body: object
) -> None:
    reply = send(client, json.dumps(body).encode())
    if reply.status_code != 200:
        assert reply.status_code in {400, 404}, reply.text
        refused(reply, reply.status_code)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=50))
def test_whatever_bytes_come_they_are_refused(client: httpx.Client, body: bytes) -> None:
    refused(send(client, body), 400)
