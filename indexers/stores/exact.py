"""The exact store: numpy and dictionaries, no index. The reference that the others must equal.

It is also the shipped fake of the `Store` seam: nothing on disk, nothing to install.
"""

import math
import operator
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from indexers.stores.payload import in_order, record_id, to_payload
from rag.seams import CollectionSpec, Stretch
from rag.values import (
    Access,
    Chunk,
    Condition,
    DocumentRecord,
    FeedbackProbe,
    Json,
    Lookup,
    Point,
    Probe,
    Ranking,
    SparseVector,
    Validity,
    Vector,
    ranked,
)

_PAGE = 1_000
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "eq": operator.eq,
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
}


class ExactStore:
    """Every score computed, every condition tested, in memory."""

    def __init__(self, spec: CollectionSpec) -> None:
        self._spec = spec
        self._points: dict[str, Point] = {}
        self._records: dict[str, DocumentRecord] = {}

    async def put(self, points: Sequence[Point]) -> None:
        """Insert or replace."""
        self._points.update({point.chunk.id: point for point in points})

    async def record(self, records: Sequence[DocumentRecord]) -> None:
        """Insert or replace."""
        self._records.update({record_id(r.tenant, r.document_id): r for r in records})

    async def drop(self, tenant: str, document_ids: Sequence[str]) -> None:
        """Delete the tenant's documents."""
        gone = {(tenant, id_) for id_ in document_ids}
        self._points = {
            id_: point
            for id_, point in self._points.items()
            if (point.chunk.tenant, point.chunk.document_id) not in gone
        }
        for key in gone:
            self._records.pop(record_id(*key), None)

    async def remove(self, chunk_ids: Sequence[str]) -> None:
        """Delete chunks."""
        for id_ in chunk_ids:
            self._points.pop(id_, None)

    async def revise(self, record: DocumentRecord) -> None:
        """Replace source and metadata."""
        for id_, point in self._points.items():
            if _of(point, record):
                chunk = replace(point.chunk, source=record.source, metadata=record.metadata)
                self._points[id_] = replace(point, chunk=chunk)

    async def mark(self, marks: Mapping[str, Validity]) -> None:
        """Replace validities."""
        for id_, validity in marks.items():
            if id_ in self._points:
                chunk = replace(
                    self._points[id_].chunk,
                    valid_from=validity.valid_from,
                    valid_to=validity.valid_to,
                    superseded_by=validity.superseded_by,
                )
                self._points[id_] = replace(self._points[id_], chunk=chunk)

    async def reweigh(self, vectors: Mapping[str, SparseVector]) -> None:
        """Replace sparse vectors."""
        for chunk_id, vector in vectors.items():
            old = self._points[chunk_id]
            self._points[chunk_id] = Point(old.chunk, old.dense, vector, old.length)

    async def find(self, lookup: Lookup) -> Mapping[str, Ranking]:
        """Return one exact ranking per probe."""
        allowed = {
            id_: point
            for id_, point in self._points.items()
            if lookup.access.allows(point.chunk)
            and holds(point.chunk, lookup.where)
            and (not lookup.as_of or point.chunk.validity.holds(lookup.as_of))
        }
        return {probe.name: self._search(probe, allowed) for probe in lookup.probes}

    async def get(self, chunk_ids: Sequence[str], access: Access | None) -> tuple[Chunk, ...]:
        """Return the chunks that exist and may be read, in the order asked."""
        found = (self._points[id_].chunk for id_ in chunk_ids if id_ in self._points)
        return tuple(chunk for chunk in found if access is None or access.allows(chunk))

    async def around(self, wanted: Sequence[Stretch], access: Access) -> tuple[Chunk, ...]:
        """Return the chunks in these stretches that may be read."""
        payloads = (
            to_payload(point.chunk, point.length)
            for point in self._points.values()
            if any(_within(point.chunk, stretch) for stretch in wanted)
        )
        return in_order(payloads, access)

    async def records(self, tenant: str, document_ids: Sequence[str]) -> tuple[DocumentRecord, ...]:
        """Return the records that exist, in the order asked."""
        keys = (record_id(tenant, id_) for id_ in document_ids)
        return tuple(self._records[key] for key in keys if key in self._records)

    async def survey(self, *, unfinished: bool = False) -> AsyncIterator[Sequence[DocumentRecord]]:
        """Yield all records, or those that are not whole."""
        rows = [r for _, r in sorted(self._records.items()) if r.state != "whole" or not unfinished]
        for start in range(0, len(rows), _PAGE):
            yield rows[start : start + _PAGE]

    async def scan(self, record: DocumentRecord | None = None) -> AsyncIterator[Sequence[Point]]:
        """Yield all points, or those of a document, in the order of their ids."""
        every = [point for _, point in sorted(self._points.items())]
        rows = [point for point in every if record is None or _of(point, record)]
        for start in range(0, len(rows), _PAGE):
            yield rows[start : start + _PAGE]

    async def count(self) -> int:
        """Return the number of chunks."""
        return len(self._points)

    async def info(self) -> CollectionSpec:
        """Return the spec."""
        return self._spec

    async def stamp(self, spec: CollectionSpec) -> None:
        """Replace the spec."""
        self._spec = spec

    async def optimize(self) -> None:
        """Do nothing: there is no index."""

    async def close(self) -> None:
        """Forget everything."""
        self._points, self._records = {}, {}

    def _search(self, probe: Probe | FeedbackProbe, allowed: Mapping[str, Point]) -> Ranking:
        if isinstance(probe, FeedbackProbe):
            scores = _dense(_combined(probe), allowed)
        elif isinstance(probe.vector, SparseVector):
            scores = self._sparse(probe.vector, allowed)
        else:
            scores = _dense(_unit(probe.vector), allowed)
        return ranked(scores)[: probe.depth]

    def _sparse(self, query: SparseVector, allowed: Mapping[str, Point]) -> dict[str, float]:
        """Σ query weight · document weight · idf, as Qdrant computes it with Modifier.Idf.

        idf = ln(1 + (N − n + .5) / (n + .5)) over the whole collection, all tenants; N counts the
        chunks that have a term at all. Only chunks that share a term with the query are found.
        """
        counts = Counter(i for point in self._points.values() for i in point.sparse.indices)
        total = sum(1 for point in self._points.values() if point.sparse.indices)
        weights = {
            index: value * math.log(1 + (total - counts[index] + 0.5) / (counts[index] + 0.5))
            for index, value in zip(query.indices, query.values, strict=True)
        }
        scores = {}
        for id_, point in allowed.items():
            pairs = zip(point.sparse.indices, point.sparse.values, strict=True)
            parts = [weights[i] * value for i, value in pairs if i in weights]
            if parts:
                scores[id_] = math.fsum(parts)
        return scores


