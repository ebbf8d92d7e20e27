"""The reranker that does nothing says so."""

import pytest

from rag.seams import Reranker
from rag.values import Candidate, Chunk, Stage
from rerankers.unchanged import Unchanged


@pytest.mark.anyio
async def test_the_candidates_come_back_as_they_came_and_the_stage_says_skipped() -> None:
    candidates = [Candidate(Chunk(c, c, c, 0, 1), 0.0, {}) for c in "cab"]
    reranker = Unchanged()
    assert isinstance(reranker, Reranker)
    reranked = await reranker.rerank("which?", candidates)
    assert reranked.candidates == tuple(candidates)
    assert reranked.stage == Stage("rerank", 0.0, "skipped", "no reranker is set")


@pytest.mark.anyio
async def test_nothing_stays_nothing() -> None:
    assert (await Unchanged().rerank("which?", [])).candidates == ()
