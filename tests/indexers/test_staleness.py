"""Documents whose files say something else now are told, and only those."""

import gzip
from pathlib import Path

import pytest

from indexers.bulk import index
from indexers.reading import read_paths
from indexers.splitting.pieces import whole
from indexers.staleness import stale
from indexers.stores.exact import ExactStore
from rag.sections import IndexSettings
from rag.values import Document
from tests.indexers.reading.giving import Write
from tests.indexers.runs import BM25, ENCODER, SPEC

pytestmark = pytest.mark.anyio


async def held(*items: Document, folder: Path | None = None) -> ExactStore:
    store = ExactStore(SPEC)
    read = read_paths([folder]) if folder else ()
    await index([*items, *read], whole, ENCODER, BM25, store)
    return store


async def told(store: ExactStore) -> list[tuple[str, str]]:
    return [
        (each.document_id, each.what)
        async for each in stale(store, IndexSettings(max_line_bytes=1_000))
    ]


async def test_a_folder_that_nobody_touched_is_not_stale(write: Write) -> None:
    write("a.md", b"# A\n\ntext\n")
    write("deep/b.txt", b"one\n\ntwo\n")
    write("c.jsonl", b'{"_id": "x", "text": "y"}\n{"_id": "z", "text": "y"}\n')
    file = write("d.jsonl.gz", gzip.compress(b'{"_id": "g", "text": "y"}\n'))
    assert await told(await held(folder=file.parent)) == []


async def test_changed_and_vanished_documents_are_told_by_id(write: Write) -> None:
    changed, gone = write("a.md", b"# A\n"), write("b.md", b"# B\n")
    write("same.md", b"# A\n")
    rows = write("c.jsonl", b'{"_id": "x", "text": "1"}\n{"_id": "z", "text": "2"}\n')
    store = await held(folder=rows.parent)
    changed.write_bytes(b"# C\n")
    gone.unlink()
    rows.write_bytes(b'{"_id": "x", "text": "other"}\n')
    assert await told(store) == [
        ("in/a.md", "changed"),
        ("in/b.md", "vanished"),
        ("x", "changed"),
        ("z", "vanished"),
    ]


async def test_what_came_from_no_file_or_cannot_be_read_is_passed_over(write: Write) -> None:
    file = write("a.txt", b"text")
    store = await held(
        Document("none", "text"),
        Document("web", "text", source="https://example.org/a"),
        Document("relative", "text", source="a.md"),
        folder=file.parent,
    )
    file.write_bytes(b"\xff\xfe binary")
    assert await told(store) == []
