"""Markers are found as models write them, and nothing else is taken for one."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.citing.markers import read, stripped
from tests.rag.citing.written import LEGAL, WRITTEN


def refs(written: str) -> list[int]:
    return [ref for mark in read(written, LEGAL).marks for ref in mark.refs]


@pytest.mark.parametrize(
    ("marker", "cited"),
    [
        ("[1]", [1]),
        ("[1][2]", [1, 2]),
        ("[1] [2]", [1, 2]),
        ("[1], [2]", [1, 2]),
        ("[1, 2]", [1, 2]),
        ("[1,2]", [1, 2]),
        ("[1; 2]", [1, 2]),
        ("[1 and 2]", [1, 2]),
        ("[ 1 ]", [1]),
        ("[1-3]", [1, 2, 3]),
        ("[1–3]", [1, 2, 3]),
        ("[1, 2-3]", [1, 2, 3]),
        ("【1】", [1]),
        ("【1†source】", [1]),
        ("［１］", [1]),
        ("［１，２］", [1, 2]),
        ("[^1]", [1]),
        ("[[1]]", [1]),
        ("[Passage 2]", [2]),
        ("[passages 1 and 2]", [1, 2]),
        ("[Source 2]", [2]),
        ("[Sources: 1, 2]", [1, 2]),
        ("[Passage 1, Passage 2]", [1, 2]),
        ("[Document 3]", [3]),
        ("[ID:1]", [1]),
        ("([1])", [1]),
        ("([1], [2])", [1, 2]),
        ("[3, 1]", [3, 1]),
        ("[1, 1]", [1]),
    ],
)
def test_a_marker_is_read_and_leaves_no_trace(marker: str, cited: list[int]) -> None:
    for written, left in [
        (f"It lasts {marker}.", "It lasts."),
        (f"It lasts {marker} and hums.", "It lasts and hums."),
        (f"It lasts. {marker} It hums.", "It lasts. It hums."),
        (f"It lasts.{marker} It hums.", "It lasts. It hums."),
        (f"It lasts.\n{marker}\n\nIt hums.", "It lasts.\n\nIt hums."),
        (f"It lasts.\n{marker} It hums.", "It lasts.\nIt hums."),
        (f"- {marker} It lasts.\n- It hums {marker}", "- It lasts.\n- It hums"),
        (f"冷藏可保持三十六小时{marker}。", "冷藏可保持三十六小时。"),
        (f"{marker} It lasts", "It lasts"),
        (f'"It lasts {marker}" (as said)', '"It lasts" (as said)'),
        (f"{marker}", ""),
    ]:
        marked = read(written, LEGAL)
        assert marked.text == left
        assert [ref for mark in marked.marks for ref in mark.refs][: len(cited)] == cited
        assert marked.dropped == 0


@pytest.mark.parametrize(
    "text",
    [
        "x[1] is an array, x[1][2] of arrays, f_2[1] too.",
        "The code `a = [1]` and ``b ` [1]`` shows it.",
        "```python\na = [1]\n```\nThe rest.",
        "~~~\n[1]\n~~~",
        "> ```\n> [1]\n> ```",
        "- ```\n  [1]\n  ```",
        "```\n[1]",
        "A [link](https://example.org/[1]) and [1](https://example.org).",
        "An image ![see [1]](a.png) of it.",
        "Where $a_1 = [1]$ and $$b = [1, 2]$$ hold.",
        r"Where \(a = [1]\) and \[b = [1, 2]\] hold.",
        r"A bracket \[1] is escaped.",
        "In [1984] it was [sic] so [...] they say [a] [ ] [] [1.5] [+1].",
        "[1]: https://example.org",
        "[^1]: A footnote.",
        "[1",
        "1]",
        "[1\n]",
    ],
)
def test_what_is_no_marker_stays_as_it_is(text: str) -> None:
    assert read(text, LEGAL) == (read(text, ()))
    assert read(text, LEGAL).text == text
    assert refs(text) == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("A stray ` tick [1].\n\nMore.", "A stray ` tick.\n\nMore."),
        ("It costs $5 [1] or $6 [2].", "It costs $5 or $6."),
        ("A [label that never ends [1].\nMore.", "A [label that never ends.\nMore."),
        ("```a fence``` that is none [1].", "```a fence``` that is none."),
        ("See (the plate [1]) there.", "See (the plate) there."),
        ("See ([1] says) there.", "See (says) there."),
        ("```\ncode\n```\nWords [1].", "```\ncode\n```\nWords."),
        ("A [link](x) [1].", "A [link](x)."),
    ],
)
def test_what_only_begins_like_code_or_maths_hides_no_marker(text: str, left: str) -> None:
    assert read(text, LEGAL).text == left
    assert 1 in refs(text)


def test_numbers_that_are_not_legal_are_dropped_and_counted() -> None:
    marked = read("One [7]. Two [1, 8]. None [0].", LEGAL)
    assert marked.text == "One. Two. None."
    assert [mark.refs for mark in marked.marks] == [(1,)]
    assert marked.dropped == 3


def test_a_range_that_falls_or_is_huge_is_bounded() -> None:
    assert refs("It lasts [3-2].") == [2, 3]
    assert refs("It lasts [1-99999].") == [1, 2, 3]
    assert read("[1-99999999999999999999]", range(1, 10_000)).marks[0].refs == tuple(range(1, 21))


def test_where_a_marker_stood_is_known_in_the_text_without_it() -> None:
    marked = read("[3] It lasts [1]. It hums.[2]", LEGAL)
    assert [(mark.refs, mark.at) for mark in marked.marks] == [((3,), 0), ((1,), 8), ((2,), 18)]


def test_a_turn_of_a_chat_loses_what_would_pass_for_a_citation() -> None:
    said = "It lasts 36 hours [2][9]. It hums [9], `x = [1]`."
    assert stripped(said, {1, 2}) == "It lasts 36 hours[9]. It hums [9], `x = [1]`."
    assert stripped(said, {1, 9}) == "It lasts 36 hours [2]. It hums, `x = [1]`."
    assert stripped(said, ()) == said


@example("[[[1]1]")
@example("[" * 20 + "1]" * 20)
@given(WRITTEN)
def test_what_was_stripped_cites_nothing(written: str) -> None:
    assert not read(stripped(written, LEGAL), LEGAL).marks


@given(st.text() | WRITTEN)
@example("[1](")
@settings(deadline=None)
def test_any_text_is_read_and_only_legal_numbers_are_cited(written: str) -> None:
    marked = read(written, LEGAL)
    assert {ref for mark in marked.marks for ref in mark.refs} <= LEGAL
    assert all(0 <= mark.at <= len(marked.text) for mark in marked.marks)
    assert [mark.at for mark in marked.marks] == sorted(mark.at for mark in marked.marks)
    assert marked.text == marked.text.strip()


@given(st.text(st.characters(exclude_characters="[【［", exclude_categories=["Cs"])))
def test_a_text_without_brackets_only_loses_the_space_around_it(text: str) -> None:
    assert read(text, LEGAL).text == text.strip()


@pytest.mark.parametrize(
    "odd",
    [
        "[",
        "]",
        "[1]",
        "[1 ",
        "[[1",
        "x[1]",
        "([1",
        "[1],",
        "[1-",
        "` `` ",
        "$a ",
        "$$a",
        "\\[",
        "[a](",
    ],
)
def test_tens_of_thousands_of_brackets_take_time_in_proportion(odd: str) -> None:
    def seconds(times: int) -> float:
        started = time.thread_time()  # of this thread alone: who else computes does not count
        read(odd * times, LEGAL)
        return time.thread_time() - started

    seconds(1_000)
    few = min(seconds(250) for _ in range(3))
    assert seconds(20_000) < 4 * 80 * few  # 80 times the text
