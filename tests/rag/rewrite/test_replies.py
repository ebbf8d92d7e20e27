"""Replies are read line by line, without what only dresses them."""

from hypothesis import given
from hypothesis import strategies as st

from rag.rewrite.replies import bare, lines


@given(st.text(max_size=80))
def test_a_bare_line_is_bare(text: str) -> None:
    assert bare(bare(text)) == bare(text)
    assert not set(bare(text)) & set("\n\r\t\x00\u202e\u2028")


def test_no_more_is_read_of_a_reply_than_a_model_can_mean() -> None:
    assert len(lines("- SAP\n" * 100_000)) == 100
    assert lines("- " * 100_000) == ()
    assert lines("x" * 2_000) == ("x" * 2_000,)
    assert lines("x" * 2_001) == ()


def test_a_line_may_quote_and_name_things() -> None:
    assert lines('"exact phrase" and "other phrase"') == ('"exact phrase" and "other phrase"',)
    assert lines("What is C++ 2.0?") == ("What is C++ 2.0?",)
    assert lines("Sure! Here is the rewritten question: Who founded SAP?") == ("Who founded SAP?",)


def test_what_nobody_sees_does_not_hide_a_list() -> None:
    assert lines('[\u200b"one", "two"') == lines('[ "one", "two"') == ("one", "two")
