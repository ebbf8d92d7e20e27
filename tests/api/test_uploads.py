"""Documents and files come in over HTTP, each line is told what became of it, and jobs outlive."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.keys import Keyring
from rag.settings import Settings
from tests.api.served import Serve, Served, engine_of, settings_over, wait_until_ready
from tests.api.test_errors import refused

LINES = {"content-type": "application/x-ndjson"}
Json = dict[str, object]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server over nothing, which the tests of this module fill."""
    over = settings_over(tmp_path_factory.mktemp("uploads") / "store")
    served = Served(create_app(over, lambda: engine_of(over)))
    wait_until_ready(served.client)
    yield served.client
    served.stop()


def put(
    client: httpx.Client, *rows: object, headers: dict[str, str] | None = None, **given: object
) -> list[Json]:
    """Put rows, and return what became of them and the job."""
    body = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    reply = client.post(
        "/v1/documents",
        content=body,
        headers={**LINES, **(headers or {})},
        params=given,  # type: ignore[arg-type]
    )
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in reply.text.splitlines()]


def found(client: httpx.Client, query: str, collection: str) -> list[str]:
    reply = client.post("/v1/search", json={"query": query, "collection": collection})
    assert reply.status_code == 200, reply.text
    return [result["document_id"] for result in reply.json()["results"]]


def test_every_line_is_told_what_became_of_it(client: httpx.Client) -> None:
    rows = [
        {"id": "a", "text": "The freezer hums at night.", "year": 2020, "source": "http://x/a"},
        "no json",
        {"id": "a", "text": "The first one counts."},
        {"id": "b", "title": "Only a title"},
        {"text": "Without an id."},
        {"id": "c", "text": "A fair surprise \ud800"},
    ]
    *lines, job = put(client, *rows, collection="lines")
    told = {line["line"]: line for line in lines}
    assert told[1] == {"line": 1, "document_id": "a", "status": "new", "chunks": 1}
    assert told[4]["status"] == "new"
    assert {n for n, line in told.items() if line["status"] == "failed"} == {2, 3, 5, 6}
    assert "duplicate id 'a'" in str(told[3]["reason"])
    assert job["state"] == "done"
    assert job["result"]["new"] == 2  # type: ignore[index]
    assert job["result"]["failed"] == 4  # type: ignore[index]
    kept = client.get("/v1/documents/a", params={"collection": "lines"}).json()
    assert (kept["source"], kept["metadata"]) == ("http://x/a", {"year": 2020})
    assert "a" in found(client, "freezer at night", "lines")
    *again, _ = put(client, rows[0], {"id": "b", "text": "Another text."}, collection="lines")
    assert [line["status"] for line in again] == ["unchanged", "changed"]


