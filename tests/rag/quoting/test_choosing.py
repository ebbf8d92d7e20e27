"""As many sentences as promise the best overlap, none that says the same, in reading order."""

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.citing.sentences import Span
from rag.quoting.choosing import Limits, arranged, chosen, expected_f1
from rag.quoting.lines import Line, Read
from rag.values import Candidate, Chunk, Passage

ANY = Limits(99)


def line(document: str, start: int, words: int = 4) -> Line:
    """Return a line that stands somewhere in a document."""
    chunk = Chunk(f"{document}#0", document, "", 0, 0)
    said = tuple(f"{document}{start}w{i}" for i in range(words))
    return Line(Passage(1, Candidate(chunk, 1.0, {})), Span(start, start + 9), "", said)


def reading(*lines: Line, same: Sequence[int] = ()) -> Read:
    """Return lines that have nothing in common, but for the places in `same`."""
    vectors = np.eye(len(lines), dtype=np.float32)
    for place in same:
        vectors[place] = vectors[same[0]]
    return Read(lines, vectors, np.zeros(len(lines), np.float32))


SIX = reading(*(line("d", 10 * i) for i in range(6)))


def test_of_one_sure_line_only_that_one_is_quoted() -> None:
    assert chosen(SIX, [0.01, 0.9, 0.01, 0.01, 0.01, 0.01], ANY) == [1]


def test_of_equally_likely_lines_all_are_quoted() -> None:
    assert chosen(SIX, [0.5] * 6, ANY) == [0, 1, 2, 3, 4, 5]


def test_the_count_is_the_one_with_the_best_expected_overlap() -> None:
    # one of them: .4 · 1 + .6 · 2/3 = .8; both: .4 · 2/3 + .6 · 1 = .87; at .3 .9 and .77
    assert chosen(SIX, [0.0, 1.0, 0.0, 0.6, 0.0, 0.0], ANY) == [1, 3]
    assert chosen(SIX, [0.0, 1.0, 0.0, 0.3, 0.0, 0.0], ANY) == [1]


def test_more_lines_are_taken_where_the_promise_falls_and_rises_again() -> None:
    # with one to four of them: .674, .667, .675, .685
    assert chosen(SIX, [1.0, 0.4, 0.4, 0.4, 0.0, 0.0], ANY) == [0, 1, 2, 3]


def test_there_are_no_more_than_the_limits_allow() -> None:
    assert chosen(SIX, [0.5] * 6, Limits(2)) == [0, 1]
    assert chosen(SIX, [0.5] * 6, Limits(9, words=11)) == [0, 1]


def test_one_line_is_quoted_however_long() -> None:
    assert chosen(SIX, [0.5] * 6, Limits(9, words=1)) == [0]


def test_a_shorter_line_is_taken_where_the_next_one_is_too_long() -> None:
    read = reading(line("d", 0), line("d", 10, words=40), line("d", 20))
    assert chosen(read, [0.6, 0.6, 0.6], Limits(9, words=10)) == [0, 2]


def test_what_says_the_same_is_passed_over() -> None:
    read = reading(*(line("d", 10 * i) for i in range(3)), same=[0, 2])
    assert chosen(read, [0.6, 0.6, 0.6], ANY) == [0, 1]


def test_the_best_line_is_told_first_and_the_others_as_they_stand_in_their_documents() -> None:
    best, later, earlier, other = line("b", 40), line("b", 50), line("b", 10), line("a", 0)
    assert arranged([best, other, later, earlier]) == [best, earlier, later, other]
    assert arranged([]) == []


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6), st.integers(1, 6))
def test_no_line_is_quoted_twice_and_no_other_count_promises_more(
    likely: list[float], most: int
) -> None:
    places = chosen(SIX, likely, Limits(most))
    assert 1 <= len(set(places)) == len(places) <= most
    ordered = sorted(likely, reverse=True)
    promised = [expected_f1(ordered[:k], ordered[k:]) for k in range(1, most + 1)]
    assert promised[len(places) - 1] >= max(promised) - 1e-9


@given(st.lists(st.floats(0, 1), min_size=1, max_size=3), st.lists(st.floats(0, 1), max_size=3))
def test_the_expected_f1_is_that_over_all_cases(taken: list[float], others: list[float]) -> None:
    likely, k = [*taken, *others], len(taken)
    cases = product((0, 1), repeat=len(likely))
    value = sum(
        prod(p if right else 1 - p for p, right in zip(likely, case, strict=True))
        * (2 * sum(case[:k]) / (k + sum(case)))
        for case in cases
    )
    assert expected_f1(taken, others) == pytest.approx(value)
