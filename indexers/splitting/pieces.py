"""Pieces: where the chunks of a document stand, and the chunks made of them."""

import hashlib
import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import TypeAlias

from rag.values import Chunk, Document, Frozen

NAMESPACE = uuid.UUID("5b1f8a52-8d0e-5f43-9c59-3f8d1f1c1b52")  # chosen once, never changed

Split: TypeAlias = Callable[[Sequence[Document]], Sequence[Iterable[Chunk]]]
"""Documents to the chunks of each, many at a time.

A giant document's are made while they are gone through, anew each time.
"""


@dataclass(frozen=True, slots=True)
class Piece(Frozen):
    """Where a chunk stands in its document, and what is indexed with it."""

    start: int
    end: int
    context: str = ""
    family: tuple[tuple[int, int], ...] = ()


def chunks_of(document: Document, pieces: Iterable[Piece]) -> Iterator[Chunk]:
    """Yield the chunks of a document: its pieces, which ascend and leave out nothing but space."""
    pages = 0  # how many pages have begun where a piece starts
    for ordinal, (piece, following) in enumerate(pairwise(chain(pieces, [None]))):
        assert piece is not None  # noqa: S101 - only the last one is
        end = following.start if following else len(document.text)
        pages = bisect_right(document.pages, piece.start, pages)
        inside = document.pages[pages : bisect_left(document.pages, piece.end, pages)]
        yield identified(
            Chunk(
                id="",
                document_id=document.id,
                text=document.text[piece.start : piece.end],
                start=piece.start,
                end=piece.end,
                title=document.title,
                context=piece.context,
                source=document.source,
                metadata=document.metadata,
                tenant=document.tenant,
                ordinal=ordinal,
                gap=document.text[piece.end : end],
                page=pages,
                breaks=inside,
                family=piece.family,
            )
        )


def identified(chunk: Chunk) -> Chunk:
    """Return the chunk with its id: the UUIDv5 of whose it is, where it stands and what it says.

    Source and metadata are left out: they may change while the chunk stays the same.
    """
    says = (chunk.text, chunk.title, chunk.context, chunk.gap)
    digest = hashlib.sha256(repr(says).encode()).hexdigest()
    place = (chunk.start, chunk.end, chunk.ordinal, chunk.page, chunk.breaks, chunk.family)
    beside = (chunk.read_with,) if chunk.read_with[2] else ()  # what its vector depends on, too
    # JSON-like quoting by repr: no two different tuples give the same name.
    name = repr((chunk.tenant, chunk.document_id, place, digest, *beside))
    return replace(chunk, id=str(uuid.uuid5(NAMESPACE, name)))


def whole(documents: Sequence[Document]) -> list[tuple[Chunk, ...]]:
    """Return each document as one chunk, its white space at both ends trimmed."""
    return [one_chunk(document) for document in documents]


def one_chunk(document: Document, context: str | None = None) -> tuple[Chunk, ...]:
    """Return a document as one chunk, its title the context where none is given."""
    start = len(document.text) - len(document.text.lstrip())
    end = len(document.text.rstrip())
    above = document.title if context is None else context
    return tuple(chunks_of(document, [Piece(min(start, end), end, above)]))
