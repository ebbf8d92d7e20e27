"""The Python client, against a server."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.client import AsyncClient, Client, Line
from api.keys import Keyring
from api.replies import AnswerResponse
from api.streaming import DeltaEvent, MetaEvent
from rag.errors import (
    BadFilter,
    BadInput,
    CollectionNotFound,
    Conflict,
    DocumentNotFound,
    RagError,
    Unauthenticated,
    Unavailable,
)
from rag.settings import Settings
from tests.api.served import Serve, engine_of, wait_until_ready

QUERY = "How long does the freezer stay cold?"


@pytest.fixture
def url(filled: Settings, serve: Serve) -> str:
    client = serve(create_app(filled, lambda: engine_of(filled)))
    wait_until_ready(client)
    return str(client.base_url)


@pytest.fixture
def opened(url: str) -> Iterator[Client]:
    with Client(url) as opened:
        yield opened


def test_it_searches_answers_and_streams(opened: Client) -> None:
    found = opened.search(QUERY, k=1, explain=True)
    assert [result.document_id for result in found.results] == ["freezer.md"]
    answer = opened.answer(QUERY)
    assert "two days" in answer.answer
    *told, last = opened.stream(QUERY)
    assert isinstance(told[0], MetaEvent)
    assert "".join(e.text for e in told if isinstance(e, DeltaEvent)) == answer.answer
    assert isinstance(last, AnswerResponse)
    assert last.answer == answer.answer
    assert opened.ready().collection == "handbook"


def test_it_puts_reads_and_deletes(opened: Client, tmp_path: Path) -> None:
    lines: list[Line] = []
    rows = [{"id": "a/b", "text": "Ice floats."}, {"text": "no id"}]
    job = opened.put(rows, lines.append, idempotency_key="1", collection="new")
    assert (job.state, job.result.new if job.result else 0) == ("done", 1)
    assert {line.line: line.status for line in lines} == {1: "new", 2: "failed"}
    assert opened.put(rows, idempotency_key="1", collection="new") == job
    assert opened.job(job.job_id) == job
    assert opened.document("a/b", collection="new").chunks[0].text == "Ice floats."
    file = tmp_path / "notes.md"
    file.write_text("# Notes\n\nSnow melts.\n", "utf-8")
    lines.clear()
    opened.put_file(file, "deep/notes.md", lines.append, collection="new")
    assert [(line.file, line.status) for line in lines] == [("deep/notes.md", "indexed")]
    assert opened.document("deep/notes.md", collection="new").title == "Notes"
    assert opened.delete("a/b", collection="new") == 1
    assert opened.delete_where({"document_id": "deep/notes.md"}, collection="new") == 1


def test_it_lists_describes_counts_rebuilds_and_drops(opened: Client) -> None:
    assert [one.name for one in opened.collections()] == ["handbook"]
    (listed,) = opened.collections(details=True)
    assert listed.details
    assert (listed.details.physical, listed.details.documents) == ("handbook@1", 5)
    told = opened.describe("handbook")
    assert (told.physical, told.spec.encoder, told.documents["lab"]) == ("handbook@1", "hashed", 2)
    manual = opened.count("handbook", {"metadata.kind": "manual"})
    assert (manual.chunks, manual.documents) == (2, 2)
    assert opened.count("handbook", {}, tenant="lab").documents == 2
    job = opened.reindex("handbook")
    deadline = time.monotonic() + 20
    while not job.over:
        assert time.monotonic() < deadline
        job = opened.job(job.job_id)
    assert opened.describe("handbook").physical == "handbook@2"
    assert opened.drop("handbook@1") == ["handbook@1"]
    assert opened.alias("live", "handbook") == "handbook@2"
    opened.unalias("live")
    with pytest.raises(Conflict, match="only name"):
        opened.unalias("handbook")
    assert opened.drop("handbook", dry_run=True) == ["handbook@2"]
    assert opened.drop("handbook") == ["handbook@2"]
    assert opened.collections(details=True) == []
    assert opened.config()["server"]["collection"] == "handbook"
    order = opened.rerank("ice", ["fire", "ice"], top_n=1)
    assert [one.index for one in order.results] == [1]


def test_a_field_that_cannot_be_used_is_named(opened: Client) -> None:
    with pytest.raises(BadInput, match="k: Expected `int` >= 1"):
        opened.search(QUERY, k=0)
    with pytest.raises(BadInput, match="unknown field `top`"):
        opened.search(QUERY, top=3)


def test_errors_are_those_of_the_server(opened: Client, filled: Settings) -> None:
    with pytest.raises(CollectionNotFound, match="nowhere"):
        opened.search(QUERY, collection="nowhere")
    with pytest.raises(DocumentNotFound):
        opened.delete("absent")
    with pytest.raises(BadFilter):
        opened.delete_where({})
    with pytest.raises(CollectionNotFound):
        list(opened.stream(QUERY, collection="nowhere"))
    with pytest.raises(RagError, match="unknown"):
        opened.put_file(Path(__file__), "what.xyz")
    key, _ = Keyring(Path(filled.server.keys)).add("ada")
    with pytest.raises(Unauthenticated):
        opened.search(QUERY)
    with Client(str(opened._http.base_url), key) as keyed:
        assert keyed.search(QUERY).results


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with (
        Client("http://127.0.0.1:9") as nobody,
        pytest.raises(Unavailable, match="firstcite serve"),
    ):
        nobody.search(QUERY)


def test_what_is_no_problem_document_is_an_error_all_the_same() -> None:
    def teapot(_: httpx.Request) -> httpx.Response:
        return httpx.Response(418, text="short and stout")

    transport = httpx.MockTransport(teapot)
    with Client(transport=transport) as proxy, pytest.raises(RagError, match="418: short and"):
        proxy.search(QUERY)


def test_it_is_the_same_on_an_event_loop(url: str) -> None:
    async def run() -> None:
        async with AsyncClient(url) as opened:
            assert (await opened.search(QUERY, k=1)).results[0].document_id == "freezer.md"
            answer = await opened.answer(QUERY)
            *_, last = [event async for event in opened.stream(QUERY)]
            assert isinstance(last, AnswerResponse)
            assert last.answer == answer.answer
            lines: list[Line] = []
            job = await opened.put([{"id": "x", "text": "Ice."}], lines.append, collection="new")
            assert (await opened.job(job.job_id)).state == "done"
            assert [line.status for line in lines] == ["new"]
            assert (await opened.document("x", collection="new")).total == 1
            assert await opened.delete("x", collection="new") == 1
            assert await opened.delete_where({"document_id": "x"}, collection="new") == 0
            assert (await opened.ready()).status == "ready"
            assert len(await opened.collections(details=True)) == 2
            assert (await opened.describe("new")).chunks == 0
            assert (await opened.count("handbook", {})).documents == 5
            job = await opened.reindex("new")
            while not job.over:
                await asyncio.sleep(0.01)
                job = await opened.job(job.job_id)
            assert await opened.alias("other", "new") == "new@2"
            await opened.unalias("other")
            assert await opened.drop("new") == ["new@1", "new@2"]
            assert (await opened.config())["server"]["collection"] == "handbook"
            order = await opened.rerank("ice", ["fire", "ice"])
            assert [one.index for one in order.results] == [1, 0]
            with pytest.raises(CollectionNotFound):
                await opened.search(QUERY, collection="nowhere")

    asyncio.run(run())
