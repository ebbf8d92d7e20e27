"""Late chunking: chunks are encoded with what stands around them (Günther et al. 2024, 2409.04701).

The encoder reads as many chunks of a document at a time as it can, and each chunk's vector is the
mean of its own tokens, which have seen the others. A chunk says what it is read with, so that it is
another chunk, to be encoded anew, where that changes.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from indexers.splitting.pieces import Split, identified
from rag.values import Chunk, Document, Frozen

_COUNTED = 64  # chunks whose tokens are counted in one call

Count = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class _Read(Frozen):
    """The chunks of a document, told what they are read with, each time they are gone through."""

    chunks: Iterable[Chunk]
    count: Count
    room: int

    def __iter__(self) -> Iterator[Chunk]:
        passage: list[Chunk] = []
        left = 0
        for chunk, size in _counted(self.chunks, self.count):
            if passage and size > left:
                yield from _together(passage)
                passage = []
            if not passage:
                left = self.room - (self.count([chunk.context])[0] if chunk.context else 0)
            passage.append(chunk)
            left -= size
        yield from _together(passage)


def late(split: Split, count: Count, room: int) -> Split:
    """Return a splitter whose chunks are read with their neighbours.

    Args:
        split: makes the chunks.
        count: returns the number of tokens of each text.
        room: tokens that the encoder reads at a time, its own marks left out.
    """

    def read_together(documents: Sequence[Document]) -> Sequence[Iterable[Chunk]]:
        return [_Read(chunks, count, room) for chunks in split(documents)]

    return read_together


def _counted(chunks: Iterable[Chunk], count: Count) -> Iterator[tuple[Chunk, int]]:
    following = iter(chunks)
    while some := list(islice(following, _COUNTED)):
        yield from zip(some, count([chunk.text for chunk in some]), strict=True)


def _together(passage: Sequence[Chunk]) -> Iterator[Chunk]:
    if not passage:
        return
    says = (passage[0].context, *(chunk.text for chunk in passage))
    digest = hashlib.sha256(repr(says).encode()).hexdigest()[:32]
    read_with = (passage[0].ordinal, passage[-1].ordinal + 1, digest)
    for chunk in passage:
        yield identified(replace(chunk, read_with=read_with))
