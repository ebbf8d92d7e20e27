"""What was found small is read large, verbatim, and never more than may be read."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import Piece, chunks_of
from indexers.stores.exact import ExactStore
from rag.abstain import Floor
from rag.answering.answering import quoting
from rag.errors import StoreUnavailable
from rag.fuse import FUSIONS
from rag.packing import Packing
from rag.parts import Parts
from rag.pipeline import QueryPath
from rag.plan import Defaults
from rag.quoting.choosing import Limits
from rag.seams import CollectionSpec, Stretch
from rag.sections import SearchSettings, Splitters
from rag.values import (
    Access,
    Candidate,
    Chunk,
    Document,
    Point,
    Query,
    Results,
    SparseVector,
)
from rag.widen import Widening, widen
from rag.wiring.querying import widening
from tests.indexers.splitting.texts import CUTTING, TEXTS, chunked, words

SPEC = CollectionSpec("hashed", "hashed/64", 64, "bm25", "none")
WINDOW, MERGE = Widening("window", 1), Widening("merge")
TEXT = "zero. one.  two. three. four.\n\nfive. six. seven. eight. nine."
FAMILIES = [((0, 3), (0, 6))] * 3 + [((3, 6), (0, 6))] * 3 + [((6, 10),)] * 4
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


class Gone(ExactStore):
    """Finds, and is gone when neighbours are fetched."""

    async def around(self, wanted: Sequence[Stretch], access: Access) -> tuple[Chunk, ...]:
        del wanted, access
        raise StoreUnavailable("the store is gone: start it")


def chunks(document: Document, families: bool = True) -> list[Chunk]:
    starts = [document.text.index(f"{name}.") for name in NAMES]
    pieces = [
        Piece(start, start + len(name) + 1, f"over {name}", family if families else ())
        for start, name, family in zip(starts, NAMES, FAMILIES, strict=True)
    ]
    return list(chunks_of(document, pieces))


DOCUMENT = Document("d", TEXT, "T", pages=(0, 8, 18, 30, 31, 32))
CHUNKS = chunks(DOCUMENT)


async def store_of(points: Sequence[Chunk], store: ExactStore | None = None) -> ExactStore:
    filled = store or ExactStore(SPEC)
    vector = np.ones(64, np.float32)
    await filled.put([Point(chunk, vector, SparseVector((), ()), 0) for chunk in points])
    return filled


def results(
    ordinals: Sequence[int],
    of: Sequence[Chunk] = CHUNKS,
    principals: tuple[str, ...] | None = None,
) -> Results:
    """Candidates in this order."""
    found = [
        Candidate(of[n], 1.0 - rank / 100, {"dense": rank}, (f"flag {n % 2}",))
        for rank, n in enumerate(ordinals, start=1)
    ]
    return Results(Query("q", principals=principals), tuple(found))


def read(found: Results) -> list[str]:
    return [candidate.chunk.text for candidate in found.candidates]


@pytest.mark.anyio
async def test_a_window_reads_the_neighbours_on_both_sides() -> None:
    before = results([2, 9, 0])
    found = await widen(before, await store_of(CHUNKS), replace(WINDOW, window=1))
    assert read(found) == ["zero. one.  two. three.", "eight. nine."]
    best = found.candidates[0]
    assert (best.score, best.ranks) == (before.candidates[0].score, {"dense": 1})
    assert best.flags == ("flag 0",)
    stage = found.trace[-1]
    assert (stage.name, stage.status) == ("widen", "ok")
    assert stage.detail == "2 widened, 1 joined to better ones"


@pytest.mark.anyio
async def test_windows_that_do_not_overlap_stay_two() -> None:
    found = await widen(results([1, 4]), await store_of(CHUNKS), WINDOW)
    assert read(found) == ["zero. one.  two.", "three. four.\n\nfive."]


@pytest.mark.anyio
async def test_the_better_one_takes_the_worse_with_its_flags() -> None:
    found = await widen(results([5, 9, 3]), await store_of(CHUNKS), WINDOW)
    first = found.candidates[0]
    assert first.chunk.id == CHUNKS[5].id
    assert first.chunk.text == "two. three. four.\n\nfive. six."
    assert first.flags == ("flag 1",)
    assert (await widen(results([5, 4]), await store_of(CHUNKS), WINDOW)).candidates[0].flags == (
        "flag 1",
        "flag 0",
    )


@pytest.mark.anyio
async def test_a_widened_chunk_says_where_it_stands() -> None:
    found = await widen(results([4]), await store_of(CHUNKS), replace(WINDOW, window=3))
    (chunk,) = [candidate.chunk for candidate in found.candidates]
    assert chunk.text == TEXT[chunk.start : chunk.end] == TEXT[6:48]
    assert (chunk.ordinal, chunk.context, chunk.gap) == (1, "over one", " ")
    assert chunk.page == CHUNKS[1].page == 1
    exact = {8, 18, 31}
    pages = {at: sum(page <= at for page in DOCUMENT.pages) for at in range(chunk.start, chunk.end)}
    black = {at: page for at, page in pages.items() if not TEXT[at].isspace()}
    assert {at: chunk.page_at(at) for at in black} == black
    assert exact - {31} <= set(chunk.breaks)


@pytest.mark.anyio
async def test_more_than_half_of_a_piece_gives_place_to_it() -> None:
    store = await store_of(CHUNKS)
    half = await widen(results([6, 8]), store, MERGE)
    assert read(half) == ["six.", "eight."]
    assert half.trace[-1].status == "skipped"
    found = await widen(results([6, 0, 9, 8]), store, MERGE)
    assert read(found) == ["six. seven. eight. nine.", "zero."]
    assert found.candidates[0].chunk.id == CHUNKS[6].id
    assert found.candidates[0].chunk.family == ()


@pytest.mark.anyio
async def test_pieces_merge_from_the_inside_out() -> None:
    store = await store_of(CHUNKS)
    inner = await widen(results([1, 0]), store, MERGE)
    assert read(inner) == ["zero. one.  two."]
    assert inner.candidates[0].chunk.family == ((0, 6),)
    outer = await widen(results([1, 5, 0]), store, MERGE)  # three of three, and one: four of six
    assert read(outer) == ["zero. one.  two. three. four.\n\nfive."]
    assert outer.trace[-1].detail == "1 widened, 2 joined to better ones"


@pytest.mark.anyio
async def test_nothing_is_merged_in_which_something_may_not_be_read() -> None:
    closed = replace(CHUNKS[7], metadata={"principals": ["ada"]})
    store = await store_of([*CHUNKS[:7], closed, *CHUNKS[8:]])
    asked = results([6, 8, 9], principals=("bob",))
    assert read(await widen(asked, store, MERGE)) == ["six.", "eight.", "nine."]
    assert read(await widen(asked, store, WINDOW)) == ["five. six.", "eight. nine."]
    trusted = await widen(results([6, 8, 9]), store, MERGE)
    assert read(trusted) == ["six. seven. eight. nine."]


@pytest.mark.anyio
async def test_neighbours_of_another_tenant_are_none() -> None:
    others = chunks(replace(DOCUMENT, tenant="other"))
    found = await widen(results([4]), await store_of([CHUNKS[4], *others]), WINDOW)
    assert read(found) == ["four."]


@pytest.mark.anyio
async def test_a_document_that_is_being_replaced_is_not_mixed() -> None:
    later = [replace(one, id=f"new {one.ordinal}", text=one.text.upper()) for one in CHUNKS]
    shifted = [replace(one, start=one.start + 7, end=one.end + 7) for one in later]
    for new, expected in ((later, ["four."]), (shifted, ["three. four.\n\nfive."])):
        found = await widen(results([4]), await store_of([*CHUNKS, *new]), WINDOW)
        assert read(found) == expected
        assert read(await widen(results([4, 5]), await store_of([*CHUNKS, *later]), MERGE)) == [
            "four.",
            "five.",
        ]


@pytest.mark.anyio
async def test_documents_do_not_meet() -> None:
    other = chunks(replace(DOCUMENT, id="e"))
    mixed = [*CHUNKS[:5], *other[5:]]
    found = await widen(results([4, 5], mixed), await store_of([*CHUNKS, *other]), WINDOW)
    assert read(found) == ["three. four.\n\nfive.", "four.\n\nfive. six."]
    assert [one.chunk.document_id for one in found.candidates] == ["d", "e"]


@pytest.mark.anyio
async def test_a_store_that_fails_leaves_what_was_found() -> None:
    before = results([1, 2])
    found = await widen(before, await store_of(CHUNKS, Gone(SPEC)), WINDOW)
    assert found.candidates == before.candidates
    assert (found.trace[-1].status, found.trace[-1].detail) == (
        "failed",
        "the store is gone: start it",
    )


@pytest.mark.anyio
async def test_nothing_found_is_nothing_to_widen() -> None:
    found = await widen(results([]), Gone(SPEC), WINDOW)
    assert (found.candidates, found.trace[-1].status) == ((), "skipped")


@pytest.mark.anyio
@pytest.mark.parametrize("name", CUTTING)
@given(text=TEXTS, data=st.data())
@settings(max_examples=30, deadline=None)
async def test_whatever_is_widened_is_verbatim_and_holds_what_was_found(
    name: Splitters, text: str, data: st.DataObject
) -> None:
    document = Document("d", text, markup="markdown")
    (every,) = chunked(words(name), [document])
    picked = data.draw(
        st.lists(st.integers(0, len(every) - 1), unique=True, min_size=1, max_size=9)
    )
    way = data.draw(st.sampled_from([MERGE, *(Widening("window", n) for n in (0, 1, 3))]))
    before = results(picked, every)
    found = await widen(before, await store_of(every), way)
    spans = [(one.chunk.start, one.chunk.end) for one in found.candidates]
    assert read(found) == [text[start:end] for start, end in spans]
    for n in picked:
        assert any(a <= every[n].start and every[n].end <= b for a, b in spans)
    assert found.candidates[0].chunk.id == every[picked[0]].id
    scores = [one.score for one in found.candidates]
    assert scores == sorted(scores, reverse=True)


FACTS = "The freezer stands in the cellar. It holds its cold for 36 hours. Dogs may not come in."


@pytest.mark.anyio
@pytest.mark.parametrize("way", [WINDOW, MERGE], ids=["window", "merge"])
async def test_an_answer_quotes_what_stands_around_what_was_found(way: Widening) -> None:
    document = Document("d", f"{FACTS}\n\n" + "Nothing else is said here. " * 9, "T")
    splitter: Splitters = "sentences" if way is WINDOW else "hierarchical"
    (every,) = chunked(words(splitter), [document])
    encoder, sparse = HashedEncoder(), Bm25Encoder()
    vectors = await encoder.encode([chunk.indexed_text for chunk in every], "document")
    store = ExactStore(SPEC)
    await store.put(
        [
            Point(chunk, vector, sparse.document(chunk.text, 10.0), sparse.length(chunk.text))
            for chunk, vector in zip(every, vectors, strict=True)
        ]
    )
    parts = Parts(
        encoder=encoder,
        sparse=sparse,
        store=store,
        generator=quoting(encoder, Floor(0.1), Limits(3)),
        defaults=Defaults("rrf", 100, tuple(FUSIONS)),
        fusions=FUSIONS,
        weights={},
        packing=Packing(5),
        widening=way,
    )
    query = Query("Where does the freezer stand?", k=1 if way is WINDOW else 2)
    answer = await QueryPath(parts).answer(query)
    cited = [citation for sentence in answer.sentences for citation in sentence.citations]
    assert cited
    assert all(document.text[one.start : one.end] == one.quote for one in cited)
    assert "widen" in [stage.name for stage in answer.trace]
    found = await QueryPath(parts).search(query)
    assert found.candidates[0].chunk.text.startswith(FACTS[:60])
    small = await QueryPath(replace(parts, widening=None)).search(query)
    assert len(small.candidates[0].chunk.text) < len(found.candidates[0].chunk.text)


def test_a_collection_is_widened_as_its_splitter_wants_unless_the_settings_say() -> None:
    auto = {name: widening(SearchSettings(), name) for name in get_args(Splitters)}
    assert {name: one.method for name, one in auto.items() if one} == {
        "sentences": "window",
        "hierarchical": "merge",
    }
    assert widening(SearchSettings(widen="none"), "sentences") is None
    assert widening(SearchSettings(widen="window", window=5), "none") == Widening("window", 5)
