"""Every fusion is a reordering of what was found, whatever the order of branches and of ties."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.fuse import FUSIONS, Fusion, rrf
from rag.values import Hit, Ranking, ranked

IDS = st.text("abcdefgh", min_size=1, max_size=2)
# Few distinct values, so that ties are common; .1 and 1/3 are not exact in binary.
SCORES = st.sampled_from([-1.0, 0.0, 0.1, 1 / 3, 0.5, 0.7, 2.0, 13.5]) | st.floats(-50, 50)
RANKINGS = st.dictionaries(IDS, SCORES, max_size=12).map(ranked)
BRANCHES = st.dictionaries(
    st.sampled_from(["bm25", "dense", "expanded", "hyde"]), RANKINGS, max_size=4
)
WEIGHTS = st.dictionaries(
    st.sampled_from(["bm25", "dense", "expanded"]), st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0, 2.0])
)
WHOLE = st.frozensets(st.sampled_from(["bm25", "expanded"]))
EVERY = pytest.mark.parametrize("fusion", FUSIONS.values(), ids=FUSIONS)
Branches = dict[str, Ranking]
Weights = dict[str, float]


@EVERY
@given(BRANCHES, WEIGHTS, WHOLE, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_branches_does_not_matter(
    fusion: Fusion, branches: Branches, weights: Weights, whole: frozenset[str], random: object
) -> None:
    shuffled = list(branches.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis's Random
    assert fusion(dict(shuffled), weights, whole) == fusion(branches, weights, whole)


@EVERY
@given(BRANCHES, WEIGHTS, WHOLE)
@settings(max_examples=100, deadline=None)
def test_the_result_is_a_permutation_of_the_union(
    fusion: Fusion, branches: Branches, weights: Weights, whole: frozenset[str]
) -> None:
    fused = [hit.chunk_id for hit in fusion(branches, weights, whole)]
    union = {hit.chunk_id for ranking in branches.values() for hit in ranking}
    assert sorted(fused) == sorted(union)


@EVERY
@given(BRANCHES, WEIGHTS, WHOLE)
@settings(max_examples=100, deadline=None)
def test_the_result_is_a_ranking_with_finite_scores(
    fusion: Fusion, branches: Branches, weights: Weights, whole: frozenset[str]
) -> None:
    fused = fusion(branches, weights, whole)
    assert all(math.isfinite(hit.score) for hit in fused)
    assert fused == ranked({hit.chunk_id: hit.score for hit in fused})


@pytest.mark.parametrize("name", ["dbsf", "convex"])
@given(
    st.dictionaries(IDS, SCORES, min_size=2, max_size=12),
    st.randoms(use_true_random=False),
)
@settings(max_examples=100, deadline=None)
def test_the_order_of_ties_within_a_branch_does_not_matter(
    name: str, scores: dict[str, float], random: object
) -> None:
    # A store that breaks ties in another way gives the same fused ranking.
    other = sorted(scores.items())
    random.shuffle(other)  # type: ignore[attr-defined]  # hypothesis's Random
    other.sort(key=lambda item: -item[1])
    fusion, dense = FUSIONS[name], (Hit("a", 0.9), Hit("zz", 0.1))
    assert fusion({"bm25": tuple(Hit(*item) for item in other), "dense": dense}, {}) == fusion(
        {"bm25": ranked(scores), "dense": dense}, {}
    )


@pytest.mark.parametrize("name", ["dbsf", "convex"])
@given(st.dictionaries(IDS, SCORES, max_size=12))
@settings(max_examples=100, deadline=None)
def test_one_branch_keeps_its_order(name: str, scores: dict[str, float]) -> None:
    fused = {hit.chunk_id: hit.score for hit in FUSIONS[name]({"dense": ranked(scores)}, {})}
    for one in scores:
        for other in scores:
            if scores[one] >= scores[other]:
                assert fused[one] >= fused[other]


@given(BRANCHES, WEIGHTS, st.integers(1, 100))
@settings(max_examples=100, deadline=None)
def test_rrf_is_the_naive_formula_in_exact_fractions(
    branches: Branches, weights: Weights, k: int
) -> None:
    naive: dict[str, Fraction] = {}
    for name, ranking in branches.items():
        for position, hit in enumerate(ranking):
            weight = Fraction(weights.get(name, 1.0))
            naive[hit.chunk_id] = naive.get(hit.chunk_id, Fraction(0)) + weight / (k + position + 1)
    fused = rrf(branches, weights, k=k)
    assert {hit.chunk_id: hit.score for hit in fused} == pytest.approx(
        {chunk_id: float(score) for chunk_id, score in naive.items()}, rel=1e-15, abs=0
    )
