"""Every reranker returns a permutation of what it got."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.llms.scripted import ScriptedLLM
from rag.seams import Reranker
from rag.values import Candidate, Chosen, Chunk, Scored
from rerankers.cascade import Cascade, Tier
from rerankers.choices import Choices
from rerankers.guard import Guard
from rerankers.methods import METHODS, asking
from rerankers.reranker import Asking, Guarded, Scoring
from rerankers.unchanged import Unchanged


class Lengths:
    """A scorer that likes long passages."""

    async def score(self, query: str, passages: Sequence[str]) -> list[float]:
        del query
        return [float(len(passage)) for passage in passages]


def liking(name: str) -> Asking:
    """A method over a model that likes late letters, and texts that look long."""
    llm = ScriptedLLM(
        choose=lambda r: Chosen(tuple(-1.0 / (i + 1) for i, _ in enumerate(r.labels))),
        score=lambda r: Scored(-1.0 / (1 + len(str(r))), 1),
        context_window=50_000,
    )
    return asking(name, llm, Choices(window=4))


RERANKERS: dict[str, Reranker] = {
    "unchanged": Unchanged(),
    "scoring": Guarded(Scoring("lengths", Lengths()), None),
    "guarded": Guarded(Scoring("lengths", Lengths()), Guard(jump=2)),
    "cascade": Guarded(
        Cascade([Tier(Scoring("lengths", Lengths()), 8), Tier(liking("first"), 3)]),
        Guard("rrf"),
    ),
    **{name: Guarded(liking(name), Guard("convex")) for name in METHODS},
}
EVERY = pytest.mark.parametrize("reranker", RERANKERS.values(), ids=RERANKERS.keys())
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
@settings(max_examples=30, deadline=None)
def test_no_candidate_is_dropped_added_or_changed(
    reranker: Reranker, query: str, candidates: list[Candidate]
) -> None:
    before = tuple(candidates)
    reranked = asyncio.run(reranker.rerank(query, candidates))
    assert sorted(repr(c.chunk) for c in reranked.candidates) == sorted(
        repr(c.chunk) for c in before
    )
    assert tuple(candidates) == before
    assert reranked.stage.name == "rerank"
    assert reranked.stage.status in {"ok", "skipped", "cut short", "failed"}
    assert reranked.stage.detail or reranked.stage.status == "ok"
    scores = [c.score for c in reranked.candidates]
    if not isinstance(reranker, Unchanged):
        assert scores == sorted(scores, reverse=True)


@EVERY
@given(CANDIDATES)
@settings(max_examples=15, deadline=None)
def test_the_same_input_gives_the_same_order(
    reranker: Reranker, candidates: list[Candidate]
) -> None:
    first = asyncio.run(reranker.rerank("which?", candidates))
    again = asyncio.run(reranker.rerank("which?", candidates))
    assert first.candidates == again.candidates
