"""Running again does what changed, and only that; wherever a run ends, the next one mends it."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.bulk import FileReport, IndexReport, Options, index
from indexers.contextual import Contexted
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.late import late
from indexers.splitting.pieces import identified
from indexers.stores.exact import ExactStore
from rag.errors import BadSettings, StoreUnavailable
from rag.seams import CollectionSpec, Store
from rag.values import (
    Chunk,
    Document,
    DocumentRecord,
    Fault,
    Json,
    Notice,
    Point,
    SparseVector,
    Vector,
)
from tests.indexers.runs import BM25, SPEC, lines, texts

pytestmark = pytest.mark.anyio


class CountingEncoder(HashedEncoder):
    """Remembers what it was asked to encode."""

    def __init__(self) -> None:
        super().__init__(16)
        self.asked: list[str] = []

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        self.asked += texts
        return await super().encode(texts, kind)


async def run(
    store: Store,
    documents: Sequence[Document | Fault | Notice],
    options: Options = Options(),  # noqa: B008 - a value that never changes
) -> tuple[list[str], IndexReport]:
    """Run, and return what was encoded with the report."""
    encoder = CountingEncoder()
    report = await index(documents, lines, encoder, BM25, store, options=options)
    return encoder.asked, report


GUIDE = Document("guide", "freezer cold\nnine hours\nwithout power", source="/g/guide.md")
NOTES = Document("notes", "spaniel welcome\nlantern oil", source="/g/notes.md")
OTHER = Document("other", "boat\noars", source="/h/other.md")


async def test_what_did_not_change_is_not_encoded_and_not_written() -> None:
    store = ReadOnlyAtLast(SPEC)
    await run(store, [GUIDE, NOTES])
    store.read_only = True
    asked, report = await run(store, [NOTES, GUIDE])
    assert asked == []
    assert (report.unchanged, report.documents, report.chunks, report.encoded) == (2, 2, 5, 0)


async def test_text_that_moved_within_a_document_is_not_encoded_again() -> None:
    store = ExactStore(SPEC)
    await run(store, [GUIDE, NOTES])
    changed = replace(GUIDE, text="a new line\nfreezer cold\nnine hours\nwithout any power")
    asked, report = await run(store, [changed, NOTES])
    assert sorted(asked) == ["a new line", "without any power"]
    assert (report.changed, report.unchanged, report.encoded, report.removed) == (1, 1, 2, 3)
    clean = ExactStore(SPEC)
    await run(clean, [changed, NOTES])
    assert await everything(store) == await everything(clean)


async def test_other_metadata_and_another_source_keep_the_vectors() -> None:
    store, clean = ExactStore(SPEC), ExactStore(SPEC)
    await run(store, [GUIDE, NOTES])
    closed = replace(GUIDE, metadata={"principals": "ada", "n": 1}, source="/moved/guide.md")
    asked, report = await run(store, [closed])
    assert (asked, report.revised, report.removed) == ([], 1, 0)
    await run(clean, [closed, NOTES])
    assert await everything(store) == await everything(clean)


@pytest.mark.parametrize(("first", "second"), [(1, 1.0), (1, True), (0, False), ("a", ["a"])])
async def test_metadata_that_only_looks_equal_is_other_metadata(first: Json, second: Json) -> None:
    store = ExactStore(SPEC)
    await run(store, [replace(GUIDE, metadata={"k": first})])
    _, report = await run(store, [replace(GUIDE, metadata={"k": second})])
    assert report.revised == 1


async def test_the_same_text_is_encoded_once_within_a_window() -> None:
    twins = [Document(f"d{n}", "the very same line") for n in range(20)]
    asked, report = await run(ExactStore(SPEC), twins)
    assert (asked, report.chunks) == (["the very same line"], 20)


async def test_a_dry_run_says_what_there_is_to_do_and_does_nothing() -> None:
    store = ReadOnlyAtLast(SPEC)
    await run(store, [GUIDE, NOTES, replace(OTHER, source="/g/other.md")])
    before = await everything(store)
    store.read_only = True
    plan = Options(dry=True, prune=("/g",))
    changed = replace(GUIDE, text="freezer warm")
    asked, report = await run(
        store, [changed, replace(NOTES, source="/x"), Document("n", "t")], plan
    )
    assert asked == []
    fates = (report.new, report.changed, report.revised, report.unchanged)
    assert (fates, report.removed, report.pruned) == ((1, 1, 1, 0), 3, 1)
    assert await everything(store) == before


async def test_pruning_deletes_what_vanished_below_the_roots_and_nothing_else() -> None:
    store, clean = ExactStore(SPEC), ExactStore(SPEC)
    near = Document("near", "text", source="/gg/near.md")
    theirs = Document("theirs", "text", source="/g/theirs.md", tenant="theirs")
    member = Document("member", "text", source="/g/a.zip!/m.md")
    line = Document("line", "text", source="/g/c.jsonl:7")
    await run(store, [GUIDE, NOTES, OTHER, near, theirs, member, line])
    _, report = await run(store, [GUIDE], Options(prune=("/g",)))
    assert (report.unchanged, report.pruned) == (1, 3)
    await run(clean, [GUIDE, OTHER, near, theirs])
    assert await everything(store) == await everything(clean)


async def test_a_file_that_cannot_be_read_keeps_its_documents() -> None:
    store = ExactStore(SPEC)
    rows = [Document(f"r{n}", "text", source=f"/g/c.jsonl:{n}") for n in (1, 2)]
    await run(store, [GUIDE, NOTES, *rows])
    faults = [Fault("/g/c.jsonl", 2, "not JSON"), Fault("/g/notes.md", 0, "cannot be read")]
    _, report = await run(store, [GUIDE, rows[0], *faults], Options(prune=("/g",)))
    assert report.pruned == 0
    assert len(await texts(store)) == 4


async def test_where_nothing_could_be_read_nothing_is_pruned() -> None:
    store = ExactStore(SPEC)
    await run(store, [GUIDE, NOTES])
    _, report = await run(store, [], Options(prune=("/g",)))
    assert report.pruned == 0
    (notice,) = report.notices
    assert str(notice) == "/g: none of its documents could be read, so none was pruned"
    assert len(await texts(store)) == 2


async def test_one_root_that_is_empty_is_not_pruned_while_another_is() -> None:
    store = ExactStore(SPEC)
    await run(store, [GUIDE, NOTES, OTHER])
    _, report = await run(store, [GUIDE], Options(prune=("/h", "/g")))
    assert report.pruned == 1
    assert [notice.source for notice in report.notices] == ["/h"]
    assert sorted(await texts(store)) == ["default/guide", "default/other"]


async def test_every_file_has_its_report_in_the_order_of_reading() -> None:
    store, files = ExactStore(SPEC), list[FileReport]()
    await run(store, [NOTES, Document("r1", "old", source="/g/c.jsonl:1")])
    paged = replace(GUIDE, pages=(0, 13))
    items: list[Document | Fault | Notice] = [
        paged,
        Notice("/g/guide.md", "page 2 has no text"),
        NOTES,
        Document("r1", "line one", source="/g/c.jsonl:1"),
        Fault("/g/c.jsonl", 2, "not JSON"),
        Document("r3", "line\nthree", source="/g/c.jsonl:3"),
        Fault("/g/x.pdf", 0, "locked"),
    ]
    await index(items, lines, CountingEncoder(), BM25, store, on_file=files.append)
    assert files == [
        FileReport("/g/guide.md", new=1, pages=2, chunks=3, notices=(items[1],)),  # type: ignore[arg-type]
        FileReport("/g/notes.md", unchanged=1, chunks=2),
        FileReport("/g/c.jsonl", new=1, changed=1, chunks=3, faults=(items[4],)),  # type: ignore[arg-type]
        FileReport("/g/x.pdf", faults=(items[6],)),  # type: ignore[arg-type]
    ]
    assert [file.status for file in files] == ["indexed", "unchanged", "partial", "failed"]


class ReadOnlyAtLast(ExactStore):
    """Takes no writes once it is told so."""

    read_only = False

    def _write(self) -> None:
        assert not self.read_only

    async def put(self, points: Sequence[Point]) -> None:
        self._write()
        await super().put(points)

    async def record(self, records: Sequence[DocumentRecord]) -> None:
        self._write()
        await super().record(records)

    async def drop(self, tenant: str, document_ids: Sequence[str]) -> None:
        self._write()
        await super().drop(tenant, document_ids)

    async def remove(self, chunk_ids: Sequence[str]) -> None:
        self._write()
        await super().remove(chunk_ids)

    async def revise(self, record: DocumentRecord) -> None:
        self._write()
        await super().revise(record)

    async def reweigh(self, vectors: Mapping[str, SparseVector]) -> None:
        self._write()
        await super().reweigh(vectors)

    async def stamp(self, spec: CollectionSpec) -> None:
        self._write()
        await super().stamp(spec)


class Mortal(ReadOnlyAtLast):
    """Fails at a given write, and at every one after it, as a process that was killed."""

    left = 10**9

    def _write(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise StoreUnavailable("killed")


async def everything(
    store: Store,
) -> tuple[object, ...]:
    """All that a store holds, vectors to the bit."""
    records = [record async for page in store.survey() for record in page]
    points = [point async for page in store.scan() for point in page]
    rows = [(p.chunk, p.dense.tobytes(), p.sparse, p.length) for p in points]
    return await store.info(), records, rows


WORDS = st.sampled_from(["freezer", "cold", "power", "oil", "boat oars", "nine hours without"])
TEXTS = st.lists(WORDS, max_size=4).map("\n".join)
DOCUMENTS = st.dictionaries(
    st.sampled_from("abcdef"),
    st.tuples(TEXTS, st.sampled_from(["", "T"]), st.integers(0, 1)),
    max_size=6,
)
State = dict[str, tuple[str, str, int]]


def _documents(state: State) -> list[Document]:
    return [
        Document(id_, text, title, f"/g/{id_}", {"n": n}) for id_, (text, title, n) in state.items()
    ]


@given(st.lists(DOCUMENTS, min_size=1, max_size=4), st.lists(st.integers(0, 25), max_size=6))
@settings(max_examples=150, deadline=None)
async def test_wherever_runs_are_killed_the_last_one_leaves_what_a_clean_run_does(
    states: list[State], kills: list[int]
) -> None:
    prune = Options(prune=("/g",))
    marker = Document("marker", "always there", source="/g/marker")  # pruning needs a document
    store, clean = Mortal(SPEC), ExactStore(SPEC)
    for position, left in enumerate(kills):
        store.left = left
        with suppress(StoreUnavailable):
            await run(store, [marker, *_documents(states[position % len(states)])], prune)
    store.left = 10**9
    await run(store, [marker, *_documents(states[-1])], prune)
    await run(clean, [marker, *_documents(states[-1])])
    assert await everything(store) == await everything(clean)


async def test_each_write_of_a_run_may_be_its_last() -> None:
    older = [GUIDE, NOTES, replace(OTHER, source="/g/other.md")]
    newer: list[Document] = [
        replace(GUIDE, text="freezer cold\nand warm"),
        replace(NOTES, metadata={"n": 1}),
        Document("new", "first\nsecond", source="/g/new.md"),
    ]
    clean = ExactStore(SPEC)
    await run(clean, newer)
    for left in range(100):
        store = Mortal(SPEC)
        await run(store, older)
        store.left = left
        try:
            await run(store, newer, Options(prune=("/g",)))
        except StoreUnavailable:
            store.left = 10**9
        else:
            break
        found = [record async for page in store.survey() for record in page]
        assert {record.document_id for record in found} >= {"notes"}
        await run(store, newer, Options(prune=("/g",)))
        assert await everything(store) == await everything(clean)
    assert left > 8


async def test_chunks_are_indexed_as_the_context_makes_them_and_only_new_ones_are_asked_for() -> (
    None
):
    asked: list[str] = []

    async def context(split: Sequence[tuple[Document, Sequence[Chunk]]]) -> Contexted:
        asked.extend(document.id for document, _ in split)
        made = [
            tuple(identified(replace(chunk, context=f"about {document.id}")) for chunk in chunks)
            for document, chunks in split
        ]
        return Contexted(tuple(made), (Notice(split[-1][0].source, "said little"),))

    store, files = ExactStore(SPEC), list[FileReport]()
    encoder = CountingEncoder()
    await index([GUIDE], lines, encoder, BM25, store, context=context)
    report = await index(
        [GUIDE, NOTES, OTHER], lines, encoder, BM25, store, on_file=files.append, context=context
    )
    assert asked == ["guide", "notes", "other"]
    assert [len(file.notices) for file in files] == [0, 0, 1]
    assert report.notices == (Notice("/h/other.md", "said little"),)
    assert "about other\nboat" in encoder.asked
    await index([NOTES], lines, encoder, BM25, ExactStore(SPEC), context=context, options=DRY)
    assert len(asked) == 3


DRY = Options(dry=True)


def together(documents: Sequence[Document]) -> Sequence[Iterable[Chunk]]:
    """Lines, two of which are read at a time."""
    return late(lines, lambda texts: [1] * len(texts), 3)(documents)


async def test_chunks_that_are_read_together_are_encoded_together_and_anew_when_one_changes() -> (
    None
):
    async def after(*documents: Document) -> tuple[list[tuple[str, ...]], ExactStore]:
        store, encoder = ExactStore(SPEC), PassagesEncoder()
        for document in documents:
            encoder.passages = []
            await index([document], together, encoder, BM25, store)
        return encoder.passages, store

    first = Document("d", "one\ntwo\nthree\nfour\nfive", "T")
    passages, _ = await after(first)
    assert passages == [("T", "one", "two"), ("T", "three", "four"), ("T", "five")]
    changed = replace(first, text="one\ntwo\nthree\n4\nfive")
    passages, store = await after(first, changed)
    assert passages == [("T", "three", "4")]
    _, clean = await after(changed)
    assert await everything(store) == await everything(clean)


async def test_an_encoder_that_cannot_read_chunks_together_says_so() -> None:
    with pytest.raises(BadSettings, match=r"index\.late"):
        await index([GUIDE], together, AloneEncoder(), BM25, ExactStore(SPEC))


class PassagesEncoder(HashedEncoder):
    """Remembers which passages it read."""

    def __init__(self) -> None:
        super().__init__(16)
        self.passages: list[tuple[str, ...]] = []

    async def encode_parts(self, passages: Sequence[Sequence[str]]) -> list[Vector]:
        self.passages += map(tuple, passages)
        return await super().encode_parts(passages)


class AloneEncoder:
    """Knows nothing of passages."""

    spec = HashedEncoder(16).spec

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        return await HashedEncoder(16).encode(texts, kind)
