"""Sentences are prose and nothing else, and a citation is the verbatim text at its span."""

import pytest

from rag.citing.sentences import Span, cite, sentences
from rag.values import Candidate, Chunk, Passage

DOCUMENT = "Intro words here. The freezer holds 36 hours. It hums at −80 °C."


def quotes(text: str, language: str = "en") -> list[str]:
    return [text[span.start : span.end] for span in sentences(text, language)]


def test_sentences_end_where_a_reader_ends_them() -> None:
    assert quotes("Dr. Smith paid $3.50. He left, e.g. by U.S. mail! Did he? Yes.") == [
        "Dr. Smith paid $3.50.",
        "He left, e.g. by U.S. mail!",
        "Did he?",
        "Yes.",
    ]


def test_spans_count_code_points_not_bytes() -> None:
    text = "😀 A first one. Ein zweiter Satz über Öl. 猫坐在垫子上。狗在外面跑。"
    assert quotes(text) == [
        "😀 A first one.",
        "Ein zweiter Satz über Öl.",
        "猫坐在垫子上。",
        "狗在外面跑。",
    ]
    assert sentences(text)[0] == Span(0, len("😀 A first one."))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028"])
def test_a_sentence_may_break_over_lines_but_not_over_paragraphs(end: str) -> None:
    text = f"A sentence that{end}goes on.{end}{end}And another{end}without a stop{end}{end}"
    assert quotes(text) == [f"A sentence that{end}goes on.", f"And another{end}without a stop"]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t\r\n\u2028", "…", "--- *** ___", "| |", "# "])
def test_a_text_without_words_holds_no_sentence(text: str) -> None:
    assert sentences(text) == ()


@pytest.mark.parametrize(
    "line",
    [
        "# A heading of words",
        "   ###### A heading of words",
        "> ## A heading in a quote",
        "- # A heading in a list",
        "| a table | of words |",
        "  |---|:-:|",
        "* * *",
        "- - -",
        "_ _ _",
        "=====",
        "<!-- a comment of words -->",
        "![an image of words](x.png)",
        '[a link]: https://example.org/x "of some words"',
        '<div align="center" class="words">',
        "</details>",
    ],
)
def test_a_line_that_is_no_prose_holds_no_sentence_and_ends_the_one_before(line: str) -> None:
    assert quotes(line) == []
    text = f"Some text\nbefore it\n{line}\nand some after."
    assert quotes(text) == ["Some text\nbefore it", "and some after."]


@pytest.mark.parametrize("underline", ["=====", "---", "-----  "])
def test_an_underlined_line_is_a_heading(underline: str) -> None:
    assert quotes(f"A heading of words\n{underline}\nThe text below.") == ["The text below."]
    assert quotes(f"Two lines of\nrunning text.\n{underline}\n") == ["Two lines of\nrunning text."]


@pytest.mark.parametrize(
    "code",
    [
        "```\nx = 1. Code words.\n```",
        "```python title=a\nx = 1. Code words.\n```",
        "~~~\nx = 1. Code words.\n~~~",
        "  ```\n  x = 1. Code words.\n  ```",
        "````\n```\nx = 1. Code words.\n```\nMore code words.\n````",
        "```\n~~~\nCode words here.\n~~~\nMore code words.\n```",
        "```\nCode words here.\n``` no end\nMore code words.\n```````",
        "> ```\n> Code words here.\n> ```",
        "- ```\n  Code words here.\n  ```",
        "```\n\nCode words here.\n\n# comment\n```",
        "<!--\nA hidden sentence here.\n\nAnother one.\n-->",
        "<!-- A hidden sentence here.\nAnother one. -->",
    ],
)
def test_fenced_code_and_comments_are_never_quoted(code: str) -> None:
    assert quotes(code) == []
    assert quotes(f"Before the code.\n{code}\nAfter the code.") == [
        "Before the code.",
        "After the code.",
    ]


def test_a_fence_that_never_closes_hides_the_rest() -> None:
    assert quotes("Before it.\n```\ncode\n\nmore code words\n") == ["Before it."]


def test_backticks_within_a_line_are_no_fence() -> None:
    text = "```Not a fence``` but words.\nIt goes on."
    assert quotes(text) == ["```Not a fence``` but words.", "It goes on."]


@pytest.mark.parametrize(
    "marker",
    [
        "- ",
        "* ",
        "+ ",
        "1. ",
        "12) ",
        "• ",
        "> ",
        ">> ",
        "> - ",
        "- > ",
        "1. - ",
        "- [ ] ",
        "* [x] ",
    ],
)
@pytest.mark.parametrize("indent", ["", "  ", "\t"])
def test_a_marker_starts_a_sentence_and_is_not_part_of_it(indent: str, marker: str) -> None:
    text = f"Before it:\n{indent}{marker}The first item.\n{indent}{marker}The second item\n"
    assert quotes(text) == ["Before it:", "The first item.", "The second item"]


def test_a_list_item_goes_on_in_the_lines_below() -> None:
    assert quotes("- one item that\n  goes on here.\n- the next\n") == [
        "one item that\n  goes on here.",
        "the next",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2024 was a year.",
        "3.5 percent of it.",
        "1990. It was a year.",
        "-5 degrees outside.",
        "*Emphasis* at the start.",
        "**Bold** at the start.",
        "#hashtags are words.",
        "a) is no marker we know.",
        "[1] is a reference.",
        "x = 3 > 2 is true.",
        "A comment begins with <!-- in HTML.",
    ],
)
def test_what_only_looks_like_a_marker_stays_in_the_sentence(text: str) -> None:
    assert "".join(quotes(text)).replace(" ", "") == text.replace(" ", "")


def test_a_long_text_takes_no_longer_than_its_length() -> None:
    text = "A sentence of words. " * 10_000
    assert len(sentences(text)) == 10_000
    for odd in ("- " * 50_000, "> " * 50_000, "[" * 50_000, "1. " * 30_000, "<" * 50_000 + "a"):
        sentences(odd)  # no marker is tried twice


def test_a_citation_is_verbatim_at_its_span_in_the_document() -> None:
    start = DOCUMENT.index("The freezer")
    chunk = Chunk("c-7", "docs/freezer.md", DOCUMENT[start:], start, len(DOCUMENT), title="Freezer")
    passage = Passage(3, Candidate(chunk, 0.9, {}))
    first, second = (cite(passage, span, 0.5) for span in sentences(chunk.text))
    assert (first.ref, first.chunk_id, first.document_id) == (3, "c-7", "docs/freezer.md")
    assert first.quote == "The freezer holds 36 hours."
    assert second.quote == "It hums at −80 °C."
    for citation in (first, second):
        assert DOCUMENT[citation.start : citation.end] == citation.quote
        assert citation.score == 0.5
