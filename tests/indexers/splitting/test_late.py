"""Chunks are told what they are read with: as many neighbours as the encoder has room for."""

from dataclasses import replace
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexers.splitting.late import late
from indexers.splitting.pieces import Piece, chunks_of
from indexers.splitting.splitters import described, make_split
from rag.errors import BadSettings
from rag.sections import IndexSettings
from rag.values import Chunk, Document
from tests.indexers.splitting.texts import TOKENIZER

LINES = st.lists(st.integers(1, 12), min_size=1, max_size=12).map(
    lambda sizes: "\n".join("w " * size for size in sizes).strip()
)


def by_line(documents: list[Document]) -> list[tuple[Chunk, ...]]:
    def pieces(document: Document) -> list[Piece]:
        found, start = [], 0
        for line in document.text.split("\n"):
            end = start + len(line.rstrip())
            found.append(Piece(start, end, document.title))
            start += len(line) + 1
        return found

    return [tuple(chunks_of(document, pieces(document))) for document in documents]


def count(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@given(LINES, st.integers(1, 30), st.sampled_from(["", "a title"]))
def test_chunks_are_read_with_as_many_neighbours_as_there_is_room_for(
    text: str, room: int, title: str
) -> None:
    document = Document("d", text, title)
    (plain,) = by_line([document])
    (read,) = late(by_line, count, room)([document])  # type: ignore[arg-type]
    chunks = list(read)
    assert chunks == list(read)  # it can be gone through again
    assert [replace(c, id="", read_with=(0, 0, "")) for c in chunks] == [
        replace(c, id="") for c in plain
    ]
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    passages = [list(group) for _, group in groupby(chunks, lambda c: c.read_with)]
    for passage in passages:
        first, last, digest = passage[0].read_with
        assert [chunk.ordinal for chunk in passage] == list(range(first, last))
        assert digest
        size = len(title.split()) + sum(count([chunk.text for chunk in passage]))
        assert size <= room or len(passage) == 1
    for passage, following in pairwise(passages):
        more = [*passage, following[0]]
        assert len(title.split()) + sum(count([chunk.text for chunk in more])) > room


def test_a_chunk_is_another_one_when_a_neighbour_changes() -> None:
    split = late(by_line, count, 4)  # type: ignore[arg-type]
    (before,) = split([Document("d", "one two\nthree four\nfive six\nseven")])
    (after,) = split([Document("d", "one two\nthree 4\nfive six\nseven")])
    same = [one.id == other.id for one, other in zip(before, after, strict=True)]
    assert same == [False, False, False, False]  # the spans moved, too
    (after,) = split([Document("d", "one two\nthree four\nfive six\neight")])
    same = [one.id == other.id for one, other in zip(before, after, strict=True)]
    assert same == [True, True, False, False]


def test_it_is_a_splitter_of_its_own_and_goes_not_with_contexts_of_a_model() -> None:
    settings = IndexSettings(late=True, chunk_tokens=16)
    assert described(settings) == "recursive/16+late"
    (chunks,) = make_split(settings, TOKENIZER, 64)([Document("d", "word " * 100)])
    assert {chunk.read_with[:2] for chunk in chunks} == {(0, 4), (4, 7)}
    for wrong in (IndexSettings(late=True, contextual=True), IndexSettings("none", late=True)):
        with pytest.raises(BadSettings, match=r"index\.late"):
            make_split(wrong, TOKENIZER)
