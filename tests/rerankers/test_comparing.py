"""How a pair is asked, and how answers of every sort are read."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.values import Choose, Chosen, Complete, Completed, Message, Scored
from rerankers.comparing import WAYS, Lean, Mode, compared, lean, preferred, shown
from rerankers.demonstrations import Demonstration

DEMONSTRATION = Demonstration("why?", "because", "no idea")
QUESTION = (
    "Query: which?\n\nPassage A: one\n\nPassage B: two\n\n"
    "Which of the two passages answers the query better? "
)
SPELLED = QUESTION + 'Reply with "Passage A" or "Passage B" and nothing else.'


def test_a_forced_answer_begins_with_passage_and_its_letters_with_a_space() -> None:
    assert compared(WAYS["scoring", True], "which?", "one", "two") == Choose(
        (Message("user", SPELLED), Message("assistant", "Passage")), (" A", " B")
    )


def test_where_no_answer_can_be_begun_the_bare_letter_is_asked_for() -> None:
    assert compared(WAYS["scoring", False], "which?", "one", "two") == Choose(
        (Message("user", QUESTION + "Reply with the letter A or B and nothing else."),), ("A", "B")
    )


@pytest.mark.parametrize("forced", [True, False])
def test_a_written_answer_is_short_and_not_begun(forced: bool) -> None:
    request = compared(WAYS["generation", forced], "which?", "one", "two")
    assert request == Complete((Message("user", SPELLED),), max_tokens=8)


@pytest.mark.parametrize(
    ("mode", "forced", "answers"),
    [
        ("scoring", True, ["Passage A", "Passage B", "Passage"]),
        ("scoring", False, ["A", "B"]),
        ("generation", True, ["Passage A", "Passage B"]),
        ("generation", False, ["Passage A", "Passage B"]),
    ],
)
def test_demonstrations_stand_before_the_question_in_both_orders(
    mode: Mode, forced: bool, answers: list[str]
) -> None:
    way = WAYS[mode, forced]
    prompt = compared(way, "which?", "one", "two", shown(way, [DEMONSTRATION])).prompt
    assert [m.content for m in prompt if m.role == "assistant"] == answers
    better, worse, asked = (m.content for m in prompt if m.role == "user")
    assert better.startswith("Query: why?\n\nPassage A: because\n\nPassage B: no idea\n\n")
    assert worse.startswith("Query: why?\n\nPassage A: no idea\n\nPassage B: because\n\n")
    assert asked.startswith("Query: which?\n\nPassage A: one\n\nPassage B: two\n\n")


@pytest.mark.parametrize("mode", ["scoring", "generation"])
def test_prompts_of_one_first_passage_share_their_beginning(mode: Mode) -> None:
    prompts = [compared(WAYS[mode, True], "which?", "one", b).prompt for b in ("two", "three")]
    for prompt in prompts:
        assert prompt[0].content.startswith("Query: which?\n\nPassage A: one\n\nPassage B: t")


@pytest.mark.parametrize(
    ("logprobs", "expected"),
    [
        ((-0.5, -2.0), Lean(1.5)),
        ((-2.0, -0.5), Lean(-1.5)),
        ((-3.0, None), Lean(1.0, missing=1)),
        ((math.nan, -3.0), Lean(-1.0, missing=1)),
        ((None, -math.inf), Lean(0.0, missing=2)),
    ],
)
def test_a_missing_letter_lies_below_the_other(
    logprobs: tuple[float | None, ...], expected: Lean
) -> None:
    assert lean(Chosen(logprobs)) == expected


@pytest.mark.parametrize(
    "text",
    ["Passage A", "passage a", "PASSAGE A.", "**Passage A**", '"Passage A"', "A", "a)", "[A]",
     "(a)", "［Ａ］", "Passage_A", "Passage: A", "The answer is Passage A.", "the answer is: a",
     "Answer: A", "Answer: [A]", "A is better", "Passage A is more relevant",
     "<think>B? No, Passage B is worse.</think>Passage A", "I would say Passage A",
     "\n\nPassage A\n", "Passage A, as vitamin B is"],
)  # fmt: skip
def test_an_answer_is_found_in_many_forms(text: str) -> None:
    assert preferred(text) == 1
    assert lean(Completed(text, 3)) == Lean(1.0)


@pytest.mark.parametrize(
    "text",
    ["Passage B", "passage b", "B", "b.", "【B】", "The answer is Passage B", "B is better",
     "A better answer gives Passage B", "Sure! Passage B", "<think>A</think> B", "Passage-B"],
)  # fmt: skip
def test_the_other_answer_too(text: str) -> None:
    assert preferred(text) == -1


@pytest.mark.parametrize(
    "text",
    ["", " ", "?!", "Both", "Neither.", "Passage A and Passage B", "Passages A and B",
     "Passage A or B", "Between A and B", "A/B", "I'm sorry, I can't", "A good question",
     "The passage a user wants", "Neither A nor B", "Not Passage B", "Passage C",
     "I don't think Passage B", "<think>Passage A", "Aardvark", "AB", "Passage About", "1", "B-A"],
)  # fmt: skip
def test_what_names_neither_or_both_is_no_answer(text: str) -> None:
    assert preferred(text) == 0
    assert lean(Completed(text, 3)) == Lean(0.0, malformed=1)


@settings(deadline=None)
@given(
    st.text() | st.lists(st.sampled_from(["Passage", "A", "B", " ", ".", "or", "is"])).map("".join)
)
def test_any_text_can_be_read(text: str) -> None:
    assert preferred(text) in (-1, 0, 1)


@given(st.sampled_from(["Passage {}", "{}", "[{}]", "The answer is {}", "Answer: passage {}!"]))
def test_the_letters_are_treated_alike(form: str) -> None:
    assert preferred(form.format("A")) == -preferred(form.format("B")) == 1


def test_a_reply_of_another_kind_is_a_fault_of_the_caller() -> None:
    with pytest.raises(TypeError, match="Scored"):
        lean(Scored(-1.0, 1))
