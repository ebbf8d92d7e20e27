"""Features: counted as their table says, the same names always, finite for any text."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.route.features import FEATURES, features


def count(text: str, name: str) -> int:
    return round(math.exp(features(text)[name]) - 1)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("words", "Where is the U-Bahn?", 5),
        ("words", "", 0),
        ("characters", "été?", 4),
        ("comparatives", "Which is older, the longest or the first test in the forest?", 3),
        ("conjunctions", "both this and that, or neither: android", 4),
        ("relatives", "Who is the man who made what which we saw?", 2),
        ("ofs", "the end of the reign of him", 2),
        ("entities", "Who directed Jaws?", 1),
        ("entities", "Were Scott Derrickson and Ed Wood Americans?", 2),
        ("entities", "who knows it", 0),
        ("entities", "Rome, Athens", 2),
        ("numbers", "section 4.2 of ISO9001 in 2023", 3),
        ("temporal", "Who was king before 1914 in January?", 3),
        ("negations", "Why don't we, and never without", 3),
        ("you", "What can you do with your youth?", 2),
    ],
)
def test_counts_are_what_the_table_says(name: str, text: str, wanted: int) -> None:
    assert count(text, name) == wanted


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("How many moons has Mars?", "wh_how_many"),
        ("how does it work, and why?", "wh_how"),
        ("In which year?", "wh_which"),
        ("Whose is it?", "wh_who"),
        ("Tell me whatever", "wh_none"),
        ("谁？", "wh_none"),
    ],
)
def test_the_first_question_word_is_the_one_that_counts(text: str, name: str) -> None:
    found = features(text)
    assert {key for key in found if key.startswith("wh_") and found[key]} == {name}


@pytest.mark.parametrize("text", ['the "red line"', "das „rote Tuch“", "la «ligne»", "“x”"])
def test_a_quoted_phrase_is_seen(text: str) -> None:
    assert features(text)["quoted"] == 1
    assert features("don't and won't")["quoted"] == 0


def test_question_marks_of_other_scripts_count() -> None:
    assert [features(text)["question_mark"] for text in ("a?", "谁？", "من؟", "a;b")] == [
        1,
        1,
        1,
        0,
    ]


def test_scores_are_read_in_any_order() -> None:
    found = features("q", [0.5, 1.0, *[0.25] * 7, 0.125, 0.0])
    assert found["searched"] == 1
    assert found["top_score"] == 1.0
    assert found["gap_2"] == 0.5
    assert found["gap_10"] == 1.0 - 0.125
    assert features("q", (3.0, 1.0))["spread"] == 1.0
    assert features("q", (3.0, 1.0))["gap_10"] == 2.0


def test_without_scores_all_of_them_are_nothing_and_so_says_the_flag() -> None:
    found = features("q")
    assert [found[name] for name in ("searched", "top_score", "gap_2", "gap_10", "spread")] == [
        0
    ] * 5
    assert features("q", (0.0,))["searched"] == 1
    assert features("q", (math.nan,))["searched"] == 0


@given(st.text(), st.lists(st.floats()))
def test_every_text_has_the_same_finite_features(text: str, scores: list[float]) -> None:
    found = features(text, scores)
    assert list(found) == list(FEATURES)
    assert all(map(math.isfinite, found.values()))
    assert sum(value for name, value in found.items() if name.startswith("wh_")) == 1
    assert found["gap_10"] >= found["gap_2"] >= 0


def test_half_a_character_is_counted_too() -> None:
    assert count("\udc80", "characters") == 1


@pytest.mark.parametrize("part", ["a.b", "1.", "„", '"', "“x", "A ", "n't", "who "])
def test_a_pasted_page_is_read_in_time(part: str) -> None:
    started = time.process_time()
    features(part * (100_000 // len(part)))
    assert time.process_time() - started < 3


def test_how_many_hits_were_asked_for_does_not_matter() -> None:
    ten = [1.0 - i / 20 for i in range(10)]
    assert features("q", ten) == features("q", [*ten, 0.1, 0.0])
