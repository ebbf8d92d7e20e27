"""Parsers of judges' replies are total: a valid grade, or nothing."""

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judges.reading import EXPECTED, SCORE, USEFUL, YES_NO, expected, final_score, yes_no
from rag.values import Chosen, Completed

# No line of a prose of this kind can pass for the contract's.
PROSE = st.text(st.characters(exclude_characters="#<>＃＜＞"), max_size=80)


@given(st.text(max_size=200))
def test_any_text_is_a_grade_on_the_scale_or_nothing(text: str) -> None:
    assert final_score(text) in {None, 0, 1, 2, 3}
    assert yes_no(text) in {None, True, False}


@given(PROSE, st.integers(-20, 200))
def test_the_last_line_is_read_whatever_reasoning_stands_before_it(prose: str, n: int) -> None:
    said = final_score(f"{prose}\n##final score: {n}")
    assert said == (n if 0 <= n <= 3 else None)


@given(st.floats(0, 9).filter(lambda x: not x.is_integer()))
def test_a_decimal_is_no_grade(number: float) -> None:
    assert final_score(f"##final score: {number:f}") is None
    assert final_score(f"score: {number:f}") is None


@given(st.characters(categories=["Nd"]))
def test_digits_of_other_scripts_are_no_grades_but_wide_ones_are(digit: str) -> None:
    plain = digit.isascii() or "FULLWIDTH" in unicodedata.name(digit)
    value = unicodedata.digit(digit)
    assert final_score(digit) == (value if plain and value <= 3 else None)


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("##final score: 0", 0),
        ("## Final Score: 3.", 3),
        ("**##final score: 2**", 2),
        ("##final score: [1]", 1),
        ("##final score: 3/3", 3),
        ("Score: 2", 2),
        ("The grade is 1", 1),
        ("3\n", 3),
        ("M: 2, T: 3.\n##final score: 1", 1),
        ("<think>##final score: 0</think>##final score: 3", 3),
        ("##final score: 2\n##final score: 2", 2),
        ("##final score: 1\n##final score: 2", None),
        ("##final score: N", None),
        ("##final score: 3/5", None),
        ("##final score: 2-3", None),
        ("##final score: 2 or 3", None),
        ("##final score: +2", None),
        ("##final score: -1", None),
        ("##final score: 4", None),
        ("##final score: 10", None),
        ("##final score: 00000000000000000000000000003", None),
        ("##final score:", None),
        ("score: 2.5", None),
        ("²", None),
        ("I would say 2 of 3.", None),
        ("Query 3 has no answer.", None),
        ("", None),
    ],
)
def test_a_reply_keeps_the_contract_or_is_missing(text: str, grade: int | None) -> None:
    assert final_score(text) == grade


def test_what_was_found_of_use_has_a_grade_of_one_to_three() -> None:
    said = [USEFUL.read(Completed(f"##final score: {n}", 6)) for n in range(5)]
    assert said == [None, 1.0, 2.0, 3.0, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [("Yes.", True), ("no", False), ("NO, it", False), ("yes or no", None), ("yes/no", None)],
)
def test_yes_and_no_are_read_from_the_beginning(text: str, said: bool | None) -> None:
    assert yes_no(text) is said
    assert yes_no(f"Perhaps {text}") is None


@given(st.lists(st.none() | st.floats(), min_size=4, max_size=4))
def test_an_expected_grade_lies_on_the_scale_whatever_was_reported(ps: list[float | None]) -> None:
    said = expected(Chosen(tuple(ps)))
    assert said is None or 0 <= said <= 3


def test_an_expected_grade_is_the_mean_under_the_reported_probabilities() -> None:
    half = math.log(0.25)
    assert expected(Chosen((half, None, None, half))) == 1.5
    assert expected(Chosen((math.log(0.1), math.log(0.3), -math.inf, None))) == pytest.approx(0.75)
    assert expected(Chosen((None, -math.inf, math.nan, None))) is None


def test_a_reply_of_another_kind_says_nothing() -> None:
    assert SCORE.read(Chosen((0.0,))) is None
    assert YES_NO.read(Chosen((0.0,))) is None
    assert EXPECTED.read(Completed("3", 1)) is None
