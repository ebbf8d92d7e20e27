"""The best candidates become numbered passages, within their limits, their texts verbatim."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.outside.size import size
from rag.packing import ORDERS, Order, Packing, pack
from rag.values import Candidate, Chunk, Query, Results, Stage

TEXT = "One costs 3.5 euros. Two is red. Three hums quietly. Four sleeps. Five is the last one."
OTHER = "Alpha is first. Beta follows it. Gamma stands there. Delta came late. Omega ends it all."
TEXTS = {"a": TEXT, "b": OTHER}


def candidate(document: str, start: int, end: int, score: float = 1.0) -> Candidate:
    """Return a chunk of a document as a candidate."""
    text = TEXTS[document][start:end]
    chunk = Chunk(f"{document}{start}-{end}", document, text, start, start + len(text))
    return Candidate(chunk, score, {"dense": 1})


def results(*candidates: Candidate) -> Results:
    """Return candidates as what was found."""
    return Results(Query("q"), candidates, (Stage("fetch", 1.0),))


APART = results(*(candidate(d, s, s + 15) for d, s in (("a", 0), ("b", 0), ("a", 30), ("b", 40))))


def ids(found: Results, packing: Packing) -> list[str]:
    """Return the ids of the packed chunks, in their order."""
    return [passage.candidate.chunk.id for passage in pack(found, packing).passages]


def told(found: Results, packing: Packing) -> str:
    """Return what the trace says."""
    return pack(found, packing).trace[-1].detail


def test_the_first_candidates_are_numbered_from_one_in_rank_order() -> None:
    context = pack(APART, Packing(2))
    assert [(p.ref, p.candidate) for p in context.passages] == [
        (1, APART.candidates[0]),
        (2, APART.candidates[1]),
    ]
    assert context.query is APART.query


def test_what_is_left_out_is_said_in_the_trace() -> None:
    assert pack(APART, Packing(2)).trace == (
        Stage("fetch", 1.0),
        Stage("pack", 0.0, detail="2 packed, 2 dropped (2 too many)"),
    )


def test_fewer_candidates_than_asked_are_all_packed() -> None:
    assert len(pack(APART, Packing(10)).passages) == 4
    assert pack(results(), Packing(10)).passages == ()


@pytest.mark.parametrize(
    ("order", "numbered"), [("rank", "abcde"), ("middle", "acedb"), ("best-last", "edcba")]
)
def test_passages_are_numbered_as_they_are_shown(order: Order, numbered: str) -> None:
    found = results(*(Candidate(Chunk(c, c, c, 0, 1), 1.0, {}) for c in "abcde"))
    context = pack(found, Packing(9, order=order))
    assert [passage.candidate.chunk.id for passage in context.passages] == list(numbered)
    assert [passage.ref for passage in context.passages] == [1, 2, 3, 4, 5]


def test_overlapping_chunks_become_one_passage_under_the_better_id() -> None:
    better, worse = candidate("a", 20, 60, 0.9), candidate("a", 0, 30, 0.4)
    (passage,) = pack(results(better, worse), Packing(5)).passages
    chunk = passage.candidate.chunk
    assert (chunk.id, chunk.text, chunk.start, chunk.end) == ("a20-60", TEXT[:60], 0, 60)
    assert (passage.candidate.score, passage.candidate.ranks) == (0.9, {"dense": 1})
    assert told(results(better, worse), Packing(5)) == "1 packed, 1 merged"


def test_touching_chunks_become_one_passage_and_a_gap_of_unknown_text_keeps_them_apart() -> None:
    assert ids(results(candidate("a", 0, 20), candidate("a", 20, 40)), Packing(5)) == ["a0-20"]
    apart = results(candidate("a", 0, 20), candidate("a", 21, 40))
    assert ids(apart, Packing(5)) == ["a0-20", "a21-40"]


def test_a_chunk_that_fills_a_gap_joins_both_sides() -> None:
    found = results(candidate("a", 40, 60), candidate("a", 0, 20), candidate("a", 20, 40))
    (passage,) = pack(found, Packing(5)).passages
    assert (passage.candidate.chunk.id, passage.candidate.chunk.text) == ("a40-60", TEXT[:60])
    assert told(found, Packing(5)) == "1 packed, 2 merged"


def test_chunks_of_two_versions_of_a_document_are_not_merged() -> None:
    old = candidate("a", 0, 30)
    new = replace(old, chunk=replace(old.chunk, id="new", text="x" * 30, start=10, end=40))
    assert ids(results(old, new), Packing(5)) == ["a0-30", "new"]


def test_chunks_of_two_documents_are_not_merged() -> None:
    assert len(ids(results(candidate("a", 0, 20), candidate("b", 20, 40)), Packing(5))) == 2


def test_flags_of_all_merged_chunks_are_kept() -> None:
    one, two = candidate("a", 0, 20), replace(candidate("a", 20, 40), flags=("orders",))
    assert pack(results(one, two), Packing(5)).passages[0].candidate.flags == ("orders",)


def test_a_document_gives_no_more_chunks_than_allowed() -> None:
    assert ids(APART, Packing(5, per_document=1)) == ["a0-15", "b0-15"]
    assert told(APART, Packing(5, per_document=1)).endswith("2 dropped (2 too many of a document)")


def test_below_the_floor_nothing_is_packed_even_where_there_is_room() -> None:
    found = results(candidate("a", 0, 15, 0.9), candidate("b", 0, 15, 0.1))
    assert ids(found, Packing(5, floor=0.5)) == ["a0-15"]
    assert told(found, Packing(5, floor=0.5)) == "1 packed, 1 dropped (1 below the floor)"


def test_what_does_not_fit_is_cut_after_a_sentence() -> None:
    found = results(candidate("a", 0, len(TEXT)))
    context = pack(found, Packing(5, budget=size(TEXT[:33])))
    assert [p.candidate.chunk.text for p in context.passages] == [TEXT[:32]]
    assert context.trace[-1].detail == "1 packed, 1 truncated"


def test_what_has_no_sentence_that_fits_is_dropped_and_a_shorter_one_still_taken() -> None:
    found = results(candidate("a", 0, len(TEXT)), candidate("b", 0, 15))
    assert ids(found, Packing(5, budget=5)) == ["b0-15"]
    assert told(found, Packing(5, budget=5)) == "1 packed, 1 dropped (1 no room)"


def test_what_overlaps_takes_its_room_once() -> None:
    found = results(candidate("a", 0, 52), candidate("a", 0, 63))
    assert told(found, Packing(5, budget=size(TEXT[:63]))) == "1 packed, 1 merged"


def test_tokens_are_those_of_who_counts() -> None:
    found = results(candidate("a", 0, 32), candidate("b", 0, 32))
    assert ids(found, Packing(5, budget=32, count=len)) == ["a0-32"]


SPANS = st.tuples(st.sampled_from("ab"), st.integers(0, 80), st.integers(1, 50))
FOUND = st.lists(st.tuples(SPANS, st.floats(0, 1)), max_size=8).map(
    lambda rows: results(*(candidate(d, s, s + n, score) for (d, s, n), score in rows))
)


@given(
    FOUND, st.integers(1, 8), st.integers(0, 60), st.integers(0, 3), st.sampled_from(list(ORDERS))
)
def test_limits_hold_and_texts_are_verbatim(
    found: Results, passages: int, budget: int, per_document: int, order: Order
) -> None:
    packing = Packing(passages, budget, per_document, 0.3, order)
    context = pack(found, packing)
    assert [passage.ref for passage in context.passages] == [*range(1, len(context.passages) + 1)]
    chunks = [passage.candidate.chunk for passage in context.passages]
    for chunk in chunks:
        assert TEXTS[chunk.document_id][chunk.start : chunk.end] == chunk.text
    assert len({chunk.id for chunk in chunks}) == len(chunks) <= passages
    assert not budget or sum(size(chunk.text) for chunk in chunks) <= budget
    assert all(passage.candidate.score >= 0.3 for passage in context.passages)
    _no_text_twice(chunks)
    ranked = pack(found, replace(packing, order="rank")).passages
    assert sorted(chunk.id for chunk in chunks) == sorted(p.candidate.chunk.id for p in ranked)


def _no_text_twice(chunks: Sequence[Chunk]) -> None:
    seen: set[tuple[str, int]] = set()
    for chunk in chunks:
        places = {(chunk.document_id, place) for place in range(chunk.start, chunk.end)}
        assert not places & seen
        seen |= places
