"""Signs of what a question asks for are counted in a text; of other questions nothing is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.quoting.asked import counter

TEXT = (
    "In May 1903 the bridge was built by Anna Maria Berg near Linz because ships were early, "
    "using four cranes."
)


@pytest.mark.parametrize(
    ("question", "signs"),
    [
        ("How many cranes were there?", 2),  # 1903, four
        ("where was it", 1),  # near Linz
        ("Which city has the bridge?", 1),
        ("When was it built?", 2),  # May, 1903
        ("what year was it built", 2),
        ("Who built it?", 1),  # by Anna Maria
        ("Why was it built?", 1),  # because
        ("What was the purpose of it?", 1),
        ("How was it built?", 2),  # by, using
        ("Is the bridge old?", 0),
        ("Wer hat die Brücke gebaut?", 0),
    ],
)
def test_signs_of_what_is_asked_for_are_counted(question: str, signs: int) -> None:
    text = TEXT.replace("In May", "May") if "where" in question.lower() else TEXT
    text = text if "city" not in question else TEXT.replace("In May", "May")
    assert counter(question)(text) == signs


def test_the_longer_question_word_decides() -> None:
    assert counter("How many people live where it rains?")("Some 12 people in Linz.") == 1


@given(st.text(), st.text())
def test_any_question_and_text_can_be_counted(question: str, text: str) -> None:
    assert counter(question)(text) >= 0
