"""`GET /v1/documents/ID`: whole, in parts, under any id, and only for who may read it."""

import asyncio
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import create_app
from indexers.encoders.hashed import HashedEncoder
from rag.settings import Settings
from rag.values import Document
from rag.wiring import Engine
from tests.api.served import DOCUMENTS, Serve, engine_of, wait_until_ready
from tests.api.test_errors import refused
from tests.indexers.splitting.texts import words

IDS = ["a/b c.md", "two\nlines", "ends/", "/starts", "?x=1#y", "%2e%2e", "é😀", "a/../b"]


def read(client: httpx.Client, id_: str, **parameters: object) -> httpx.Response:
    return client.get(f"/v1/documents/{quote(id_, safe='')}", params=parameters)  # type: ignore[arg-type]


def test_a_document_comes_with_its_chunks_and_their_places(client: httpx.Client) -> None:
    freezer = DOCUMENTS[0]
    body = read(client, freezer.id).json()
    (chunk,) = body.pop("chunks")
    assert body == {
        "document_id": freezer.id,
        "title": freezer.title,
        "source": freezer.source,
        "tenant": "default",
        "metadata": dict(freezer.metadata),
        "pages": 0,
        "total": 1,
        "offset": 0,
    }
    assert chunk["text"] == freezer.text[chunk["span"]["start"] : chunk["span"]["end"]]


def test_who_may_not_read_a_document_learns_nothing(client: httpx.Client) -> None:
    secret = next(d for d in DOCUMENTS if d.metadata.get("principals"))
    assert read(client, secret.id, tenant="lab").status_code == 200
    assert read(client, secret.id, tenant="lab", principal=["ada", "x"]).status_code == 200
    absent = refused(read(client, "absent", tenant="lab", principal="eve"), 404)
    for parameters in ({"tenant": "lab", "principal": "eve"}, {}, {"tenant": "mallory"}):
        found = refused(read(client, secret.id, **parameters), 404)
        assert {**found, "detail": ""} == {**absent, "detail": ""}
        assert str(found["detail"]).replace(secret.id, "absent") == absent["detail"]


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"offset": -1}, 400),
        ({"limit": 0}, 400),
        ({"limit": 1_001}, 400),
        ({"chunk": "no id"}, 400),
        ({"collection": "x"}, 404),
    ],
)
def test_impossible_requests_are_refused(
    client: httpx.Client, parameters: dict[str, object], status: int
) -> None:
    refused(read(client, "freezer.md", **parameters), status)


def test_any_id_can_be_asked_for_and_chunks_come_in_pages(empty: Settings, serve: Serve) -> None:
    paragraphs = [f"line {n}" + " word" * 20 for n in range(7)]
    documents = [Document(id_, "\n\n".join(paragraphs)) for id_ in IDS]

    async def fill() -> None:
        engine = Engine(empty, HashedEncoder(), words())
        await engine.index(documents, "handbook")
        await engine.close()

    asyncio.run(fill())
    client = serve(create_app(empty, lambda: engine_of(empty)))
    wait_until_ready(client)
    for id_ in IDS:
        reply = read(client, id_, offset=2, limit=3)
        assert reply.status_code == 200, reply.text
        body = reply.json()
        assert (body["document_id"], body["total"], body["offset"]) == (id_, 7, 2)
        assert [chunk["text"] for chunk in body["chunks"]] == paragraphs[2:5]
    assert read(client, IDS[0], offset=7).json()["chunks"] == []
    whole = read(client, IDS[0]).json()["chunks"]
    assert "".join(c["text"] + c["gap"] for c in whole[:-1]) + whole[-1]["text"] == "\n\n".join(
        paragraphs
    )
    for at, chunk in enumerate(whole):
        around = read(client, IDS[0], chunk=chunk["chunk_id"], limit=3).json()
        assert around["offset"] == min(max(0, at - 1), 4)
        assert chunk in around["chunks"]
        elsewhere = read(client, IDS[1], chunk=chunk["chunk_id"], offset=1, limit=3).json()
        assert elsewhere["offset"] == 1, "a chunk of another document says nothing"


@given(st.text(max_size=20) | st.text("./a", max_size=4))
@settings(max_examples=50, deadline=None)
def test_other_ids_do_not_exist(client: httpx.Client, id_: str) -> None:
    named = id_.strip("/.")  # of dots and slashes alone is a way through folders
    if named and id_.strip("/") not in {document.id for document in DOCUMENTS}:
        refused(read(client, id_), 404)
