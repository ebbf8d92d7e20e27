"""The OpenAPI document: valid, true of what is sent, and the same as the committed one."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

SNAPSHOT = Path(__file__).with_name("openapi.json")
RENEW = "FIRSTCITE_RENEW_OPENAPI=1"
PROBLEM = "application/problem+json"
OPENAI = {"chat", "embed", "listModels"}  # their errors have the shape that its clients read
Json = dict[str, Any]


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> Json:
    reply = client.get("/schema/openapi.json")
    assert reply.status_code == 200
    loaded: Json = reply.json()
    return loaded


def walk(value: object) -> Iterator[Json]:
    """Yield every object inside a JSON value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def check(value: object, schema: Json, document: Json) -> None:
    """Raise when a value does not satisfy a schema of the document."""
    whole = {**schema, "components": document["components"]}
    Draft202012Validator(whole).validate(value)


def operations(document: Json) -> list[Json]:
    return [op for methods in document["paths"].values() for op in methods.values()]


def test_the_committed_document_is_what_the_application_serves(document: Json) -> None:
    served = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get(RENEW.partition("=")[0]):
        SNAPSHOT.write_text(served, encoding="utf-8")
    committed = SNAPSHOT.read_text(encoding="utf-8") if SNAPSHOT.exists() else ""
    assert committed == served, (
        "the HTTP interface has changed. Where that was meant, renew the committed document:\n"
        f"    {RENEW} .venv/bin/python -m pytest tests/api/test_openapi.py\n"
        "and look at the difference as your users will."
    )


def test_the_document_is_openapi_3_1_and_its_references_resolve(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"] == {
        "title": "FirstCite",
        "version": "1",
        "description": "Search documents and answer questions with verified citations.",
    }
    names = set(document["components"]["schemas"])
    for inner in walk(document):
        if "$ref" in inner:
            assert inner["$ref"].removeprefix("#/components/schemas/") in names


def test_every_schema_is_valid_json_schema(document: Json) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_route_has_an_operation_id_a_tag_and_a_sentence(document: Json) -> None:
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(set(ids)) == len(ids)
    assert {"answer", "search", "putDocuments", "chat", "rerank", "health"} <= set(ids)
    for operation in operations(document):
        assert operation["tags"]
        assert operation["description"].endswith(".")


def test_examples_satisfy_the_schema_they_stand_in(document: Json) -> None:
    seen = 0
    for schema in walk(document["components"]["schemas"]):
        for example in schema.get("examples", ()):
            check(example, schema, document)
            seen += 1
    assert seen >= 5


def test_the_examples_of_a_request_can_be_sent(client: httpx.Client, document: Json) -> None:
    for name, route in (("SearchRequest", "/v1/search"), ("AnswerRequest", "/v1/answer")):
        properties = document["components"]["schemas"][name]["properties"]
        body = {key: s["examples"][0] for key, s in properties.items() if s.get("examples")}
        assert set(body) == {"query", "collection", "filter"}
        assert client.post(route, json=body).status_code == 200


@pytest.mark.parametrize("path", ["/v1/search", "/v1/answer", "/health", "/ready"])
def test_a_good_reply_satisfies_its_declared_schema(
    client: httpx.Client, document: Json, path: str
) -> None:
    method, operation = next(iter(document["paths"][path].items()))
    body = {"query": "How long does the freezer stay cold?"} if method == "post" else None
    reply = client.request(method, path, json=body)
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    check(reply.json(), schema, document)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": " "}, 400),
        ({"query": "", "k": 0}, 400),
        ({"query": "x", "collection": "nope"}, 404),
        ({"query": "x", "filter": {"metadata.x": "x" * 100_000}}, 413),
    ],
)
def test_an_error_reply_satisfies_its_declared_schema(
    client: httpx.Client, document: Json, body: Json, status: int
) -> None:
    reply = client.post("/v1/search", json=body)
    declared = document["paths"]["/v1/search"]["post"]["responses"][str(status)]["content"]
    assert reply.status_code == status
    assert set(declared) == {PROBLEM}
    check(reply.json(), declared[PROBLEM]["schema"], document)


def test_every_declared_error_is_problem_json(document: Json) -> None:
    for operation in operations(document):
        for status, response in operation["responses"].items():
            if status >= "300":
                plain = operation["operationId"] in OPENAI
                assert set(response["content"]) == {"application/json" if plain else PROBLEM}


def test_every_guarded_route_tells_of_load_and_of_keys(document: Json) -> None:
    for operation in operations(document):
        responses = operation["responses"]
        assert all("X-Request-Id" in told["headers"] for told in responses.values())
        if operation.get("security") != [{}]:
            assert {"400", "401", "403", "429", "500", "503"} <= set(responses)
            assert "WWW-Authenticate" in responses["401"]["headers"]
            assert "Retry-After" in responses["429"]["headers"]
            assert "Retry-After" in responses["503"]["headers"]


def test_streams_are_documented(document: Json) -> None:
    for path in ("/v1/answer", "/v1/chat/completions"):
        content = document["paths"][path]["post"]["responses"]["200"]["content"]
        assert set(content) == {"application/json", "text/event-stream"}


def test_bounds_are_in_the_document(document: Json) -> None:
    properties = document["components"]["schemas"]["SearchRequest"]["properties"]
    assert (properties["k"]["minimum"], properties["k"]["maximum"]) == (1, 1_000)
    assert (properties["query"]["minLength"], properties["query"]["maxLength"]) == (1, 20_000)


def test_a_path_tells_all_of_its_methods(client: httpx.Client, document: Json) -> None:
    for path, methods in document["paths"].items():
        reply = client.options(path.replace("{", "").replace("}", ""))
        assert reply.status_code == 204
        assert set(reply.headers["allow"].lower().split(", ")) == {*methods, "options"}


def test_no_page_that_loads_scripts_from_elsewhere_is_served(client: httpx.Client) -> None:
    for path in ("/schema", "/schema/swagger", "/schema/redoc", "/schema/elements"):
        assert "<script" not in client.get(path).text
