"""The guard keeps what the first stage knew: the harm of any reranker has a bound."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankers.guard import Guard, capped, guarded, worst_ranks
from rerankers.ordering import Ordering

GUARDS = st.builds(
    Guard, st.sampled_from(["pool", "rrf", "convex"]), st.floats(0, 1), st.integers(0, 12)
)
SCORES = st.lists(st.floats(0, 30), min_size=1, max_size=30).map(lambda s: sorted(s, reverse=True))
RERANKED = SCORES.flatmap(
    lambda first: st.tuples(
        st.just(first), st.permutations(range(len(first))), st.booleans(), GUARDS
    )
)


def dcg(gains: list[float], ranks: list[int], depth: int = 10) -> float:
    pairs = zip(gains, ranks, strict=True)
    return math.fsum(gain / math.log2(1 + rank) for gain, rank in pairs if rank <= depth)


@given(RERANKED)
@settings(deadline=None)
def test_a_guarded_order_is_a_permutation_and_no_passage_falls_below_its_worst_rank(
    case: tuple[list[float], list[int], bool, Guard],
) -> None:
    first, order, scored, guard = case
    scores = tuple(1 / (1 + order.index(i)) ** 2 for i in range(len(order))) if scored else ()
    fused = guarded(first, Ordering(tuple(order), scores), guard)
    assert sorted(fused.order) == list(range(len(first)))
    assert list(fused.scores) == sorted(fused.scores, reverse=True)
    for i, worst in enumerate(worst_ranks(first, guard)):
        assert fused.order.index(i) + 1 <= worst


@pytest.mark.parametrize(
    "guard",
    [
        Guard(),
        Guard("pool", 0.5),
        Guard(jump=10),
        Guard("rrf", 0.3),
        Guard("rrf", 0.5, 5),
        Guard("convex", 0.3),
    ],
)
@given(gains=st.lists(st.integers(0, 3), min_size=20, max_size=60))
@settings(deadline=None, max_examples=50)
def test_an_adversarial_reranker_cannot_push_ndcg_below_the_bound(
    guard: Guard, gains: list[int]
) -> None:
    """The adversary knows the grades and ranks by them, worst first."""
    n = len(gains)
    first = [float(2 * n - i * i / n) for i in range(n)]
    order = sorted(range(n), key=lambda i: (gains[i], -i))
    fused = guarded(first, Ordering(tuple(order)), guard)
    got = [float(gains[i]) for i in fused.order]
    ideal = dcg(sorted(map(float, gains), reverse=True), list(range(1, n + 1))) or 1.0
    bound = dcg(list(map(float, gains)), list(worst_ranks(first, guard))) / ideal
    assert dcg(got, list(range(1, n + 1))) / ideal >= bound - 1e-12


def test_the_bound_is_reached() -> None:
    """By the reranker that puts passage 0 last and those behind it first, the farthest on top."""
    n, guard = 50, Guard("rrf", 0.3)
    worst = worst_ranks([float(n - i) for i in range(n)], guard)[0]
    order = [*range(worst - 1, 0, -1), *range(worst, n), 0]
    fused = guarded([float(n - i) for i in range(n)], Ordering(tuple(order)), guard)
    assert 1 < worst < n
    assert fused.order.index(0) + 1 == worst


@given(st.permutations(range(12)), st.integers(1, 12))
def test_no_number_moves_farther_than_the_cap(order: list[int], jump: int) -> None:
    found = capped(order, jump)
    assert sorted(found) == sorted(order)
    assert all(abs(place - i) <= jump for place, i in enumerate(found))


@given(st.permutations(range(12)))
def test_a_cap_as_wide_as_the_list_changes_nothing(order: list[int]) -> None:
    assert capped(order, 12) == tuple(order)


@given(SCORES, GUARDS)
@settings(deadline=None)
def test_a_reranker_without_an_opinion_leaves_the_first_stage_alone(
    first: list[float], guard: Guard
) -> None:
    order = tuple(range(len(first)))
    assert guarded(first, Ordering(order), guard).order == order
    if guard.fusion != "rrf" and guard.share < 1:
        equal = Ordering(order, (0.5,) * len(first))
        assert guarded(first, equal, guard).order == order


def test_the_weight_decides_who_is_heard() -> None:
    first, reversed_ = [3.0, 2.0, 1.0], Ordering((2, 1, 0))
    assert guarded(first, reversed_, Guard("rrf", 0.0)).order == (0, 1, 2)
    assert guarded(first, reversed_, Guard("rrf", 1.0)).order == (2, 1, 0)


def test_the_pool_hears_a_reranker_as_far_as_it_agrees() -> None:
    """Both put passage 9 first; the one then follows the first stage, the other reverses it."""
    first = [float(-i) for i in range(20)]
    agreeing = (9, *range(9), *range(10, 20))
    contrary = (9, *reversed([i for i in range(20) if i != 9]))
    assert guarded(first, Ordering(agreeing), Guard()).order.index(9) < 5
    assert guarded(first, Ordering(contrary), Guard()).order == tuple(range(20))


def test_the_pool_hears_nobody_without_limit() -> None:
    first = [float(-i) for i in range(20)]
    moved = 0.7 / 0.3 * math.log((7 + 20) / (7 + 1))
    assert worst_ranks(first, Guard())[0] == min(20, math.ceil(math.exp(moved)) - 1)
    assert worst_ranks(first, Guard("pool", 0.5))[:2] == (3, 6)
