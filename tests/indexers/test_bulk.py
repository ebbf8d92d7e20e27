"""A run brings a store to hold the documents, and reports what it could not use."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from indexers.bulk import IndexReport, Progress, index
from indexers.bulk.spooling import READ_BATCH
from indexers.bulk.windows import WINDOW
from indexers.encoders.hashed import HashedEncoder
from indexers.reading import read_paths
from indexers.stores.edge import create_edge, open_edge
from indexers.stores.exact import ExactStore
from rag.values import Access, Document, Fault, Json, Lookup, Probe, Vector
from tests.indexers.runs import (
    BM25,
    ENCODER,
    GUIDE,
    NOTES,
    SHORT,
    SPEC,
    bm25_scores,
    ids,
    lines,
    run,
    texts,
)

pytestmark = pytest.mark.anyio

NO_NAMES: list[Json] = [None, "", " ", [], [""], ["ada", " "], ["ada", 5], 5, True, {"ada": 1}]
NO_NAMES += [["ada", ["bob"]], ["ada", None]]


async def test_a_run_puts_every_chunk_with_its_vectors() -> None:
    store = ExactStore(SPEC)
    report = await run(store, [GUIDE, NOTES])
    assert replace(report, seconds=0.0) == IndexReport(2, 4, new=2, encoded=4)
    assert await texts(store) == {
        "default/guide": ["freezer stays cold", "nine hours without power"],
        "default/notes": ["spaniel welcome", "lantern oil"],
    }
    (query,) = await ENCODER.encode(["lantern oil"], "query")
    found = await store.find(
        Lookup((Probe("dense", query, 1), Probe("bm25", BM25.query("lanterns"), 1)))
    )
    (dense,), (sparse,) = found["dense"], found["bm25"]
    assert dense.chunk_id == sparse.chunk_id
    assert dense.score == pytest.approx(1.0)


async def test_running_again_changes_nothing() -> None:
    store = ExactStore(SPEC)
    await run(store, [GUIDE, NOTES])
    before = await ids(store), await store.info(), await bm25_scores(store, "cold power oil")
    report = await run(store, [NOTES, GUIDE])
    after = await ids(store), await store.info(), await bm25_scores(store, "cold power oil")
    assert after == before
    assert (report.removed, report.reweighed) == (0, 0)


async def test_a_changed_document_loses_the_chunks_it_no_longer_has() -> None:
    store = ExactStore(SPEC)
    await run(store, [GUIDE, NOTES])
    changed = replace(GUIDE, text="freezer stays cold\nten hours\nand a half")
    report = await run(store, [changed])
    assert report.removed == 1
    assert await texts(store) == {
        "default/guide": ["freezer stays cold", "ten hours", "and a half"],
        "default/notes": ["spaniel welcome", "lantern oil"],
    }
    report = await run(store, [replace(GUIDE, text="freezer stays cold")])
    assert report.removed == 2
    assert (await texts(store))["default/guide"] == ["freezer stays cold"]


async def test_other_tenants_and_documents_are_not_touched() -> None:
    store = ExactStore(SPEC)
    await run(store, [replace(GUIDE, tenant="a"), replace(GUIDE, tenant="b"), NOTES])
    report = await run(store, [replace(GUIDE, tenant="a", text="new")])
    assert report.removed == 2
    assert await texts(store) == {
        "a/guide": ["new"],
        "b/guide": ["freezer stays cold", "nine hours without power"],
        "default/notes": ["spaniel welcome", "lantern oil"],
    }


async def test_a_new_title_is_indexed_with_every_chunk() -> None:
    store = ExactStore(SPEC)
    await run(store, [GUIDE])
    report = await run(store, [replace(GUIDE, title="Guide", metadata={"year": 2024})])
    assert (report.changed, report.encoded, await store.count()) == (1, 2, 2)
    for chunk in await store.get(await ids(store), None):
        assert (chunk.title, chunk.metadata) == ("Guide", {"year": 2024})
        assert chunk.indexed_text.startswith("Guide\n")


async def test_a_run_without_documents_changes_nothing() -> None:
    store = ExactStore(SPEC)
    await run(store, [GUIDE])
    before = await ids(store), await store.info()
    report = await run(store, [Fault("x.md", 3, "bad")])
    assert (await ids(store), await store.info()) == before
    assert replace(report, seconds=0.0) == IndexReport(faults=(Fault("x.md", 3, "bad"),))
    assert (await run(ExactStore(SPEC), [])).chunks == 0


async def test_a_second_document_of_one_id_is_a_fault_and_the_first_counts() -> None:
    store = ExactStore(SPEC)
    rows = [Document("same", f"text {n}", source=f"/c.jsonl:{n}") for n in range(1, 4)]
    report = await run(store, [*rows, Fault("z.md", 0, "empty"), replace(rows[0], tenant="other")])
    assert report.faults == (
        Fault("/c.jsonl", 2, "duplicate id 'same': the first one counts"),
        Fault("/c.jsonl", 3, "duplicate id 'same': the first one counts"),
        Fault("z.md", 0, "empty"),
    )
    assert report.documents == 2
    assert await texts(store) == {"default/same": ["text 1"], "other/same": ["text 1"]}


async def test_duplicates_are_found_across_batches() -> None:
    many = [Document(str(n), "text", source=f"/c.jsonl:{n}") for n in range(READ_BATCH + 1)]
    report = await run(ExactStore(SPEC), [*many, many[0]])
    assert [fault.reason for fault in report.faults] == ["duplicate id '0': the first one counts"]


@pytest.mark.parametrize(
    ("source", "file", "line"),
    [
        ("/a.md", "/a.md", 0),
        ("/a.jsonl:12", "/a.jsonl", 12),
        ("/odd:name.md", "/odd:name.md", 0),
        ("/a.jsonl:²", "/a.jsonl:²", 0),
        ("", "", 0),
    ],
)
async def test_a_fault_names_the_documents_file_and_line(source: str, file: str, line: int) -> None:
    document = Document("same", "text", source=source)
    (fault,) = (await run(ExactStore(SPEC), [document, document])).faults
    assert (fault.source, fault.line) == (file, line)


def _nested(levels: int) -> Json:
    value: Json = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (Document("a", "half \ud83d"), "not valid Unicode"),
        (Document("\udcff", "text"), "not valid Unicode"),
        (Document("a", "text", "\udcff"), "not valid Unicode"),
        (Document("a", "text", tenant="\udcff"), "not valid Unicode"),
        (Document("a", "text", metadata={"k": ["\udcff"]}), "half a surrogate pair"),
        (Document("a", "text", metadata={"principals": ["\udcff"]}), "half a surrogate pair"),
        *(
            (Document("a", "text", metadata={"principals": value}), "a name or a list of names")
            for value in NO_NAMES
        ),
        (Document("a", "text", metadata={"k": {"\udcff": 1}}), "half a surrogate pair"),
        (Document("a", "text", metadata={"k": 2**63}), "an integer outside 64 bits"),
        (Document("a", "text", metadata={"k": [{"l": -(2**63) - 1}]}), "an integer outside 64"),
        (Document("a", "text", metadata={"k": float("nan")}), "a number that is not finite"),
        (Document("a", "text", metadata={"k": float("inf")}), "a number that is not finite"),
        (Document("a", "text", metadata={"k": _nested(16)}), "nested more than 16 levels"),
        (Document("a", "text", metadata={"k": _nested(10_000)}), "nested more than 16 levels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_no_store_can_hold_is_a_fault_and_the_rest_is_indexed(
    document: Document, reason: str
) -> None:
    store = ExactStore(SPEC)
    report = await run(store, [GUIDE, replace(document, source="/c.jsonl:3"), NOTES])
    (fault,) = report.faults
    assert (fault.source, fault.line) == ("/c.jsonl", 3)
    assert reason in fault.reason
    assert sorted(await texts(store)) == ["default/guide", "default/notes"]


async def test_new_principals_close_a_document_whose_text_is_as_it_was() -> None:
    store = ExactStore(SPEC)
    await run(store, [GUIDE, NOTES])
    every = await ids(store)
    assert len(await store.get(every, Access(principals=("bob",)))) == 4
    closed = replace(GUIDE, metadata={"principals": "ada"})
    report = await run(store, [closed])
    assert (report.faults, await ids(store)) == ((), every)
    assert {c.document_id for c in await store.get(every, Access(principals=("bob",)))} == {"notes"}
    assert len(await store.get(every, Access(principals=("ada",)))) == 4


async def test_one_hostile_line_does_not_make_the_store_unreadable(tmp_path: Path) -> None:
    # Edge takes metadata of any depth, and can then never open its write-ahead log again.
    file = tmp_path / "c.jsonl"
    rows = ['{"_id": "good", "text": "freezer"}']
    rows += [
        '{"_id": "deep", "text": "x", "m": ' + "[" * depth + "]" * depth + "}"
        for depth in (130, 400, 900, 100_000)
    ]
    file.write_text("\n".join(rows))
    store = create_edge(tmp_path / "store", SPEC)
    report = await run(store, read_paths([file]))
    await store.close()
    assert [fault.line for fault in sorted(report.faults, key=lambda f: f.line)] == [2, 3, 4, 5]
    again = open_edge(tmp_path / "store")
    assert await texts(again) == {"default/good": ["freezer"]}
    await again.close()


async def test_what_is_just_within_the_limits_survives_being_stored(tmp_path: Path) -> None:
    metadata = {"deep": _nested(15), "high": 2**63 - 1, "low": -(2**63), "text": "\x00 😀"}
    store = create_edge(tmp_path / "c", SPEC)
    assert (await run(store, [replace(GUIDE, metadata=metadata)])).faults == ()
    await store.close()
    again = open_edge(tmp_path / "c")
    (chunk, _) = await again.get(await ids(again), None)
    assert chunk.metadata == metadata
    await again.close()


async def test_progress_counts_up_to_what_there_is() -> None:
    seen: list[Progress] = []
    store = ExactStore(SPEC)
    await run(store, SHORT)
    many = [Document(str(n), "freezer cold power lantern") for n in range(2 * WINDOW + 5)]
    await index(many, lines, ENCODER, BM25, store, seen.append)
    read = [p.done for p in seen if p.stage == "read"]
    total = len(SHORT) + len(many)
    assert read == [
        min(n, len(many)) for n in range(READ_BATCH, len(many) + READ_BATCH, READ_BATCH)
    ]
    assert [(p.done, p.total) for p in seen if p.stage == "reweigh"] == [
        (1_000, total),
        (2_000, total),
        (total, total),
    ]
    encoded = [p for p in seen if p.stage == "encode"]
    assert [p.done for p in encoded] == [0, WINDOW, 2 * WINDOW, len(many)]
    assert encoded[0].total in {0, len(many)}  # it may begin before everything is read
    assert encoded[-1].total == len(many)
    assert seen[-1] == Progress("optimize", 0, 0)


async def test_windows_are_encoded_side_by_side_and_come_in_order() -> None:
    class Waiting(HashedEncoder):
        """Ends the first window when the second one has begun."""

        begun = asyncio.Event()

        async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
            if texts[0].endswith(" 0"):
                await asyncio.wait_for(self.begun.wait(), 20)
            else:
                self.begun.set()
            return await super().encode(texts, kind)

    many = [Document(f"{n:05}", f"freezer {n}") for n in range(3 * WINDOW)]
    waiting, store, plain = Waiting(), ExactStore(SPEC), ExactStore(SPEC)
    await index(many, lines, waiting, BM25, store)
    await index(many, lines, HashedEncoder(), BM25, plain)
    for one in (store, plain):
        assert await one.count() == len(many)
    pages = [[point async for page in one.scan() for point in page] for one in (store, plain)]
    assert [p.chunk.id for p in pages[0]] == [p.chunk.id for p in pages[1]]
    assert all((a.dense == b.dense).all() for a, b in zip(*pages, strict=True))
