"""Chunks say where they stand, miss nothing, and are as small as asked."""

import uuid
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from indexers.split import Recursive, chunk_id, markdown_title, whole
from rag.values import Chunk, Document

LIMIT = 16
TOKENIZER = Tokenizer(models.WordLevel({"[UNK]": 0, "word": 1}, unk_token="[UNK]"))  # noqa: S106
TOKENIZER.pre_tokenizer = pre_tokenizers.Whitespace()
SPLIT = Recursive(TOKENIZER, LIMIT)

Markup = Literal["plain", "markdown"]
MARKUPS = st.sampled_from(["plain", "markdown"])
PIECES = (
    *(
        "word ",
        "Freezer. ",
        "é",
        "日本語",
        "😀",
        "👩\u200d👩\u200d👧",
        "e\u0301",
        "\x00",
        "a" * 300,
    ),
    *("\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"),
    *(" ", "\t", "\u00a0", "\u200b", " " * 300, "\n" * 300, "    ", "\ufeff", "."),
    *("# ", "## A\n", "### B #\n", "Title\n===\n", "Sub\n---\n", "- ", "1. ", "> ", "```\n", "|"),
    *("`x`", "*", "[a](b)", "<p>", "---\n", "\\", "&amp;", "&#35;", "# *C*\n", "#\n"),
)
TEXTS = st.text(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


def split(text: str, markup: Markup = "plain", title: str = "") -> tuple[Chunk, ...]:
    (chunks,) = SPLIT([Document("d", text, title, markup=markup)])
    return chunks


def black(text: str) -> str:
    """The text without its white space."""
    return "".join(text.split())


@given(TEXTS, MARKUPS)
@example("# A\r\n\r\nword\r\n## B\r\nword 😀\u2028word\r", "markdown")
@settings(max_examples=100, deadline=None)
def test_a_chunk_is_what_the_document_says_at_its_span(text: str, markup: Markup) -> None:
    for chunk in split(text, markup):
        assert text[chunk.start : chunk.end] == chunk.text


@given(TEXTS, MARKUPS)
@settings(max_examples=100, deadline=None)
def test_every_character_is_in_exactly_one_chunk_in_order(text: str, markup: Markup) -> None:
    chunks = split(text, markup)
    assert all(before.end <= after.start for before, after in pairwise(chunks))
    assert black("".join(chunk.text for chunk in chunks)) == black(text)


@given(TEXTS, MARKUPS)
@settings(max_examples=100, deadline=None)
def test_no_chunk_is_blank_unless_the_document_is(text: str, markup: Markup) -> None:
    chunks = split(text, markup)
    if text.strip():
        assert all(chunk.text.strip() for chunk in chunks)
    else:
        assert [chunk.text for chunk in chunks] == [""]


@given(TEXTS, MARKUPS)
@settings(max_examples=100, deadline=None)
def test_no_chunk_has_more_tokens_than_asked(text: str, markup: Markup) -> None:
    for chunk in split(text, markup):
        assert len(TOKENIZER.encode(chunk.text).ids) <= LIMIT
        assert len(chunk.text) <= 16 * LIMIT


@given(TEXTS, MARKUPS)
@settings(max_examples=50, deadline=None)
def test_ids_are_distinct_and_the_same_each_time(text: str, markup: Markup) -> None:
    ids = [chunk.id for chunk in split(text, markup)]
    assert len(set(ids)) == len(ids)
    assert ids == [chunk.id for chunk in split(text, markup)]


@given(st.lists(st.tuples(TEXTS, MARKUPS), max_size=5))
@settings(max_examples=25, deadline=None)
def test_documents_are_split_alike_alone_and_together(documents: list[tuple[str, Markup]]) -> None:
    together = SPLIT([Document("d", text, markup=markup) for text, markup in documents])
    assert together == [split(text, markup) for text, markup in documents]


@given(TEXTS)
@settings(max_examples=50, deadline=None)
def test_a_whole_document_is_one_chunk_without_its_outer_white_space(text: str) -> None:
    (chunks,) = whole([Document("d", text, "T")])
    (chunk,) = chunks
    assert chunk.text == text.strip() == text[chunk.start : chunk.end]
    assert chunk.context == "T"


def test_borders_are_those_of_the_structure() -> None:
    paragraph = "word " * 9 + "word."
    chunks = split(f"{paragraph}\n\n{paragraph}\r\n\r\n{paragraph}")
    assert [chunk.text for chunk in chunks] == [paragraph] * 3


def test_a_chunk_carries_what_its_document_is() -> None:
    document = Document("i", "word", "T", "/s", {"a": [1]}, "tenant")
    (chunks,) = SPLIT([document])
    assert chunks == (
        Chunk(
            chunk_id("tenant", "i", 0, 4, "word"),
            "i",
            "word",
            0,
            4,
            "T",
            "T",
            "/s",
            {"a": [1]},
            "tenant",
        ),
    )
    assert chunks[0].indexed_text == "T\nword"


def test_an_unbroken_string_is_cut() -> None:
    # To the tokenizer it is one unknown word.
    assert [(c.start, c.end) for c in split("x" * 600)] == [(0, 256), (256, 512), (512, 600)]
    assert [(c.start, c.end) for c in split("😀" * 300)] == [(0, 256), (256, 300)]


def test_a_gap_of_white_space_is_no_chunk() -> None:
    assert [c.text.strip() for c in split("left" + " " * 2_000 + "right")] == ["left", "right"]


@pytest.mark.parametrize("text", ["", " ", "\n\n\t", "\u2028", "\x1c"])
def test_a_document_of_title_alone_is_one_empty_chunk_under_its_title(text: str) -> None:
    for markup in ("plain", "markdown"):
        (chunk,) = split(text, markup, "Only a title")
        assert (chunk.start, chunk.end, chunk.text) == (0, 0, "")
        assert chunk.indexed_text == "Only a title\n"


def test_no_documents_have_no_chunks() -> None:
    assert SPLIT([]) == whole([]) == []


W = "word " * 14 + "word"  # with one word more, a chunk is full
GUIDE = f"""{W} zero

# Top

{W} one

## Left *bold*

{W} two

### Deep

{W} three

## Right

{W} four

Under
=====

{W} five
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_chunk_has_the_headings_above_it(line_end: str) -> None:
    chunks = split(GUIDE.replace("\n", line_end), "markdown", "T")
    contexts = {chunk.text.split()[-1]: chunk.context for chunk in chunks}
    assert {word: contexts[word] for word in ("zero", "one", "two", "three", "four", "five")} == {
        "zero": "T",
        "one": "T › Top",
        "two": "T › Top › Left *bold*",
        "three": "T › Top › Left *bold* › Deep",
        "four": "T › Top › Right",
        "five": "T › Under",
    }


@pytest.mark.parametrize("heading", ["## Here", "  ## Here ##", "Here\n----", " \u00a0Here\n---"])
def test_a_heading_that_opens_a_chunk_is_not_above_it(heading: str) -> None:
    chunks = split(f"# Top\n\n{W}\n\n{heading}\n\nword word", "markdown")
    opening = next(chunk for chunk in chunks if "Here" in chunk.text)
    assert opening.text.strip().startswith(("##", "Here"))
    assert opening.context == "Top"


def test_the_same_title_is_not_repeated_in_the_context() -> None:
    chunks = split(f"# Guide\n\n{W}\n\n{W}", "markdown", "Guide")
    assert {chunk.context for chunk in chunks} == {"Guide"}


def test_what_looks_like_a_heading_in_code_is_none() -> None:
    chunks = split(f"# Top\n\n```\n# not one\n```\n\n{W}\n\n    # nor this\n\n{W}", "markdown")
    assert {chunk.context for chunk in chunks} <= {"", "Top"}


def test_line_separators_of_unicode_do_not_move_the_headings() -> None:
    # str.splitlines counts six line ends here that Markdown does not know.
    text = "".join(f"{W}{end}" for end in "\u2028\u2029\x85\x0b\x0c\x1c") + f"\n\n# Top\n\n{W}"
    *before, heading, after = split(text, "markdown")
    assert heading.text == "# Top"
    assert {chunk.context for chunk in before} == {""}
    assert after.context == "Top"


def test_plain_text_has_no_headings() -> None:
    assert {chunk.context for chunk in split(GUIDE, "plain", "T")} == {"T"}


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("intro\n\n# First\n\n# Second", "First"),
        ("Set\next\n===", "Set\next"),
        ("#\n\n## Second", ""),
        ("no heading", ""),
        ("", ""),
        ("\r# CR\rtext", "CR"),
    ],
)
def test_the_title_of_markdown_is_its_first_heading(text: str, title: str) -> None:
    assert markdown_title(text) == title


@pytest.mark.parametrize(
    "text",
    ["[" * 50_000, "*a " * 20_000, ">" * 20_000, "`a" * 20_000, "- " * 5_000, "# a\n" * 5_000],
    ids=["brackets", "emphasis", "quotes", "ticks", "lists", "headings"],
)
def test_hostile_markdown_is_split_in_good_time(text: str) -> None:
    chunks = split(text, "markdown")
    assert black("".join(chunk.text for chunk in chunks)) == black(text)


def test_ids_depend_on_whose_the_chunk_is_where_it_stands_and_what_it_says() -> None:
    ids = {
        chunk_id("t", "d", 0, 1, "x"),
        chunk_id("u", "d", 0, 1, "x"),
        chunk_id("t", "e", 0, 1, "x"),
        chunk_id("t", "d", 1, 2, "x"),
        chunk_id("t", "d", 0, 2, "x"),
        chunk_id("t", "d", 0, 1, "y"),
        chunk_id("t', 'd", "", 0, 1, "x"),
    }
    assert len(ids) == 7
    # The ids of a collection must never change from one version to the next.
    assert chunk_id("t", "d", 0, 1, "x") == "f974d91e-a7bb-5e4b-88e6-163696da5d86"
    assert all(uuid.UUID(id_).version == 5 for id_ in ids)


def test_the_limits_of_the_given_tokenizer_are_not_the_splitters() -> None:
    padded = Tokenizer.from_str(TOKENIZER.to_str())
    padded.enable_truncation(4)
    padded.enable_padding(length=64)
    document = Document("d", "word " * 100)
    assert Recursive(padded, LIMIT)([document]) == SPLIT([document])
    assert padded.truncation is not None  # the caller's own is left as it was


@pytest.mark.model
def test_sizes_are_counted_in_the_encoders_tokens() -> None:
    from indexers.encoders.dense import DenseEncoder

    encoder = DenseEncoder(precision="fp32")
    tokenizer = encoder.tokenizer
    encoder.close()
    text = "Antidisestablishmentarianism in Llanfairpwllgwyngyll: 37 of 120 cases. " * 60
    (chunks,) = Recursive(tokenizer, 64)([Document("d", text)])
    sizes = [len(tokenizer.encode(chunk.text, add_special_tokens=False).ids) for chunk in chunks]
    assert max(sizes) <= 64
    assert min(sizes[:-1]) > 32  # and they are not needlessly small


def test_a_long_heading_is_cut_so_that_the_encoder_reads_the_whole_chunk() -> None:
    tight = Recursive(TOKENIZER, LIMIT, LIMIT + 3)
    text = "# one two three four five\n\n" + "word " * 40
    (chunks,) = tight([Document("d", text, "one two three four five", markup="markdown")])
    last = chunks[-1]
    assert last.context == "one two three"
    assert len(TOKENIZER.encode(last.indexed_text).ids) <= LIMIT + 3
    assert text[last.start : last.end] == last.text


def test_no_room_beside_the_chunk_leaves_no_context() -> None:
    (chunks,) = Recursive(TOKENIZER, LIMIT, LIMIT)([Document("d", "word " * 40, "Title")])
    assert {chunk.context for chunk in chunks} == {""}
    assert {chunk.title for chunk in chunks} == {"Title"}