def _within(chunk: Chunk, stretch: Stretch) -> bool:
    document_id, first, last = stretch
    return chunk.document_id == document_id and first <= chunk.ordinal < last


def _of(point: Point, record: DocumentRecord) -> bool:
    chunk = point.chunk
    return (chunk.tenant, chunk.document_id) == (record.tenant, record.document_id)


def _dense(query: Vector, allowed: Mapping[str, Point]) -> dict[str, float]:
    """Product of the query with every allowed chunk; stored vectors are unit vectors."""
    if not allowed:
        return {}
    matrix = np.stack([point.dense for point in allowed.values()])  # (n, h)
    return dict(zip(allowed, map(float, matrix @ query), strict=True))


def _combined(probe: FeedbackProbe) -> Vector:
    """Return the vector whose products are the scores of a feedback probe, which are linear."""
    a, b, c = probe.weights
    total = a * _unit(probe.vector)  # (h,)
    for (better, high), (worse, low) in permutations(probe.feedback, 2):
        if high > low:
            total = total + c * (high - low) ** b * (_unit(better) - _unit(worse))
    return total


def _unit(vector: Vector) -> Vector:
    return vector / np.linalg.norm(vector)


def holds(chunk: Chunk, where: Sequence[Condition]) -> bool:
    """Whether all conditions hold for a chunk."""
    payload = to_payload(chunk, 0)
    return all(_test(condition, _values(payload, condition.field)) for condition in where)


def _values(payload: Json, path: str) -> list[Json]:
    """Return the values at a dotted path; a list stands for its elements."""
    values: list[Json] = [payload]
    for key in path.split("."):
        values = [v[key] for v in values if isinstance(v, dict) and key in v]
    return [e for v in values for e in (v if isinstance(v, list) else [v])]


def _test(condition: Condition, values: Sequence[Json]) -> bool:
    expected = condition.value
    if isinstance(expected, tuple):
        return any(type(v) is type(expected[0]) and v in expected for v in values)
    if isinstance(expected, bool | str):
        return any(type(v) is type(expected) and v == expected for v in values)
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    compare = _COMPARE[condition.operator]
    return any(compare(number, expected) for number in numbers)
