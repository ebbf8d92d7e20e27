"""Documents come in by way of the page: how far each is, what became of it, and its end."""

import asyncio
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.app import create_app
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from rag.values import Vector
from rag.wiring import Engine
from tests.api.page.conftest import Visitor, serving
from tests.api.page.visiting import replies
from tests.api.served import Served, settings_over, wait_until_ready


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server that the tests of this file write to."""
    with serving(settings_over(tmp_path_factory.mktemp("uploads") / "store")) as client:
        yield client


def adding(page: Page, collection: str) -> None:
    page.get_by_role("button", name="Add documents").first.click()
    page.fill("#into", collection)


def test_a_file_is_sent_indexed_and_found(
    site: httpx.Client, visitor: Visitor, tmp_path: Path
) -> None:
    name = "röt & 😀 #1?.md"
    file = tmp_path / name
    file.write_text("# Lantern\n\nThe lantern burns for nine hours.\n", encoding="utf-8")
    here = visitor(site)
    page = here.open()
    adding(page, "fresh")
    page.set_input_files("#files", file)
    row = page.locator("#uploads li")
    expect(row.locator(".state")).to_have_text("Done")
    expect(row).to_contain_text("1 new in fresh")
    expect(page.locator("#status")).to_contain_text("Done. 1 new in fresh")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#collection option", has_text="fresh")).to_be_attached()
    page.select_option("#collection", "fresh")
    here.ask("How long does the lantern burn?")
    expect(page.locator(".answer")).to_contain_text("nine hours")
    kept = site.post("/v1/search", json={"query": "lantern", "collection": "fresh"}).json()
    assert kept["results"][0]["document_id"] == name


def test_a_text_is_written_and_found(site: httpx.Client, visitor: Visitor) -> None:
    page = visitor(site).open()
    adding(page, "written")
    page.get_by_text("Or write a text").click()
    page.fill("#text-title", "Note")
    page.fill("#text-body", "The kettle whistles at noon. 😀")
    page.locator("#text-form").get_by_role("button").click()
    expect(page.locator("#uploads li .state")).to_have_text("Done")
    kept = site.get("/v1/documents/Note", params={"collection": "written"}).json()
    assert kept["chunks"][0]["text"] == "The kettle whistles at noon. 😀"


def test_bad_files_are_reported_and_good_ones_go_in(
    site: httpx.Client, visitor: Visitor, tmp_path: Path
) -> None:
    for name, content in (
        ("broken.pdf", b"%PDF-1.7 no such thing"),
        ("photo.png", b"\x89PNG"),
        ("rows.jsonl", b'{"id": "a", "text": "The mast hums."}\nno json\n'),
        ("empty.txt", b""),
    ):
        (tmp_path / name).write_bytes(content)
    page = visitor(site).open()
    adding(page, "mixed")
    page.set_input_files("#files", sorted(tmp_path.glob("*.*")))
    rows = page.locator("#uploads li")
    expect(rows).to_have_count(4)

    def row(name: str) -> str:
        found = rows.filter(has_text=name)
        expect(found.locator("progress")).to_have_count(0, timeout=20_000)
        return found.inner_text()

    assert "Nothing could be read" in row("broken.pdf")
    assert "the format of 'photo.png' is unknown" in row("photo.png")
    assert "1 new in mixed" in row("rows.jsonl")
    assert "line 2:" in row("rows.jsonl")
    assert "empty" in row("empty.txt")


def test_progress_is_shown_while_a_job_is_at_work(
    site: httpx.Client, visitor: Visitor, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text("The buoy is red.", encoding="utf-8")
    page = visitor(site).open()
    job: dict[str, object] = {
        "job_id": "x",
        "kind": "file",
        "collection": "c",
        "tenant": "default",
        "state": "running",
    }
    job |= {"progress": {"stage": "encoding chunks", "done": 3, "total": 12}, "error": None}
    replies(page, "**/v1/files/**", status=202, json=job)
    replies(page, "**/v1/jobs/x", json=job)
    adding(page, "c")
    page.set_input_files("#files", tmp_path / "a.md")
    expect(page.locator("#uploads .state")).to_have_text("encoding chunks: 3 of 12")
    assert page.locator("#uploads progress").evaluate("p => p.value") == 0.25
    error = {"status": 503, "type": "t", "title": "The store did not answer", "detail": "start it"}
    replies(page, "**/v1/jobs/x/lines", body="")
    replies(page, "**/v1/jobs/x", json={**job, "state": "failed", "result": None, "error": error})
    expect(page.locator("#uploads li")).to_contain_text("The store did not answer. start it")


class _Waiting(HashedEncoder):
    """Encodes when it is allowed to."""

    def __init__(self, go: threading.Event) -> None:
        super().__init__()
        self._go = go

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        await asyncio.to_thread(self._go.wait, 20)
        return await super().encode(texts, kind)


def test_cancelling_ends_the_job(visitor: Visitor, tmp_path: Path) -> None:
    settings = settings_over(tmp_path / "store")
    go = threading.Event()
    served = Served(create_app(settings, lambda: Engine(settings, _Waiting(go), whole)))
    (tmp_path / "a.md").write_text("The buoy is red.", encoding="utf-8")
    try:
        wait_until_ready(served.client)
        page = visitor(served.client).page
        page.goto(str(served.client.base_url))
        expect(page.locator("#empty")).to_be_visible()
        adding(page, "handbook")
        page.set_input_files("#files", tmp_path / "a.md")
        expect(page.locator("#uploads progress")).to_be_visible()
        expect(page.locator("#uploads .state")).not_to_have_text(re.compile("Sen"))
        page.get_by_role("button", name="Cancel a.md").click()
        go.set()
        expect(page.locator("#uploads .state")).to_have_text("Cancelled")
        (job,) = served.client.get("/v1/jobs").json()["jobs"]
        assert job["state"] == "cancelled"
    finally:
        go.set()
        served.stop()
