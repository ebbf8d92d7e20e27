"""Setwise asks for the best of a few, by probability or in writing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.values import Chosen, Completed, Message
from rerankers.setwise import Setwise, SetwiseWritten, parse_label

TEXTS = ("about cats", "about dogs", "about rain")


def test_the_label_stands_behind_a_begun_answer() -> None:
    (request,) = Setwise("which pets?", TEXTS).requests((2, 0))
    user, assistant = request.prompt
    assert user.content == (
        "Query: which pets?\n\nPassage A: about rain\n\nPassage B: about cats\n\n"
        "Which of the passages above is the most relevant to the query? "
        "Answer with its label, such as Passage A, and nothing else."
    )
    assert assistant == Message("assistant", "Passage")
    assert request.labels == (" A", " B")


def test_the_bare_letter_is_asked_for_where_no_turn_can_be_begun() -> None:
    (request,) = Setwise("which pets?", TEXTS, forced=False).requests((2, 0, 1))
    assert [message.role for message in request.prompt] == ["user"]
    assert request.labels == ("A", "B", "C")
    assert "its letter only, such as A, and nothing else" in request.prompt[0].content


def test_probabilities_rank_the_whole_window() -> None:
    read = Setwise("which pets?", TEXTS).read((2, 0, 1), [Chosen((-3.0, -1.0, None))])
    assert (read.levels, read.missing) == (((0,), (2,), (1,)), 1)


def test_a_written_label_says_which_is_best_and_nothing_of_the_others() -> None:
    asker = SetwiseWritten("which pets?", TEXTS)
    (request,) = asker.requests((2, 0, 1))
    assert request.max_tokens == 8
    assert request.prompt == Setwise("which pets?", TEXTS).requests((2, 0, 1))[0].prompt
    read = asker.read((2, 0, 1), [Completed(" B", 1)])
    assert (read.levels, read.malformed) == (((0,), (2, 1)), 0)
    assert asker.read((2, 0), [Completed(" B", 1)]).levels == ((0,), (2,))


@pytest.mark.parametrize("text", ["", " D", "I cannot say", " A or Passage B", " of the cats"])
def test_what_names_no_single_passage_leaves_all_tied(text: str) -> None:
    read = SetwiseWritten("which pets?", TEXTS).read((2, 0, 1), [Completed(text, 2)])
    assert (read.levels, read.malformed) == (((2, 0, 1),), 1)


@pytest.mark.parametrize(
    "text",
    [
        "B",
        " b.",
        "[B]",
        "**B**",
        "Passage B",
        "Passage: B",
        "Passage Passage B",
        "The most relevant is Passage B",
        "Passage B: about dogs",
        "passage B because of [B]",
    ],
)
def test_a_label_is_read_however_it_is_written(text: str) -> None:
    assert parse_label(text, 3) == 1


@pytest.mark.parametrize("text", ["A passage about dogs", "a passage", "Passage Z", "BC", "2", "I"])
def test_words_are_no_labels(text: str) -> None:
    assert parse_label(text, 3) is None


@given(st.text(), st.integers(1, 26))
def test_whatever_is_written_names_a_passage_or_none(text: str, n: int) -> None:
    assert parse_label(text, n) in {None, *range(n)}


def test_windows_that_compare_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="choose 2 to 26"):
        Setwise("which pets?", TEXTS, size=1)
    with pytest.raises(ValueError, match="choose 2 to 26"):
        SetwiseWritten("which pets?", TEXTS, size=27)
