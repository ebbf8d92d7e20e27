"""Several rankings become one: a permutation, fair to ties, no worse than what went in."""

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from rerankers.aggregate import borda, borda_points, distance, kemeny, rrf, strict
from rerankers.ordering import Levels, levels

AGGREGATES = (borda, kemeny, rrf)


@st.composite
def rankings(draw: st.DrawFn, most: int = 7) -> list[Levels]:
    items = draw(st.lists(st.integers(0, 99), unique=True, max_size=most).map(sorted))
    one = st.lists(st.integers(0, 3).map(float), min_size=len(items), max_size=len(items))
    return [levels(tuple(items), scores) for scores in draw(st.lists(one, min_size=1, max_size=5))]


@given(rankings())
@settings(deadline=None)
def test_every_aggregate_holds_each_passage_once(given_rankings: list[Levels]) -> None:
    items = sorted(i for level in given_rankings[0] for i in level)
    for aggregate in AGGREGATES:
        assert sorted(aggregate(given_rankings)) == items


@given(st.permutations(range(7)), st.integers(1, 4))
@settings(deadline=None)
def test_a_unanimous_ranking_comes_back(order: list[int], times: int) -> None:
    for aggregate in AGGREGATES:
        assert aggregate([strict(order)] * times) == tuple(order)


@given(st.sets(st.integers(0, 99)), st.integers(1, 4))
@settings(deadline=None)
def test_rankings_that_tie_everything_leave_the_order_of_the_numbers(
    items: set[int], times: int
) -> None:
    tied: Levels = (tuple(sorted(items)),) if items else ()
    for aggregate in AGGREGATES:
        assert aggregate([tied] * times) == tuple(sorted(items))


@given(rankings())
@settings(deadline=None)
def test_the_order_of_the_rankings_does_not_matter(given_rankings: list[Levels]) -> None:
    for aggregate in (borda, rrf):
        assert aggregate(given_rankings) == aggregate(given_rankings[::-1])


@given(rankings())
@settings(deadline=None)
def test_kemeny_is_no_further_from_the_rankings_than_borda_or_any_of_them(
    given_rankings: list[Levels],
) -> None:
    found = distance(kemeny(given_rankings), given_rankings)
    assert found <= distance(borda(given_rankings), given_rankings)
    for one in given_rankings:
        order = tuple(i for level in one for i in level)
        assert found <= distance(order, given_rankings)


@given(rankings(most=5))
@settings(deadline=None, max_examples=50)
def test_the_distance_counts_pairs_that_stand_the_other_way_round(
    given_rankings: list[Levels],
) -> None:
    order = borda(given_rankings)
    pairs = 0
    for one in given_rankings:
        height = {i: at for at, level in enumerate(one) for i in level}
        pairs += sum(height[b] < height[a] for n, a in enumerate(order) for b in order[n + 1 :])
    assert distance(order, given_rankings) == pairs


def test_kemeny_finds_the_least_distance_where_borda_does_not() -> None:
    # Borda favours 1, which is never last, although 3 of 5 put 0 first.
    given_rankings = [strict((0, 1, 2))] * 3 + [strict((1, 2, 0))] * 2
    best = min(permutations(range(3)), key=lambda order: distance(order, given_rankings))
    assert borda(given_rankings) == (1, 0, 2)
    assert kemeny(given_rankings) == best == (0, 1, 2)


def test_points_of_those_tied_are_shared() -> None:
    assert borda_points([((3,), (1, 2), (0,)), ((0, 1, 2, 3),)]) == {
        0: 0 + 1.5,
        1: 1.5 + 1.5,
        2: 1.5 + 1.5,
        3: 3 + 1.5,
    }


def test_reciprocal_ranks_of_those_tied_are_those_of_their_mean_rank() -> None:
    # 1 / 63 for rank (1 + 2) / 2 + … : 0 has ranks 1.5 and 3, 1 has 1.5 and 2, 2 has 3 and 1.
    assert rrf([((0, 1), (2,)), ((2,), (1,), (0,))], k=0) == (2, 1, 0)
    assert rrf([((0, 1), (2,)), ((2,), (1,), (0,))], k=1_000) == (1, 2, 0)


@given(rankings())
@settings(deadline=None, max_examples=50)
def test_no_single_move_brings_kemenys_order_nearer(given_rankings: list[Levels]) -> None:
    order = kemeny(given_rankings)
    found = distance(order, given_rankings)
    for item in order:
        rest = [i for i in order if i != item]
        for at in range(len(order)):
            assert distance((*rest[:at], item, *rest[at:]), given_rankings) >= found


def test_passages_with_the_same_ranks_tie_in_whatever_order_they_have_them() -> None:
    for n in range(2, 30):
        turned = [strict((*range(i, n), *range(i))) for i in range(n)]
        assert rrf(turned) == borda(turned) == tuple(range(n))


def test_no_number_of_inversions_outweighs_a_pair_that_a_ranking_decides() -> None:
    given_rankings = [
        strict(order) for order in ((0, 1, 2, 4, 3), (4, 0, 3, 2, 1), (4, 0, 1, 3, 2))
    ]
    assert distance((0, 4, 1, 2, 3), given_rankings) == 8  # nearer to the order of the numbers
    assert kemeny(given_rankings) == (4, 0, 1, 3, 2)
    assert distance((4, 0, 1, 3, 2), given_rankings) == 6
