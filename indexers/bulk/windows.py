"""Windows: what is encoded, then written, together."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import TypeAlias

from indexers.bulk.ahead import ahead
from indexers.bulk.spool import Begin, End, Entry, Row, Segment
from rag.errors import BadSettings
from rag.lanes import Lane
from rag.seams import Encoder, PassageEncoder, SparseEncoder
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
        return size >= WINDOW and (isinstance(entry, End) or (size >= 2 * WINDOW and _last(entry)))


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
    """Yield the windows with their vectors; a text is encoded once in a window.

    Raises:
        BadSettings: chunks are to be read with others, which the encoder cannot do.
    """
    tasks: deque[asyncio.Task[Encoded]] = deque()

    async def begun() -> AsyncGenerator[asyncio.Task[Encoded], None]:
        async for window in given:
            tasks.append(asyncio.create_task(_encoded(window, encoder)))
            yield tasks[-1]

    try:
        async with ahead(begun(), 1) as coming:  # no core waits for the last batch of a window
            async for task in coming:
                yield await task
                tasks.popleft()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _encoded(window: Window, encoder: Encoder) -> Encoded:
    texts = unknown(window)
    rows = list(await encoder.encode(texts, "document")) if texts else []
    found = dict(zip(texts, rows, strict=True))
    together = await _together(window, encoder)
    return joined(window, found.__getitem__, len(texts) + len(together), together)


def unknown(window: Window) -> list[str]:
    """Return the texts of a window that have no vector yet, and are read alone, each once."""
    wanted = (row.chunk for row in window.rows if row.vector is None)
    return list(dict.fromkeys(c.indexed_text for c in wanted if not c.read_with[2]))


def joined(
    window: Window,
    found: Callable[[str], Vector],
    fresh: int,
    together: Mapping[str, Vector] = MappingProxyType({}),
) -> Encoded:
    """Return a window with its vectors: those it has, and those that are made.

    Args:
        window: what was encoded.
        found: returns the vector of a text.
        fresh: how many were made.
        together: vectors by chunk id of what was read with others.
    """
    made = (
        row.vector if row.vector is not None else together.get(row.chunk.id) for row in window.rows
    )
    vectors = [
        found(row.chunk.indexed_text) if vector is None else vector
        for row, vector in zip(window.rows, made, strict=True)
    ]
    return Encoded(window, vectors, fresh)


async def _together(window: Window, encoder: Encoder) -> dict[str, Vector]:
    """Return the vectors of chunks that are read with others: all of them follow each other."""
    wanted = (row.chunk for row in window.rows if row.vector is None and row.chunk.read_with[2])
    read = groupby(wanted, lambda chunk: (chunk.document_id, chunk.read_with))
    passages = [list(passage) for _, passage in read]
    if not passages:
        return {}
    if not isinstance(encoder, PassageEncoder):
        raise BadSettings(
            f"{encoder.spec.name} cannot read chunks with others: set index.late to false"
        )
    texts = [(passage[0].context, *(chunk.text for chunk in passage)) for passage in passages]
    rows = await encoder.encode_parts(texts)
    return {
        chunk.id: row
        for passage, found in zip(passages, rows, strict=True)
        for chunk, row in zip(passage, found, strict=True)
    }


def points(given: Encoded, sparse: SparseEncoder, mean: float) -> list[Point]:
    """Return the points of a window, weighed by the mean length."""
    return [
        Point(row.chunk, vector, sparse.document(row.chunk.indexed_text, mean), row.length)
        for row, vector in zip(given.window.rows, given.vectors, strict=True)
    ]


def _last(entry: Entry) -> bool:
    """Whether no chunk follows that is to be read with this one."""
    return not isinstance(entry, Row) or entry.chunk.ordinal + 1 >= entry.chunk.read_with[1]


def _fill(window: Window, entries: Iterator[Entry]) -> bool:
    """Move entries into the window until it is full; False when there are no more before that."""
    return any(window.add(entry) for entry in entries)
