"""The default splitter cuts along structure, and keeps what stands above a chunk."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given, settings
from tokenizers import Tokenizer

from indexers.splitting.paths import markdown_title
from indexers.splitting.pieces import Piece, chunks_of, identified, whole
from indexers.splitting.splitters import make_split
from rag.sections import IndexSettings
from rag.values import Chunk, Document, Markup
from tests.indexers.splitting.texts import TEXTS, TOKENIZER, chunked, words

LIMIT = 16
SPLIT = words(most=LIMIT)


def split(text: str, markup: Markup = "plain", title: str = "") -> tuple[Chunk, ...]:
    (chunks,) = chunked(SPLIT, [Document("d", text, title, markup=markup)])
    return chunks


def limited(tokenizer: Tokenizer, max_tokens: int | None, document: Document) -> tuple[Chunk, ...]:
    made = make_split(IndexSettings(chunk_tokens=LIMIT), tokenizer, max_tokens)
    return chunked(made, [document])[0]


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
    document = Document("i", " word\n", "T", "/s", {"a": [1]}, "tenant")
    ((chunk,),) = chunked(SPLIT, [document])
    expected = Chunk(
        id=chunk.id,
        document_id="i",
        text="word",
        start=1,
        end=5,
        title="T",
        context="T",
        source="/s",
        metadata={"a": [1]},
        tenant="tenant",
        gap="\n",
    )
    assert chunk == expected
    assert chunk.indexed_text == "T\nword"


def test_a_chunk_says_on_which_page_it_starts_and_where_others_begin() -> None:
    document = Document("d", "ab cd ef gh", pages=(0, 3, 4, 9))
    one, two, three = chunks_of(document, [Piece(0, 5), Piece(6, 8), Piece(9, 11)])
    assert [(c.page, c.breaks) for c in (one, two, three)] == [(1, (3, 4)), (3, ()), (4, ())]
    assert [one.page_at(at) for at in range(5)] == [1, 1, 1, 2, 3]


def test_an_unbroken_string_is_cut() -> None:
    # To the tokenizer it is one unknown word.
    assert [(c.start, c.end) for c in split("x" * 600)] == [(0, 256), (256, 512), (512, 600)]
    assert [(c.start, c.end) for c in split("😀" * 300)] == [(0, 256), (256, 300)]


def test_a_gap_of_white_space_is_no_chunk() -> None:
    assert [c.text.strip() for c in split("left" + " " * 2_000 + "right")] == ["left", "right"]


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


def test_ids_depend_on_whose_the_chunk_is_where_it_stands_and_what_it_says() -> None:
    chunk = Chunk("", "d", "x", 0, 1)
    others = [
        replace(chunk, tenant="u"),
        replace(chunk, document_id="e"),
        replace(chunk, text="y"),
        replace(chunk, title="T"),
        replace(chunk, context="T"),
        replace(chunk, gap=" "),
        replace(chunk, start=1, end=2),
        replace(chunk, end=2),
        replace(chunk, ordinal=1),
        replace(chunk, page=1),
        replace(chunk, breaks=(1,)),
        replace(chunk, family=((0, 2),)),
        replace(chunk, tenant="default', 'd", document_id=""),
    ]
    ids = [identified(one).id for one in (chunk, *others)]
    assert len(set(ids)) == len(ids)
    assert all(uuid.UUID(id_).version == 5 for id_ in ids)
    same = replace(chunk, id="?", source="/s", metadata={"a": 1})
    assert identified(same).id == ids[0]
    # The ids of a collection must never change from one version to the next.
    assert ids[0] == "85c4e815-357b-565c-b536-272f69f3d3cf"


def test_the_limits_of_the_given_tokenizer_are_not_the_splitters() -> None:
    padded = Tokenizer.from_str(TOKENIZER.to_str())
    padded.enable_truncation(4)
    padded.enable_padding(length=64)
    document = Document("d", "word " * 100)
    assert limited(padded, None, document) == split(document.text)
    assert padded.truncation is not None  # the caller's own is left as it was


@pytest.mark.model
def test_sizes_are_counted_in_the_encoders_tokens() -> None:
    from indexers.encoders.dense import DenseEncoder

    encoder = DenseEncoder(precision="fp32")
    tokenizer = encoder.tokenizer
    encoder.close()
    text = "Antidisestablishmentarianism in Llanfairpwllgwyngyll: 37 of 120 cases. " * 60
    (chunks,) = chunked(
        make_split(IndexSettings(chunk_tokens=64), tokenizer), [Document("d", text)]
    )
    sizes = [len(tokenizer.encode(chunk.text, add_special_tokens=False).ids) for chunk in chunks]
    assert max(sizes) <= 64
    assert min(sizes[:-1]) > 32  # and they are not needlessly small


def test_a_long_heading_is_cut_so_that_the_encoder_reads_the_whole_chunk() -> None:
    text = "# one two three four five\n\n" + "word " * 40
    document = Document("d", text, "one two three four five", markup="markdown")
    chunks = limited(TOKENIZER, LIMIT + 3, document)
    last = chunks[-1]
    assert last.context == "one two three"
    assert len(TOKENIZER.encode(last.indexed_text).ids) <= LIMIT + 3
    assert text[last.start : last.end] == last.text


def test_no_room_beside_the_chunk_leaves_no_context() -> None:
    chunks = limited(TOKENIZER, LIMIT, Document("d", "word " * 40, "Title"))
    assert {chunk.context for chunk in chunks} == {""}
    assert {chunk.title for chunk in chunks} == {"Title"}
