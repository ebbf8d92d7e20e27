"""A giant text comes in stretches that begin where a section or a paragraph does."""

import itertools
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexers.splitting.stretches import Stretch, stretches
from rag.values import Document, Markup
from tests.indexers.splitting.texts import MARKUPS, TEXTS, chunked, words

W = "word " * 14 + "word.\n\n"


def parts(text: str, markup: Markup = "markdown", most: int = 100) -> list[str]:
    return [text[one.start : one.end] for one in stretches(text, markup, most)]


@given(TEXTS, MARKUPS, st.integers(1, 200))
@example("```\n" + "word\n" * 9, "markdown", 7)
@settings(max_examples=200, deadline=None)
def test_stretches_are_the_text_and_none_is_longer_than_asked(
    text: str, markup: Markup, most: int
) -> None:
    found = list(stretches(text, markup, most))
    assert "".join(text[one.start : one.end] for one in found) == text
    assert all(0 < one.end - one.start <= most for one in found)


def test_a_stretch_begins_at_a_heading_where_there_is_one() -> None:
    text = f"{W}# One\n\n{W}{W}## Two\n\n{W}"
    assert [part[:5] for part in parts(text, most=250)] == ["word ", "## Tw"]
    assert [part[:5] for part in parts(text, "plain", 250)] == ["word ", "word "]


def test_without_a_heading_it_begins_at_a_paragraph_a_line_or_a_word() -> None:
    paragraphs = "one two\nthree\n\n" * 9
    assert all(part.endswith("three\n\n") for part in parts(paragraphs)[:-1])
    lines = "one two three\n" * 9
    assert all(part.endswith("three\n") for part in parts(lines)[:-1])
    assert all(part.endswith(" ") for part in parts("one two " * 99)[:-1])
    assert [len(part) for part in parts("x" * 250)] == [100, 100, 50]


def test_code_begins_anew_at_what_is_not_indented() -> None:
    text = "def one():\n    x = 1\n\n    return x\n\ndef two():\n    y = 2\n\n    return y\n"
    assert [part[:7] for part in parts(text, "code", 60)] == ["def one", "def two"]


def test_a_code_block_in_markdown_is_not_torn() -> None:
    block = "```python\n# no heading\n\n" + "x = 1\n\n" * 8 + "```\n\n"
    text = f"{W}{block}word\n\n{W}{W}"
    assert [part.count("```") % 2 for part in parts(text, most=120)] == [0] * 4
    quoted = "".join(f"> {line}\n" for line in f"{W}{block}".splitlines()) + W
    assert [part.count("```") % 2 for part in parts(quoted, most=180)] == [0] * 3


def test_one_that_is_longer_than_a_stretch_is_torn_at_lines_and_ends_a_stretch() -> None:
    text = "~~~~\n" + "# no heading\n" * 20 + "~~~\n~~~~\n# Heading\n\nword"
    found = list(stretches(text, "markdown", 100))
    assert [one.fenced for one in found] == [False, True, True, False]
    assert text[found[-1].start :] == "# Heading\n\nword"
    chunks = chunked(words(stretch=100), [Document("d", text, markup="markdown")])[0]
    assert {chunk.context for chunk in chunks} == {""}
    assert chunks[-1].text == "# Heading\n\nword"


def test_headings_go_on_over_stretches() -> None:
    text = "# Top\n\n" + W * 9 + "## Deep\n\n" + W * 9 + "# Next\n\n" + W * 3
    document = Document("d", text, markup="markdown")
    (at_once,) = chunked(words(), [document])
    (stretched,) = chunked(words(stretch=300), [document])
    assert [(c.text, c.context) for c in stretched] == [(c.text, c.context) for c in at_once]
    assert {chunk.context for chunk in stretched} == {"", "Top", "Top › Deep", "Next"}


def test_families_go_on_over_stretches() -> None:
    document = Document("d", W * 60)
    (chunks,) = chunked(words("hierarchical", stretch=500), [document])
    assert all(a <= c.ordinal < b for c in chunks for a, b in c.family)
    outer = [chunk.family[-1] for chunk in chunks]
    assert [before[1] for before, after in pairwise(outer) if before != after] == sorted(
        {first for first, _ in outer} - {0}
    )


def test_a_giant_document_is_split_while_it_is_read() -> None:
    endless = Document("d", W * 2_000)
    (chunks, short) = words(stretch=1_000)([endless, Document("e", "word")])
    first = list(itertools.islice(chunks, 5))
    assert [chunk.ordinal for chunk in first] == list(range(5))
    assert list(itertools.islice(chunks, 5)) == first  # whoever writes them goes through them twice
    assert len(tuple(short)) == 1
    assert not isinstance(chunks, tuple)


def test_a_text_that_just_fits_is_one_stretch() -> None:
    assert list(stretches("word\n\nword", "plain", 10)) == [Stretch(0, 10)]
    assert list(stretches("", "plain", 10)) == []
