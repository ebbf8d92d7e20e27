"""Letters are read by their probability, less their own, and missing ones lie last."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.values import Chosen
from rerankers.lettering import LETTERS, check_size, lettered, read_letters


@given(
    st.lists(st.none() | st.floats(-50, 0) | st.just(math.nan) | st.just(-math.inf), max_size=26)
)
def test_what_was_not_reported_lies_below_what_was_and_is_tied(
    logprobs: list[float | None],
) -> None:
    window = tuple(range(100, 100 + len(logprobs)))
    read = read_letters(window, Chosen(tuple(logprobs)))
    lost = {i for i, p in zip(window, logprobs, strict=True) if p is None or not math.isfinite(p)}
    assert read.missing == len(lost)
    assert sorted(i for level in read.levels for i in level) == list(window)
    if lost:
        assert set(read.levels[-1]) == lost


def test_a_letters_own_probability_is_taken_off() -> None:
    prior = (-0.1, -2.0, -3.0, -9.0)
    read = read_letters((5, 6, 7), Chosen((-1.0, -2.5, -3.2)), prior)
    assert read.levels == ((7,), (6,), (5,))  # left are -0.2, -0.5 and -0.9


def test_a_missing_letter_stays_last_whatever_its_prior() -> None:
    read = read_letters((5, 6, 7), Chosen((-1.0, None, -3.0)), (-0.5, -50.0, -0.5))
    assert (read.levels, read.missing) == (((5,), (7,), (6,)), 1)


def test_rounding_does_not_break_a_tie() -> None:
    prior = (-0.1, -0.2, -0.3)
    seen = (-1.2, -1.3, -1.4)
    left = [p - own for p, own in zip(seen, prior, strict=True)]
    assert len(set(left)) > 1  # -1.1 and what is nearly it
    assert read_letters((2, 1, 0), Chosen(seen), prior).levels == ((2, 1, 0),)


@pytest.mark.parametrize("size", [0, 1, 27])
def test_windows_without_a_letter_each_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="choose 2 to 26"):
        check_size(size, ())


def test_a_prior_for_smaller_windows_is_refused() -> None:
    with pytest.raises(ValueError, match="3 letters for windows of 4"):
        check_size(4, (0.0,) * 3)
    check_size(4, (0.0,) * 4)
    check_size(4, (0.0,) * 20)


def test_a_window_beyond_the_size_is_refused() -> None:
    assert lettered(tuple(range(26)), 26) == LETTERS
    with pytest.raises(ValueError, match="window of 3 passages, but the asker was made for 2"):
        lettered((0, 1, 2), 2)
