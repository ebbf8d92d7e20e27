"""What is written to a Qdrant server, in requests that it takes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from qdrant_client import models

from indexers.stores.payload import DENSE, SPARSE, Payload, record_id, to_payload, to_record
from indexers.stores.server_query import to_sparse
from rag.values import DocumentRecord, Point, SparseVector

T = TypeVar("T")

MOST_POINTS = 256
MOST_NAMES = 1_000
MOST_BYTES = 4 * 1024 * 1024  # chosen: an eighth of what a server takes, several are under way
_NUMBER = 24  # bytes of a number in JSON, at most; gRPC has 4
_ID = 48


def batches(
    sized: Iterable[tuple[T, int]], most: int = MOST_POINTS, most_bytes: int = MOST_BYTES
) -> Iterator[list[T]]:
    """Yield things in order, in lists of at most so many things and bytes, as they are asked for.

    A thing of more bytes than that is alone.

    >>> list(batches([("a", 3), ("b", 3), ("c", 3), ("d", 9), ("e", 1)], 3, 6))
    [['a', 'b'], ['c'], ['d'], ['e']]
    """
    batch: list[T] = []
    total = 0
    for thing, size in sized:
        if batch and (len(batch) == most or total + size > most_bytes):
            yield batch
            batch, total = [], 0
        batch.append(thing)
        total += size
    if batch:
        yield batch


def of_points(points: Sequence[Point]) -> Iterator[list[models.PointStruct]]:
    """Yield requests that put points, the last of each id: they may arrive in any order."""
    last = {point.chunk.id: point for point in points}
    return batches(map(_point, last.values()))


def of_records(records: Sequence[DocumentRecord]) -> Iterator[list[models.PointStruct]]:
    """Yield requests that put records, the last of each document."""
    last = {record_id(r.tenant, r.document_id): r for r in records}
    return batches(_struct(id_, {}, to_record(record)) for id_, record in last.items())


def of_vectors(vectors: Mapping[str, SparseVector]) -> Iterator[list[models.PointVectors]]:
    """Yield requests that replace sparse vectors."""
    return batches(
        (
            models.PointVectors(id=id_, vector={SPARSE: to_sparse(vector)}),
            _ID + 2 * _NUMBER * len(vector.indices),
        )
        for id_, vector in vectors.items()
    )


def of_names(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield requests that name chunks or documents, each once."""
    sized = ((name, _ID + len(name.encode())) for name in dict.fromkeys(names))
    return batches(sized, MOST_NAMES)


def weight(payload: Payload) -> int:
    """Return the bytes of a payload in a request or a reply, about."""
    return len(msgspec.json.encode(payload))


def _point(point: Point) -> tuple[models.PointStruct, int]:
    vectors: dict[str, models.Vector] = {DENSE: point.dense.tolist()}
    if point.sparse.indices:  # a chunk without terms does not count in the IDF
        vectors[SPARSE] = to_sparse(point.sparse)
    struct, size = _struct(point.chunk.id, vectors, to_payload(point.chunk, point.length))
    return struct, size + _NUMBER * (len(point.dense) + 2 * len(point.sparse.indices))


def _struct(
    id_: str, vectors: dict[str, models.Vector], payload: Payload
) -> tuple[models.PointStruct, int]:
    return models.PointStruct(id=id_, vector=vectors, payload=payload), _ID + weight(payload)
