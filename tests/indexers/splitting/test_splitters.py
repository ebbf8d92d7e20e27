"""Whatever the splitter: chunks say where they stand, miss nothing, and are as small as asked."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexers.splitting.pieces import whole
from indexers.splitting.splitters import SPLITTERS, described, make_split, named, sizes
from rag.errors import BadSettings
from rag.sections import IndexSettings, Splitters
from rag.values import Chunk, Document, Markup
from tests.indexers.splitting.texts import (
    CUTTING,
    LANGUAGES,
    LEAF,
    LIMIT,
    MARKUPS,
    TEXTS,
    TOKENIZER,
    chunked,
    words,
)

SPLITS = {name: words(name) for name in CUTTING}
STRETCHED = {name: words(name, stretch=100) for name in CUTTING}
EVERY = pytest.mark.parametrize("name", CUTTING)


def test_every_splitter_is_tried_here() -> None:
    assert set(SPLITTERS) == set(CUTTING)


def check(document: Document, chunks: tuple[Chunk, ...], limit: int) -> None:
    """What holds for the chunks of every splitter."""
    text = document.text
    for ordinal, chunk in enumerate(chunks):
        assert chunk.ordinal == ordinal
        assert text[chunk.start : chunk.end] == chunk.text
        assert not chunk.gap.strip()
        assert len(TOKENIZER.encode(chunk.text).ids) <= limit
        assert len(chunk.text) <= 16 * limit
        assert all(first <= ordinal < last <= len(chunks) for first, last in chunk.family)
    for before, after in pairwise(chunks):
        assert before.end + len(before.gap) == after.start
    head = text[: chunks[0].start]
    assert not head.strip() or not text.strip()
    if text.strip():
        assert head + "".join(chunk.text + chunk.gap for chunk in chunks) == text
        assert all(chunk.text.strip() for chunk in chunks)
    else:
        assert [chunk.text for chunk in chunks] == [""]
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@EVERY
@given(text=TEXTS, markup=MARKUPS, language=LANGUAGES)
@example("# A\r\n\r\nword\r\n## B\r\nword 😀\u2028word\r", "markdown", "")
@example("- word\n  - " + "word " * 40 + "\n\n|a|\n|-|\n" + "|b c|\n" * 30, "markdown", "")
@settings(max_examples=60, deadline=None)
def test_chunks_are_the_text_in_order_and_no_larger_than_asked(
    name: Splitters, text: str, markup: Markup, language: str
) -> None:
    document = Document("d", text, markup=markup, language=language)
    (chunks,) = chunked(SPLITS[name], [document])
    check(document, chunks, LEAF if name == "hierarchical" else LIMIT)
    assert chunked(SPLITS[name], [document]) == [chunks]


@EVERY
@given(text=TEXTS, markup=MARKUPS)
@example("```\nword\n" * 9 + "word. " * 90, "markdown")
@settings(max_examples=60, deadline=None)
def test_a_text_that_is_split_stretch_by_stretch_misses_nothing_either(
    name: Splitters, text: str, markup: Markup
) -> None:
    document = Document("d", text, markup=markup)
    (chunks,) = chunked(STRETCHED[name], [document])
    check(document, chunks, LEAF if name == "hierarchical" else LIMIT)


@EVERY
@given(st.lists(st.tuples(TEXTS, MARKUPS, LANGUAGES), max_size=5))
@settings(max_examples=25, deadline=None)
def test_documents_are_split_alike_alone_and_together(
    name: Splitters, given_texts: list[tuple[str, Markup, str]]
) -> None:
    documents = [
        Document("d", text, markup=markup, language=language)
        for text, markup, language in given_texts
    ]
    alone = [chunks for document in documents for chunks in chunked(SPLITS[name], [document])]
    assert chunked(SPLITS[name], documents) == alone


@EVERY
def test_no_documents_have_no_chunks(name: Splitters) -> None:
    assert chunked(SPLITS[name], []) == whole([]) == []


@EVERY
@pytest.mark.parametrize("text", ["", " ", "\n\n\t", "\u2028", "\x1c"])
def test_a_document_of_title_alone_is_one_empty_chunk_under_its_title(
    name: Splitters, text: str
) -> None:
    for markup in ("plain", "markdown", "code"):
        document = Document("d", text, "Only a title", markup=markup)
        ((chunk,),) = chunked(SPLITS[name], [document])
        assert (chunk.start, chunk.end, chunk.text) == (0, 0, "")
        assert chunk.indexed_text == "Only a title\n"


@EVERY
@pytest.mark.parametrize(
    "text",
    ["[" * 20_000, "*a " * 5_000, ">" * 5_000, "`a" * 5_000, "- " * 2_000, "# a\n" * 1_500],
    ids=["brackets", "emphasis", "quotes", "ticks", "lists", "headings"],
)
def test_hostile_markdown_is_split_in_good_time(name: Splitters, text: str) -> None:
    document = Document("d", text, markup="markdown")
    (chunks,) = chunked(SPLITS[name], [document])
    check(document, chunks, LEAF if name == "hierarchical" else LIMIT)


@EVERY
def test_a_collection_knows_its_splitter_by_all_that_decides_the_chunks(name: Splitters) -> None:
    mine = IndexSettings(splitter=name, chunk_tokens=96, leaf_tokens=32)
    assert named(described(mine)) == name
    for size, _ in sizes(mine):
        assert described(msgspec.structs.replace(mine, **{size: 48})) != described(mine)
    assert sizes(mine)[-1][1] == (32 if name == "hierarchical" else 96)


def test_leaves_larger_than_what_they_are_leaves_of_are_refused() -> None:
    large = IndexSettings(splitter="hierarchical", chunk_tokens=32, leaf_tokens=33)
    with pytest.raises(BadSettings, match=r"index\.leaf_tokens is 33.*set it lower"):
        make_split(large, TOKENIZER)


def test_a_document_that_is_kept_whole_is_its_one_chunk() -> None:
    split = make_split(IndexSettings(splitter="none"), TOKENIZER)
    assert chunked(split, [Document("d", " word word\n")])[0][0].text == "word word"
