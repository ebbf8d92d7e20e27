"""Every reranker returns a permutation of what it got."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.seams import Reranker
from rag.values import Candidate, Chunk
from rerankers.unchanged import Unchanged

EVERY = pytest.mark.parametrize("reranker", [Unchanged()], ids=["unchanged"])
CANDIDATES = st.lists(
    st.builds(
        lambda number, text, score: Candidate(
            Chunk(f"chunk {number}", f"document {number}", text, 0, len(text)), score, {"bm25": 1}
        ),
        st.integers(0, 50),
        st.text(max_size=20),
        st.floats(-5, 5),
    ),
    max_size=12,
    unique_by=lambda candidate: candidate.chunk.id,
)


@EVERY
def test_it_is_a_reranker(reranker: Reranker) -> None:
    assert isinstance(reranker, Reranker)


@EVERY
@given(st.text(max_size=30), CANDIDATES)
@settings(max_examples=100, deadline=None)
def test_no_candidate_is_dropped_added_or_changed(
    reranker: Reranker, query: str, candidates: list[Candidate]
) -> None:
    before = tuple(candidates)
    reranked = asyncio.run(reranker.rerank(query, candidates))
    assert sorted(map(repr, reranked.candidates)) == sorted(map(repr, before))
    assert tuple(candidates) == before
    assert reranked.stage.name == "rerank"
    assert reranked.stage.status in {"ok", "skipped", "cut short", "failed"}
    assert reranked.stage.detail or reranked.stage.status == "ok"


@EVERY
@given(CANDIDATES)
@settings(max_examples=25, deadline=None)
def test_the_same_input_gives_the_same_order(
    reranker: Reranker, candidates: list[Candidate]
) -> None:
    first = asyncio.run(reranker.rerank("which?", candidates))
    again = asyncio.run(reranker.rerank("which?", candidates))
    assert first.candidates == again.candidates
