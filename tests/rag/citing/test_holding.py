"""What is shown while a text is written is the text without markers, and hardly later."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.citing.brackets import REACH
from rag.citing.holding import Holding
from rag.citing.markers import read
from tests.rag.citing.written import LEGAL, WRITTEN

CUTS = st.lists(st.integers(1, 12), max_size=40)


def pieces(text: str, cuts: Sequence[int]) -> list[str]:
    """Return the text in pieces of these lengths, then sign by sign."""
    found, at = [], 0
    for cut in [*cuts, *[1] * len(text)]:
        found.append(text[at : at + cut])
        at += cut
    return found


@given(WRITTEN | st.text(max_size=50), CUTS)
@settings(max_examples=200, deadline=None)
def test_the_same_is_shown_and_cited_however_the_text_is_cut(written: str, cuts: list[int]) -> None:
    holding = Holding(LEGAL)
    shown = "".join(map(holding.feed, pieces(written, cuts))) + holding.close()
    whole = read(written, LEGAL)
    assert (shown, holding.marks, holding.dropped) == (whole.text, whole.marks, whole.dropped)


@pytest.mark.parametrize("written", ["`a``[1]``b", "$a$5 [1] b$", "[[1]] [1](", "```\n```` [1]`"])
def test_what_ends_is_known_only_by_what_follows(written: str) -> None:
    holding = Holding(LEGAL)
    assert "".join(map(holding.feed, written)) + holding.close() == read(written, LEGAL).text


@pytest.mark.parametrize(
    "opening", ["[1 ", "[[1 ", "`", "```", "$", "$$", "\\(", "\\[", "[see ", "("]
)
def test_no_more_is_held_back_than_a_formula_is_long(opening: str) -> None:
    written = opening + "it hums [1] " * 200
    holding = Holding(LEGAL)
    shown = 0
    for end in range(0, len(written), 60):
        shown += len(holding.feed(written[end : end + 60]))
        assert len(read(written[: end + 60], LEGAL).text) - shown <= REACH + 60


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("It lasts 36 hours", "It lasts 36 hours"),
        ("It lasts ", "It lasts"),
        ("It lasts [", "It lasts"),
        ("It lasts [1", "It lasts"),
        ("It lasts [1]", "It lasts"),
        ("It lasts [1].", "It lasts."),
        ("It lasts [Pass", "It lasts"),
        ("It lasts [the plate says", "It lasts [the plate says"),
        ("It costs $5 a day and more", "It costs $5 a day and more"),
        ("It costs $5 a day [1", "It costs $5 a day"),
        ("The code `a = b", "The code `a = b"),
        ("The code `a = [1]` shows", "The code `a = [1]` shows"),
        ("A [link](http://example.org/a", "A [link](http://example.org/a"),
        ("```\na = [1]", "```\na = [1]"),
        ("It lasts (", "It lasts"),
        ("It lasts (as", "It lasts (as"),
    ],
)
def test_only_what_may_become_a_marker_is_held_back(written: str, shown: str) -> None:
    assert Holding(LEGAL).feed(written) == shown
    holding = Holding(LEGAL)
    assert "".join(map(holding.feed, written)) == shown
