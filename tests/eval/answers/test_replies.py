"""Replies of judges are read whatever they are; what cannot be read is asked for once more."""

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from eval.answers.entailing import SUPPORTS
from eval.answers.nuggetizing import ASSIGNED
from eval.answers.replies import AGAIN, labelled, parse_labels, parse_list, written
from rag.flows import drive
from rag.llms.scripted import ScriptedLLM
from rag.values import Complete, Message

LABELS = {"yes": True, "no": False}
PROMPT = (Message("user", "Well?"),)


@given(st.text(), st.integers(1, 30))
def test_any_text_is_read_as_labels(reply: str, n: int) -> None:
    assert len(parse_labels(reply, n, ASSIGNED)) == n


@given(st.text(), st.integers(1, 30), st.integers(1, 20))
def test_any_text_is_read_as_a_list_of_short_lines(reply: str, most: int, words: int) -> None:
    found = parse_list(reply, most, words)
    assert found is None or len(found) <= most
    assert len({one.casefold() for one in found or ()}) == len(found or ())


ASSIGNMENTS = st.lists(st.sampled_from(sorted(set(ASSIGNED.values()))), min_size=1, max_size=10)


@given(ASSIGNMENTS, st.randoms())
def test_labels_are_read_in_every_form_that_models_write(found: list[str], random: object) -> None:
    del random
    n, expected = len(found), tuple(found)
    numbered = [f"{i}. {one}" for i, one in enumerate(found, 1)]
    forms = [
        "\n".join(numbered),
        "\n".join(reversed(numbered)),
        "<think>1. support</think>"
        + "\n".join(f"{i}) **{one}**" for i, one in enumerate(found, 1)),
        "Nuggets:\n" + "\n".join(f"Nugget {i}: {one.upper()}." for i, one in enumerate(found, 1)),
        json.dumps(found),
        json.dumps({str(i): one for i, one in enumerate(found, 1)}),
        "```\n" + repr(found) + "\n```",
        "\n".join(f"- {one.replace('_', ' ')}" for one in found),
    ]
    for form in forms:
        assert parse_labels(form, n, ASSIGNED) == expected, form


def test_a_label_is_never_read_out_of_a_sentence() -> None:
    for reply in ("There is no full support here.", "not full", "FS or PS", "FS\nNS", "", "12"):
        assert parse_labels(reply, 1, SUPPORTS) == (None,), reply
    assert parse_labels("FS.", 1, SUPPORTS) == parse_labels("Label: full", 1, SUPPORTS) == ("full",)


def test_gaps_stay_gaps_and_no_label_moves_to_another_item() -> None:
    assert parse_labels("1. yes\n3. no\n9. yes", 3, LABELS) == (True, None, False)
    assert parse_labels("1. yes\n1. no\n2. no", 2, LABELS) == (None, False)
    assert parse_labels("yes\nno", 3, LABELS) == (None, None, None)


def test_a_list_says_none_or_is_unreadable_which_is_not_the_same() -> None:
    assert parse_list("None.", 5, 5) == ()
    assert parse_list("", 5, 5) is None
    assert parse_list("these are far too many words for one", 5, 5) is None


class Script:
    """Replies one after the other; the last one again and again."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.llm = ScriptedLLM(complete=self._next)

    def _next(self, request: Complete) -> str:
        del request
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def test_gaps_are_asked_for_once_more_and_what_was_read_is_kept() -> None:
    script = Script("1. yes\n2. hm", "1. no\n2. no")
    (found,) = asyncio.run(drive(labelled([(PROMPT, 2)], LABELS), script.llm)).result
    assert found == (True, False)
    first, again = script.llm.history
    assert isinstance(first, Complete)
    assert isinstance(again, Complete)
    assert (first.temperature, again.temperature, again.seed) == (0.0, AGAIN, 1)


def test_what_cannot_be_read_twice_is_missing() -> None:
    script = Script("hm")
    assert asyncio.run(drive(labelled([(PROMPT, 1)], LABELS), script.llm)).result == ((None,),)
    assert len(script.llm.history) == 2


def test_only_the_unreadable_list_is_asked_for_again() -> None:
    script = Script("- one", "", "- two")
    flow = written([PROMPT, PROMPT], 50, lambda reply: parse_list(reply, 5, 5))
    assert asyncio.run(drive(flow, script.llm)).result == (("one",), ("two",))
    assert len(script.llm.history) == 3


def test_nothing_is_asked_about_nothing() -> None:
    llm = ScriptedLLM()
    assert asyncio.run(drive(labelled([], LABELS), llm)).result == ()
    assert asyncio.run(drive(written([], 5, str), llm)).result == ()
    assert not llm.history
