"""The best candidates become numbered passages."""

from rag.pack import pack
from rag.values import Candidate, Chunk, Query, Results, Stage

CANDIDATES = tuple(Candidate(Chunk(c, c, c, 0, 1), 1.0, {}) for c in "abc")
RESULTS = Results(Query("q"), CANDIDATES, (Stage("fetch", 1.0),))


def test_the_first_candidates_are_numbered_from_one_in_rank_order() -> None:
    context = pack(RESULTS, 2)
    assert [(p.ref, p.candidate.chunk.id) for p in context.passages] == [(1, "a"), (2, "b")]
    assert context.query is RESULTS.query


def test_what_is_left_out_is_said_in_the_trace() -> None:
    assert pack(RESULTS, 2).trace == (
        Stage("fetch", 1.0),
        Stage("pack", 0.0, detail="2 packed, 1 dropped"),
    )


def test_fewer_candidates_than_asked_are_all_packed() -> None:
    assert len(pack(RESULTS, 10).passages) == 3
    assert pack(Results(Query("q"), ()), 10).passages == ()
