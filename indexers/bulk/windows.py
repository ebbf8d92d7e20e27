"""Windows: what is encoded, then written, together."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from indexers.bulk.spool import Begin, End, Entry, Row, Segment
from rag.lanes import Lane
from rag.seams import Encoder, SparseEncoder
from rag.values import DocumentRecord, Frozen, Point, Vector

WINDOW = 1_024  # chunks: what a kill can cost


@dataclass(slots=True)
class Window:
    """Documents that begin, chunks, and documents that end, in this order."""

    begun: list[DocumentRecord] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    ended: list[DocumentRecord] = field(default_factory=list)

    def add(self, entry: Entry) -> bool:
        """Add an entry; return whether the window is full: between documents, or in a giant."""
        match entry:
            case Begin(record):
                self.begun.append(record)
            case End(record):
                self.ended.append(record)
            case Row():
                self.rows.append(entry)
        size = max(len(self.rows), len(self.ended))
        return size >= WINDOW and (isinstance(entry, End) or size >= 2 * WINDOW)


@dataclass(frozen=True, slots=True)
class Encoded(Frozen):
    """A window with the vector of each of its rows, `fresh` of which were made now."""

    window: Window
    vectors: Sequence[Vector]
    fresh: int


Encode: TypeAlias = Callable[[AsyncIterator[Window], Encoder], AsyncGenerator[Encoded, None]]
"""The stage that gives windows back in their order, with the vectors that the encoder makes."""


async def windows(segments: AsyncIterator[Segment], lane: Lane) -> AsyncGenerator[Window, None]:
    """Yield what the segments hold, in windows; a document may go on from one to the next."""
    window = Window()
    async for segment in segments:
        entries = segment.entries()
        while await lane.run(_fill, window, entries):
            yield window
            window = Window()
    if window.begun or window.rows or window.ended:
        yield window


async def encoded(given: AsyncIterator[Window], encoder: Encoder) -> AsyncGenerator[Encoded, None]:
    """Yield the windows with their vectors; a text is encoded once in a window."""
    async for window in given:
        texts = unknown(window)
        rows = list(await encoder.encode(texts, "document")) if texts else []
        found = dict(zip(texts, rows, strict=True))
        yield joined(window, found.__getitem__, len(texts))


def unknown(window: Window) -> list[str]:
    """Return the texts of a window that have no vector yet, each once."""
    return list(dict.fromkeys(r.chunk.indexed_text for r in window.rows if r.vector is None))


def joined(window: Window, found: Callable[[str], Vector], fresh: int) -> Encoded:
    """Return a window with its vectors: those it has, and what is found for the other texts."""
    vectors = [
        found(row.chunk.indexed_text) if row.vector is None else row.vector for row in window.rows
    ]
    return Encoded(window, vectors, fresh)


def points(given: Encoded, sparse: SparseEncoder, mean: float) -> list[Point]:
    """Return the points of a window, weighed by the mean length."""
    return [
        Point(row.chunk, vector, sparse.document(row.chunk.indexed_text, mean), row.length)
        for row, vector in zip(given.window.rows, given.vectors, strict=True)
    ]


def _fill(window: Window, entries: Iterator[Entry]) -> bool:
    """Move entries into the window until it is full; False when there are no more before that."""
    return any(window.add(entry) for entry in entries)
