"""Our fusion gives the scores of qdrant-client's, which are those of the server."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qdrant_client.http.models import ScoredPoint
from qdrant_client.hybrid.fusion import distribution_based_score_fusion, reciprocal_rank_fusion

from rag.fuse import dbsf, rrf
from rag.values import Ranking, ranked

RANKINGS = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(-50, 50)).map(
    lambda scores: ranked({chunk_id: score / 4 for chunk_id, score in scores.items()})
)
BRANCHES = st.dictionaries(st.sampled_from(["bm25", "dense", "other"]), RANKINGS, min_size=1)


def theirs(branches: dict[str, Ranking]) -> list[list[ScoredPoint]]:
    """Return the rankings as qdrant-client takes them; it writes into its input."""
    return [
        [ScoredPoint(id=ord(hit.chunk_id), version=0, score=hit.score) for hit in ranking]
        for ranking in branches.values()
    ]


def scores(ranking: Ranking) -> dict[str, float]:
    return {hit.chunk_id: hit.score for hit in ranking}


def their_scores(points: list[ScoredPoint]) -> dict[str, float]:
    return {chr(int(point.id)): point.score for point in points}


@given(BRANCHES)
@settings(max_examples=100, deadline=None)
def test_dbsf_equals_qdrants(branches: dict[str, Ranking]) -> None:
    fused = distribution_based_score_fusion(theirs(branches), limit=100)
    assert scores(dbsf(branches, {})) == pytest.approx(their_scores(fused))


@given(BRANCHES, st.integers(1, 100))
@settings(max_examples=100, deadline=None)
def test_rrf_equals_qdrants_whose_ranks_start_at_zero(branches: dict[str, Ranking], k: int) -> None:
    # Theirs is 1 / (position + 1 + k − 1), ours 1 / (k + rank): their constant is one higher.
    fused = reciprocal_rank_fusion(theirs(branches), limit=100, ranking_constant_k=k + 1)
    assert scores(rrf(branches, {}, k=k)) == pytest.approx(their_scores(fused))


def test_weights_of_rrf_mean_something_else_there() -> None:
    # Theirs divide the rank inside the fraction, ours multiply the fraction: the two agree where
    # every weight is 1 and nowhere else.
    branches = {"bm25": ranked({"a": 2.0, "b": 1.0}), "dense": ranked({"b": 0.5})}
    fused = reciprocal_rank_fusion(
        theirs(branches), limit=9, ranking_constant_k=61, weights=[2.0, 1.0]
    )
    assert their_scores(fused)["a"] == pytest.approx(1 / (1 / 2 + 60))
    assert scores(rrf(branches, {"bm25": 2.0}))["a"] == pytest.approx(2 / (60 + 1))


def test_where_a_branch_is_level_both_give_a_half() -> None:
    branches = {"bm25": ranked({"a": 2.0, "b": 2.0, "c": 2.0})}
    fused = distribution_based_score_fusion(theirs(branches), limit=9)
    assert scores(dbsf(branches, {})) == their_scores(fused) == {"a": 0.5, "b": 0.5, "c": 0.5}
