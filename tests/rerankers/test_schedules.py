"""Windows reach every passage of any number; heap and bubble sort find the best."""

from collections.abc import Callable
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankers.asking import Schedule
from rerankers.schedules import bubble, heap, single, sliding, starts
from tests.rerankers.windows import by, played

SIZES = st.tuples(st.integers(2, 25), st.integers(1, 25)).filter(lambda pair: pair[1] <= pair[0])


@given(st.integers(2, 150), SIZES)
@settings(deadline=None)
def test_windows_slide_from_the_tail_to_the_head_over_every_passage(
    n: int, size_and_step: tuple[int, int]
) -> None:
    size, step = size_and_step
    found = starts(n, size, step)
    assert len(found) == (1 + ceil((n - size) / step) if n > size else 1)
    assert list(found) == sorted(found, reverse=True)
    assert found[-1] == 0
    assert {i for start in found for i in range(start, start + size)} >= set(range(n))
    _, steps = played(sliding(n, size, step), by([0.0] * n))
    assert [window for (window,) in steps] == [
        tuple(range(start, min(n, start + size))) for start in found
    ]


@pytest.mark.parametrize("step", [0, -1, 21])
def test_a_step_that_stands_still_or_skips_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match="choose a step of 1 to 20"):
        played(sliding(100, 20, step), by([0.0] * 100))


@given(st.permutations(range(45)))
@settings(deadline=None, max_examples=30)
def test_one_pass_of_windows_brings_the_best_ten_in_front(quality: list[int]) -> None:
    order, _ = played(sliding(45, 20, 10), by([float(q) for q in quality]))
    assert [quality[i] for i in order[:10]] == list(range(44, 34, -1))


@given(st.integers(0, 40), st.integers(2, 12), st.integers(0, 12), st.data())
@settings(deadline=None)
def test_heap_and_bubble_sort_put_the_best_k_in_front(
    n: int, size: int, k: int, data: st.DataObject
) -> None:
    quality = [float(q) for q in data.draw(st.permutations(range(n)))]
    best = sorted(range(n), key=lambda i: -quality[i])[:k]
    for schedule in (heap(n, size, k), bubble(n, size, k)):
        order, _ = played(schedule, by(quality))
        assert list(order[:k]) == best
        assert sorted(order) == list(range(n))


@given(st.lists(st.integers(0, 2).map(float), max_size=30), st.integers(2, 6))
@settings(deadline=None)
def test_heap_and_bubble_sort_keep_the_first_order_among_equals(
    quality: list[float], size: int
) -> None:
    n = len(quality)
    best = sorted(range(n), key=lambda i: (-quality[i], i))
    for schedule in (heap(n, size, n), bubble(n, size, n)):
        assert list(played(schedule, by(quality))[0]) == best


@given(st.integers(0, 60), st.integers(2, 12), st.integers(0, 12))
@settings(deadline=None)
def test_bubble_sort_asks_one_window_per_size_less_one_passages_and_pass(
    n: int, size: int, k: int
) -> None:
    _, steps = played(bubble(n, size, k), by([0.0] * n))
    assert len(steps) == sum(ceil((n - place - 1) / (size - 1)) for place in range(min(k, n)))
    assert all(2 <= len(window) <= size for (window,) in steps)


@given(st.integers(2, 120), st.integers(2, 12), st.integers(0, 12), st.data())
@settings(deadline=None)
def test_heap_sort_asks_no_more_than_its_depth_allows(
    n: int, size: int, k: int, data: st.DataObject
) -> None:
    quality = [float(q) for q in data.draw(st.permutations(range(n)))]
    _, steps = played(heap(n, size, k), by(quality))
    windows = [window for step in steps for window in step]
    depth, width, below = 0, 1, n - 1  # levels under the root
    while below > 0:
        width *= size - 1
        below -= width
        depth += 1
    building = ceil((n - 1) / (size - 1)) * depth
    assert len(windows) <= building + k * depth
    assert all(2 <= len(window) <= size and list(window) == sorted(window) for window in windows)


def test_a_heap_is_built_side_by_side() -> None:
    # 31 passages in pairs of children: levels of 8, 4, 2 and 1 nodes that have children.
    _, steps = played(heap(31, 3, 0), by([float(-i) for i in range(31)]))
    assert [len(step) for step in steps] == [8, 4, 2, 1]
    # In the worst case all of them sink to the bottom, each level of them together.
    _, steps = played(heap(31, 3, 0), by([float(i) for i in range(31)]))
    assert [len(step) for step in steps] == [8, 4, 4, 2, 2, 2, 1, 1, 1, 1]


def test_a_heap_asks_far_less_than_bubble_sort() -> None:
    quality = [float(i * 37 % 100) for i in range(100)]
    asked = [
        sum(map(len, played(schedule, by(quality))[1]))
        for schedule in (heap(100, 3, 10), bubble(100, 3, 10))
    ]
    assert asked[0] < 150 < 400 < asked[1]  # the paper measured 125 and 460


def test_after_the_best_k_of_a_heap_the_first_order_stands() -> None:
    order, _ = played(heap(9, 3, 2), by([0.0, 1, 2, 3, 4, 5, 6, 7, 8]))
    assert order == (8, 7, 0, 1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize("make", [heap, bubble])
def test_windows_that_compare_nothing_are_refused(make: Callable[[int, int], Schedule]) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        played(make(5, 1), by([0.0] * 5))


def test_one_window_for_all_is_asked_once() -> None:
    order, steps = played(single(4), by([1.0, 3.0, 1.0, 2.0]))
    assert (order, steps) == ((1, 3, 0, 2), [[(0, 1, 2, 3)]])
    assert played(single(1), by([0.0])) == ((0,), [])
    assert played(single(0), by([])) == ((), [])
