"""Tournaments and partitions ask side by side, as often as the papers say."""

from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankers.tournaments import survivors, top_down, tourrank
from tests.rerankers.windows import by, played


def test_a_tournament_of_a_hundred_is_thirteen_windows_in_five_steps() -> None:
    for rounds in (1, 3):
        _, steps = played(tourrank(100, rounds), by([0.0] * 100))
        assert [len(step) for step in steps] == [5 * rounds, 5 * rounds, rounds, rounds, rounds]
        sizes = [{len(window) for window in step} for step in steps]
        assert sizes == [{20}, {10}, {20}, {10}, {5}]


@given(st.integers(2, 2_000))
def test_every_stage_of_a_tournament_leaves_fewer(n: int) -> None:
    stages = (n, *survivors(n))
    assert all(before > after for before, after in pairwise(stages))
    assert stages[-1] == (1 if n == 2 else 2)


@given(st.integers(0, 230), st.integers(1, 3), st.integers())
@settings(deadline=None, max_examples=50)
def test_groups_hold_each_passage_once_are_of_one_size_and_in_the_first_order(
    n: int, rounds: int, seed: int
) -> None:
    _, steps = played(tourrank(n, rounds, seed), by([float(i * 31 % 17) for i in range(n)]))
    for left, step in zip((n, *survivors(n)), steps, strict=False):
        assert sum(map(len, step)) == left * rounds
        assert max(map(len, step)) - min(map(len, step)) <= 1
        assert max(map(len, step)) <= 20
        assert all(list(window) == sorted(window) for window in step)
    if n:
        assert sorted(i for window in (steps or [[]])[0] for i in window) == sorted(
            [*range(n)] * rounds if steps else []
        )


def test_groups_are_about_equally_strong() -> None:
    _, steps = played(tourrank(100, 1, seed=5), by([0.0] * 100))
    for window in steps[0]:
        assert [passage // 5 for passage in window] == list(range(20))  # one of each row


def test_the_seed_decides_who_meets_whom() -> None:
    def groups(seed: int) -> list[tuple[int, ...]]:
        return played(tourrank(100, 1, seed), by([0.0] * 100))[1][0]

    assert groups(1) == groups(1) != groups(2)
    both = played(tourrank(100, 2, 1), by([0.0] * 100))[1][0]
    assert both[:5] != both[5:]


def test_the_more_tournaments_the_nearer_to_the_truth() -> None:
    quality = [float(i * 37 % 100) for i in range(100)]
    best = set(sorted(range(100), key=lambda i: -quality[i])[:10])

    def found(rounds: int) -> int:
        return len(best & set(played(tourrank(100, rounds, 3), by(quality))[0][:10]))

    assert found(1) >= 8
    assert found(10) == 10
    order, _ = played(tourrank(100, 1, 3), by(quality))
    assert {quality[i] for i in order[:2]} == {99.0, 98.0}


def test_of_two_passages_one_wins() -> None:
    assert played(tourrank(2), by([0.0, 1.0])) == ((1, 0), [[(0, 1)]])


def test_partitions_of_a_hundred_are_seven_windows_in_three_steps() -> None:
    # Every tenth passage is good: the first window holds 2 of them, the others 8.
    quality = [float(100 * (i % 10 == 0) - i) for i in range(100)]
    order, steps = played(top_down(100), by(quality))
    assert [len(step) for step in steps] == [1, ceil(80 / 19), 1]
    assert [quality[i] for i in order[:10]] == sorted(quality, reverse=True)[:10]
    pivot = steps[1][0][0]
    assert all(window[0] == pivot for window in steps[1])


def test_where_the_first_window_was_right_partitions_are_not_asked_again() -> None:
    _, steps = played(top_down(100), by([float(-i) for i in range(100)]))
    assert [len(step) for step in steps] == [1, 5]
    _, steps = played(top_down(20), by([float(i) for i in range(20)]))
    assert [len(step) for step in steps] == [1]


@given(st.integers(0, 120), st.integers(2, 25), st.data())
@settings(deadline=None, max_examples=50)
def test_partitions_put_the_best_in_front_if_the_model_knows_them(
    n: int, size: int, data: st.DataObject
) -> None:
    quality = [float(q) for q in data.draw(st.permutations(range(n)))]
    order, _ = played(top_down(n, size), by(quality))
    assert sorted(order) == list(range(n))
    best = sorted(range(n), key=lambda i: -quality[i])
    assert list(order[: size // 2]) == best[: size // 2]


def test_partitions_of_one_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        played(top_down(9, 1), by([0.0] * 9))


@given(st.integers(0, 230), st.integers())
@settings(deadline=None, max_examples=50)
def test_where_all_tie_the_first_of_the_first_stage_survive(n: int, seed: int) -> None:
    order, steps = played(tourrank(n, 1, seed), by([0.0] * n))
    assert order == tuple(range(n))
    for left, step in zip(survivors(n), steps[1:], strict=False):
        assert sorted(i for window in step for i in window) == list(range(left))
