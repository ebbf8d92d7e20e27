"""Passages by number: ties keep the first stage's order, and nothing is ever lost."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rag.values import Chosen
from rerankers.ordering import by_score, completed, flat, floored, levels, unread

LOGPROBS = st.floats(-50, 0)
WINDOWS = st.lists(st.integers(0, 99), unique=True, max_size=20).map(tuple)


@given(st.lists(st.integers(0, 3).map(float)))
def test_equal_scores_stay_in_the_order_of_the_first_stage(scores: list[float]) -> None:
    order = by_score(scores)
    assert sorted(order) == list(range(len(scores)))
    for a, b in pairwise(order):
        assert (scores[a], b) > (scores[b], a) or scores[a] > scores[b]


@given(WINDOWS, st.data())
def test_levels_hold_the_window_and_fall_in_score(
    window: tuple[int, ...], data: st.DataObject
) -> None:
    scores = data.draw(
        st.lists(st.integers(0, 3).map(float), min_size=len(window), max_size=len(window))
    )
    of = dict(zip(window, scores, strict=True))
    ranked = levels(window, scores)
    assert sorted(flat(ranked)) == sorted(window)
    tops = [{of[i] for i in level} for level in ranked]
    assert all(len(level) == 1 for level in tops)
    flattened = [level.pop() for level in tops]
    assert flattened == sorted(set(scores), reverse=True)
    for level in ranked:
        assert list(level) == [i for i in window if i in level]


@given(st.lists(st.none() | LOGPROBS | st.just(math.nan), max_size=8), st.floats(0.01, 10))
def test_a_missing_label_lies_below_all_that_was_observed(
    logprobs: list[float | None], margin: float
) -> None:
    chosen = Chosen(tuple(logprobs))
    observed = [p for p in logprobs if p is not None and math.isfinite(p)]
    assert unread(chosen) == len(logprobs) - len(observed)
    for before, after in zip(logprobs, floored(chosen, margin), strict=True):
        if before is not None and math.isfinite(before):
            assert after == before
        else:
            assert after == (min(observed) - margin if observed else 0.0)


@given(WINDOWS, st.lists(st.integers(-5, 120)))
def test_whatever_was_ranked_the_window_is_complete(
    window: tuple[int, ...], said: list[int]
) -> None:
    found = completed(said, window)
    assert sorted(found) == sorted(window)
    kept = [i for i in dict.fromkeys(said) if i in window]
    assert list(found[: len(kept)]) == kept
    assert list(found[len(kept) :]) == [i for i in window if i not in kept]