def test_a_list_of_documents_is_taken_as_well(client: httpx.Client) -> None:
    rows = [{"id": 1, "text": "one\nbody"}, {"id": "2", "text": "two"}]
    for body in (rows, {"documents": rows}):
        reply = client.post("/v1/documents", json=body, params={"collection": "list"})
        *lines, job = map(json.loads, reply.text.splitlines())
        assert [line["document_id"] for line in lines] == ["1", "2"]
        assert job["state"] == "done"
    assert (
        client.get("/v1/documents/1", params={"collection": "list"}).json()["chunks"][0]["text"]
        == "one\nbody"
    )


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'{"id": "a", "text": "b"}', {"content-type": "text/plain"}, 415),
        (b"", LINES, 400),
        (b"[1", {"content-type": "application/json"}, 400),
        (b'{"id": "a", "text": "b"}', {"content-type": "application/json"}, 400),
        (b'{"id": "a", "text": "' + b"x" * 200_000 + b'"}', LINES, 413),
        (
            b'[{"id": "a", "text": "' + b"x" * 100_000 + b'"}]',
            {"content-type": "application/json"},
            413,
        ),
    ],
)
def test_what_is_no_upload_is_refused_and_leaves_nothing(
    client: httpx.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    before = client.get("/v1/jobs").json()
    refused(client.post("/v1/documents", content=content, headers=headers), status)
    assert client.get("/v1/jobs").json() == before


def test_a_run_that_cannot_begin_answers_with_its_own_status(client: httpx.Client) -> None:
    body = json.dumps({"id": "a", "text": "b"})
    reply = client.post(
        "/v1/documents", content=body, headers=LINES, params={"collection": "no name at all"}
    )
    refused(reply, 400)


def test_a_file_of_any_format_is_read_under_its_name(client: httpx.Client) -> None:
    page = b"<html><title>Ice</title><body><p>Ice floats on water.</p></body></html>"
    for name, body in (("notes/ice.html", page), ("notes/ice.html.gz", gzip.compress(page))):
        reply = client.put(f"/v1/files/{name}", content=body, params={"collection": "files"})
        *lines, job = map(json.loads, reply.text.splitlines())
        assert (lines[-1]["file"], lines[-1]["status"], lines[-1]["faults"]) == (
            name,
            "indexed",
            [],
        )
        assert (job["kind"], job["name"], job["result"]["new"]) == ("file", name, 1)
    kept = client.get("/v1/documents/notes/ice.html", params={"collection": "files"}).json()
    assert (kept["title"], kept["source"]) == ("Ice", "notes/ice.html")
    reply = client.put("/v1/files/broken.pdf", content=b"%PDF", params={"collection": "files"})
    *lines, job = map(json.loads, reply.text.splitlines())
    assert lines[-1]["status"] == "failed"
    assert job["result"]["failed"] == 1
    refused(client.put("/v1/files/what.xyz", content=b"x"), 400)


def test_a_file_with_very_many_faults_is_told_whole(client: httpx.Client) -> None:
    bad = "\n".join(["no json"] * 1_500)
    reply = client.put("/v1/files/bad.jsonl", content=bad, params={"collection": "files"})
    told, job = map(json.loads, reply.text.splitlines())
    assert len(reply.text) > 1 << 16
    assert (told["status"], len(told["faults"])) == ("failed", 1_000)
    assert job["result"]["failed"] == 1_500


def test_the_same_idempotency_key_is_the_same_job(client: httpx.Client) -> None:
    key = {"idempotency-key": "order 66"}
    first = put(client, {"id": "k", "text": "once"}, headers=key, collection="keys")
    again = put(client, {"id": "k", "text": "once"}, headers=key, collection="keys")
    assert again == first
    other = json.dumps({"id": "k", "text": "twice"})
    reply = client.post(
        "/v1/documents", content=other, headers={**LINES, **key}, params={"collection": "keys"}
    )
    assert "another body" in str(refused(reply, 409)["detail"])
    assert (
        put(client, {"id": "k", "text": "twice"}, headers=key, collection="other")[-1] != first[-1]
    )


def test_a_job_can_be_looked_at_and_told_again(client: httpx.Client) -> None:
    body = "\n".join(json.dumps({"id": str(n), "text": f"text {n}"}) for n in range(300))
    reply = client.post(
        "/v1/documents", content=body, headers=LINES, params={"collection": "later", "wait": False}
    )
    assert reply.status_code == 202
    where = reply.headers["location"]
    lines = client.get(f"{where}/lines").text.splitlines()  # until it is over
    assert len(lines) == 300
    job = client.get(where).json()
    assert (job["state"], job["result"]["new"]) == ("done", 300)
    assert client.get("/v1/jobs", params={"limit": 1}).json()["jobs"] == [job]
    assert client.delete(where).json() == job  # it is over, and stays as it is
    refused(client.get("/v1/jobs/" + "0" * 32), 404)
    refused(client.get("/v1/jobs/..%2f..%2fetc"), 404)


def test_jobs_that_were_left_are_gone_on_with(empty: Settings, serve: Serve) -> None:
    from api.jobs.disk import DiskShelf
    from api.jobs.job import Job
    from api.jobs.shelf import INPUT, new_id, now

    shelf = DiskShelf(Path(empty.server.jobs), 3_600)
    job = Job(new_id(), "documents", "handbook", "default", "running", now())
    with shelf.coming() as folder:
        (folder / INPUT).write_bytes(b'{"id": "a", "text": "left behind"}\n')
        asyncio.run(shelf.keep(folder, job))
    client = serve(create_app(empty, lambda: engine_of(empty)))
    wait_until_ready(client)
    assert json.loads(client.get(f"/v1/jobs/{job.job_id}/lines").text)["status"] == "new"
    assert found(client, "left behind", "handbook") == ["a"]


def test_a_key_sees_the_jobs_of_its_tenant_and_writes_into_it(
    empty: Settings, serve: Serve
) -> None:
    ring = Keyring(Path(empty.server.keys))
    blue, _ = ring.add("blue", "write", "blue")
    red, _ = ring.add("red", "write", "red")
    reader, _ = ring.add("reader", "read", "blue")
    client = serve(create_app(empty, lambda: engine_of(empty)))
    wait_until_ready(client)

    def as_(key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    job = put(client, {"id": "a", "text": "blue text", "tenant": "red"}, headers=as_(blue))[-1]
    assert job["tenant"] == "blue"
    where = f"/v1/jobs/{job['job_id']}"
    assert client.get(where, headers=as_(blue)).status_code == 200
    for path in (where, f"{where}/lines"):
        refused(client.get(path, headers=as_(red)), 404)
    assert client.get("/v1/jobs", headers=as_(red)).json() == {"jobs": []}
    refused(client.delete("/v1/documents/a", headers=as_(red)), 404)
    refused(client.get(where, headers=as_(reader)), 403)
    refused(client.delete("/v1/documents/a", headers=as_(reader)), 403)
    refused(
        client.post("/v1/documents?tenant=red", content=b"{}", headers={**LINES, **as_(blue)}), 403
    )


@pytest.mark.parametrize("tenant", ["", "t" * 129])
def test_an_impossible_tenant_is_refused(client: httpx.Client, tenant: str) -> None:
    named = {"tenant": tenant}
    for reply in (
        client.post("/v1/documents", content=b'{"id": "a"}', headers=LINES, params=named),
        client.put("/v1/files/a.txt", content=b"text", params=named),
        client.get("/v1/documents/a", params=named),
        client.delete("/v1/documents/a", params=named),
    ):
        assert "1 to 128 characters" in str(refused(reply, 400)["detail"])


def test_documents_are_deleted_by_id_and_by_filter(client: httpx.Client) -> None:
    rows = [{"id": f"d{n}", "text": f"text {n}", "n": n} for n in range(6)]
    put(client, *rows, collection="gone")
    at = {"collection": "gone"}
    assert client.delete("/v1/documents/d0", params=at).json() == {"deleted": 1}
    refused(client.delete("/v1/documents/d0", params=at), 404)
    some = {**at, "filter": json.dumps({"metadata.n": {"gte": 4}})}
    assert client.delete("/v1/documents", params={**some, "dry_run": True}).json() == {"deleted": 2}
    assert client.get("/v1/documents/d5", params=at).status_code == 200
    assert client.delete("/v1/documents", params=some).json() == {"deleted": 2}
    assert sorted(found(client, "text", "gone")) == ["d1", "d2", "d3"]
    for wrong in ("{}", "null", "{", '{"page": 1}', ""):
        refused(client.delete("/v1/documents", params={**at, "filter": wrong}), 400)
    refused(client.delete("/v1/documents", params=at), 400)
    refused(client.delete("/v1/documents/a", params={"collection": "nowhere"}), 404)


def test_deleting_leaves_the_collection_as_if_the_document_had_never_been(
    client: httpx.Client,
) -> None:
    put(client, {"id": "a", "text": "short"}, collection="one")
    put(client, {"id": "a", "text": "short"}, {"id": "b", "text": "word " * 90}, collection="two")
    client.delete("/v1/documents/b", params={"collection": "two"})
    one, two = (
        client.post("/v1/search", json={"query": "short", "collection": name}).json()["results"]
        for name in ("one", "two")
    )
    assert one == two


@given(st.lists(st.binary(max_size=60), max_size=8))
@settings(max_examples=60, deadline=None)
def test_whatever_is_sent_is_told_or_refused_never_a_defect(
    client: httpx.Client, lines: list[bytes]
) -> None:
    reply = client.post(
        "/v1/documents", content=b"\n".join(lines), headers=LINES, params={"collection": "any"}
    )
    assert reply.status_code in {200, 400}
    if reply.status_code == 200:
        assert json.loads(reply.text.splitlines()[-1])["state"] == "done"
