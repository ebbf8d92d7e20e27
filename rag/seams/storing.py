"""What holds points and finds them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from rag.values import (
    Access,
    Chunk,
    DocumentRecord,
    Frozen,
    Lookup,
    Point,
    Ranking,
    SparseVector,
    Validity,
)

SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class CollectionSpec(Frozen):
    """What a collection was built with; kept in the store beside the points.

    `mean_length` is what all BM25 weights in it are made with, 0 where they are of several minds.
    `chunks` and `terms` are the totals, and hold while it is `settled`: no run is at work in it,
    and none was ended before it was done.
    """

    encoder: str
    encoder_fingerprint: str
    dimension: int
    sparse_fingerprint: str
    splitter: str
    mean_length: float = 0.0
    chunks: int = 0
    terms: int = 0
    settled: bool = True
    schema_version: int = SCHEMA_VERSION


Stretch: TypeAlias = tuple[str, int, int]
"""A document's id, and the half-open range of the ordinals of its chunks."""


@runtime_checkable
class Store(Protocol):
    """Holds the points of one collection and finds them.

    `find` applies access, every condition and the instant on every branch. Rankings are best first,
    ties by chunk id. Writes are durable when the call returns.

    Raises (every method): StoreUnavailable when the engine refuses or does not answer.
    """

    async def put(self, points: Sequence[Point]) -> None:
        """Insert the points, or replace those of the same chunk id."""
        ...

    async def record(self, records: Sequence[DocumentRecord]) -> None:
        """Keep these records, each in place of the one of the same document."""
        ...

    async def drop(self, tenant: str, document_ids: Sequence[str]) -> None:
        """Delete the tenant's documents: their chunks and their records."""
        ...

    async def remove(self, chunk_ids: Sequence[str]) -> None:
        """Delete chunks."""
        ...

    async def revise(self, record: DocumentRecord) -> None:
        """Give every chunk of the record's document its source and its metadata."""
        ...

    async def mark(self, marks: Mapping[str, Validity]) -> None:
        """Replace the validity of existing chunks, by chunk id; others are passed over."""
        ...

    async def reweigh(self, vectors: Mapping[str, SparseVector]) -> None:
        """Replace the sparse vectors of existing chunks, by chunk id."""
        ...

    async def find(self, lookup: Lookup) -> Mapping[str, Ranking]:
        """Return one ranking per probe, by the probe's name, at most `depth` long."""
        ...

    async def get(self, chunk_ids: Sequence[str], access: Access | None) -> tuple[Chunk, ...]:
        """Return the chunks that exist and `access` allows (None: any), in the order asked."""
        ...

    async def around(self, wanted: Sequence[Stretch], access: Access) -> tuple[Chunk, ...]:
        """Return the chunks in these stretches that `access` allows, each once.

        They come by document id, ordinal and chunk id. While a document is being replaced, two
        chunks may have the same ordinal.
        """
        ...

    async def records(self, tenant: str, document_ids: Sequence[str]) -> tuple[DocumentRecord, ...]:
        """Return the records that exist, in the order asked."""
        ...

    def survey(self, *, unfinished: bool = False) -> AsyncIterator[Sequence[DocumentRecord]]:
        """Yield every record of every tenant once, in pages, or those that are not whole."""
        ...

    def scan(self, record: DocumentRecord | None = None) -> AsyncIterator[Sequence[Point]]:
        """Yield every point of every tenant once, in pages, or those of one document."""
        ...

    async def count(self) -> int:
        """Return the number of chunks, of all tenants."""
        ...

    async def info(self) -> CollectionSpec:
        """Return what the collection was built with."""
        ...

    async def stamp(self, spec: CollectionSpec) -> None:
        """Record what the collection is built with."""
        ...

    async def optimize(self) -> None:
        """Build the search indexes of what was put; searching without is right but slower."""
        ...

    async def close(self) -> None:
        """Release files and connections; the store is not used afterwards."""
        ...
