"""Fusion by hand: every expected score is the formula."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.fuse import FUSIONS, Fusion, Weights, convex, dbsf, fuse, rrf, shares
from rag.values import Branch, Found, Hit, Plan, Query, Ranking, Stage

BM25 = (Hit("a", 12.0), Hit("b", 8.0), Hit("c", 4.0))
DENSE = (Hit("c", 0.9), Hit("d", 0.5))
BOTH = {"bm25": BM25, "dense": DENSE}


def scores(ranking: Ranking) -> dict[str, float]:
    return {hit.chunk_id: hit.score for hit in ranking}


def test_rrf_sums_one_over_k_plus_rank() -> None:
    assert scores(rrf(BOTH, {})) == pytest.approx(
        {"c": 1 / (60 + 3) + 1 / (60 + 1), "a": 1 / 61, "b": 1 / 62, "d": 1 / 62}
    )
    assert [hit.chunk_id for hit in rrf(BOTH, {})] == ["c", "a", "b", "d"]


def test_rrf_takes_its_constant_and_its_weights() -> None:
    assert scores(rrf(BOTH, {"dense": 0.25}, k=1)) == pytest.approx(
        {"a": 1 / 2, "c": 1 / 4 + 0.25 / 2, "b": 1 / 3, "d": 0.25 / 3}
    )


def test_rrf_looks_at_ranks_only() -> None:
    louder = {"bm25": tuple(Hit(h.chunk_id, h.score * 1_000) for h in BM25), "dense": DENSE}
    assert rrf(louder, {}) == rrf(BOTH, {})


def test_dbsf_places_scores_between_three_deviations_below_and_above_the_mean() -> None:
    # bm25: mean 8, σ = 4; dense: mean .7, σ = √.08 (n − 1), so ±.2 / (6 · √.08) = ±1 / (6 · √2)
    edge = 1 / (6 * 2**0.5)
    assert scores(dbsf(BOTH, {})) == pytest.approx(
        {"a": 4 / 6, "b": 3 / 6, "c": 2 / 6 + (0.5 + edge), "d": 0.5 - edge}
    )


def test_in_a_whole_branch_what_dbsf_does_not_find_has_the_score_0() -> None:
    # bm25 over a to d: 12, 8, 4, 0, so μ = 6 and σ = √(80 / 3).
    deviation, edge = (80 / 3) ** 0.5, 1 / (6 * 2**0.5)
    words = {
        one: 0.5 + (s - 6) / (6 * deviation) for one, s in zip("abcd", (12, 8, 4, 0), strict=True)
    }
    dense = {"c": 0.5 + edge, "d": 0.5 - edge}
    expected = {one: share + dense.get(one, 0.0) for one, share in words.items()}
    assert scores(dbsf(BOTH, {}, {"bm25"})) == pytest.approx(expected)


def test_a_word_that_says_almost_nothing_lifts_a_chunk_by_almost_nothing() -> None:
    dense = tuple(Hit(f"{i:02}", 0.6 - i / 100) for i in range(40))
    rankings = {"bm25": (Hit("03", 9.0), Hit("05", 1e-9)), "dense": dense}
    fused = dbsf(rankings, {}, {"bm25"})
    assert [hit.chunk_id for hit in fused[:5]] == ["03", "00", "01", "02", "04"]
    apart = dbsf(rankings, {})  # half of what a branch gives, for having been found at all
    assert [hit.chunk_id for hit in apart[:5]] == ["03", "05", "00", "01", "02"]


def test_a_branch_by_words_is_whole_that_found_fewer_than_it_may_fetch() -> None:
    for depth, name, whole in ((4, "bm25", True), (3, "bm25", False), (4, "dense+x", False)):
        rankings = {name: BM25, "dense": DENSE}
        branches = (Branch(name, "q", depth), Branch("dense", "q", depth))
        fused = fuse(Found(Plan(Query("q"), branches, "dbsf"), rankings), FUSIONS, {})
        weights = shares(branches, {})
        assert fused.ranking == dbsf(rankings, weights, {name} if whole else ())


def test_dbsf_weighs_the_branches() -> None:
    assert scores(dbsf({"bm25": BM25}, {"bm25": 3.0})) == pytest.approx({"a": 2, "b": 1.5, "c": 1})


def test_convex_scales_each_branch_from_zero_to_one() -> None:
    assert scores(convex(BOTH, {"bm25": 0.25, "dense": 0.75})) == pytest.approx(
        {"a": 0.25 * 1, "b": 0.25 * 0.5, "c": 0.25 * 0 + 0.75 * 1, "d": 0.75 * 0}
    )


@pytest.mark.parametrize("score", [0.0, 0.1, 7.3, -0.2, 13.521591955062641])
@pytest.mark.parametrize("count", [1, 2, 3, 49, 119])
def test_a_branch_whose_scores_are_all_equal_says_nothing_about_their_order(
    count: int, score: float
) -> None:
    # The mean of equal numbers may differ from them by a bit; that is no deviation.
    level = {"bm25": tuple(Hit(f"{i:03}", score) for i in range(count))}
    assert {hit.score for hit in dbsf(level, {})} == {0.5}
    assert {hit.score for hit in convex(level, {})} == {1.0}


def test_a_tiny_spread_still_orders() -> None:
    near = {"dense": (Hit("b", 0.7000000001), Hit("a", 0.7))}
    for fusion in (dbsf, convex):
        assert [hit.chunk_id for hit in fusion(near, {})] == ["b", "a"]


@pytest.mark.parametrize("fusion", FUSIONS.values(), ids=FUSIONS)
def test_ties_stand_in_the_order_of_their_chunk_ids(fusion: Fusion) -> None:
    crossed = {"bm25": (Hit("b", 2.0), Hit("a", 1.0)), "dense": (Hit("a", 2.0), Hit("b", 1.0))}
    assert [hit.chunk_id for hit in fusion(crossed, {})] == ["a", "b"]


@pytest.mark.parametrize("fusion", FUSIONS.values(), ids=FUSIONS)
def test_a_branch_that_found_nothing_changes_nothing(fusion: Fusion) -> None:
    assert fusion({"bm25": BM25, "dense": ()}, {}) == fusion({"bm25": BM25}, {})
    assert fusion({"bm25": (), "dense": ()}, {}) == ()
    assert fusion({}, {}) == ()


@pytest.mark.parametrize("fusion", FUSIONS.values(), ids=FUSIONS)
def test_a_branch_of_weight_zero_keeps_its_chunks_without_lifting_them(fusion: Fusion) -> None:
    fused = scores(fusion(BOTH, {"dense": 0.0}))
    assert fused["d"] == 0.0
    assert fused["a"] == scores(fusion({"bm25": BM25}, {}))["a"]


def found(rankings: Mapping[str, Ranking], fusion: str = "rrf") -> Found:
    branches = tuple(Branch(name, "q", 10) for name in rankings)
    return Found(Plan(Query("q"), branches, fusion), rankings, (Stage("find", 1.0),))


def test_the_plan_says_which_fusion_runs_and_the_trace_says_which_ran() -> None:
    fused = fuse(found(BOTH, "convex"), FUSIONS, {"dense": 0.5})
    assert fused.ranking == convex(BOTH, {"dense": 0.5})
    assert fused.rankings is not None
    assert dict(fused.rankings) == BOTH
    assert fused.trace == (Stage("find", 1.0), Stage("fuse", 0.0, detail="convex, 4 chunks"))


def test_a_single_branch_keeps_its_scores() -> None:
    fused = fuse(found({"bm25": BM25}), FUSIONS, {"bm25": 0.5})
    assert fused.ranking == BM25
    assert fused.trace[-1].detail == "one branch, 3 chunks"


def test_fusions_can_be_replaced_by_name() -> None:
    def first_branch(
        rankings: Mapping[str, Ranking], weights: Weights, whole: Collection[str] = ()
    ) -> Ranking:
        assert (weights, set(whole)) == ({"bm25": 1.0, "dense": 0.7}, {"bm25"})
        return next(iter(rankings.values()))

    fused = fuse(found(BOTH, "mine"), {"mine": first_branch}, {"dense": 0.7})
    assert fused.ranking == BM25


WEIGHED = st.lists(
    st.tuples(st.sampled_from(["bm25", "dense"]), st.sampled_from(["", "+a", "+b", "+c"])),
    min_size=1,
    unique=True,
)


@given(WEIGHED, st.lists(st.floats(0.01, 5), min_size=8, max_size=8))
def test_a_kind_weighs_as_much_with_further_branches_as_without(
    names: list[tuple[str, str]], weights: list[float]
) -> None:
    branches = [
        Branch(f"{kind}{more}", "q", 9, weight=weight)
        for (kind, more), weight in zip(names, weights, strict=False)
    ]
    found = shares(branches, {"bm25": 0.3, "dense": 0.7})
    for kind, whole in (("bm25", 0.3), ("dense", 0.7)):
        of_kind = {b.name: found[b.name] for b in branches if b.kind == kind}
        if of_kind:
            assert sum(of_kind.values()) == pytest.approx(whole)
        if kind in of_kind and len(of_kind) > 1:
            assert of_kind[kind] == pytest.approx(whole / 2)


def test_further_branches_share_by_their_weights_and_weightless_ones_get_nothing() -> None:
    own, one, other = (Branch(f"bm25{more}", "q", 9) for more in ("", "+a", "+b"))
    heavy = replace(other, weight=3.0)
    assert shares([own, one, heavy], {}) == {"bm25": 0.5, "bm25+a": 0.125, "bm25+b": 0.375}
    assert shares([one, heavy], {}) == {"bm25+a": 0.25, "bm25+b": 0.75}
    none = replace(one, weight=0.0)
    assert shares([own, none], {"bm25": 0.5}) == {"bm25": 0.5, "bm25+a": 0.0}
