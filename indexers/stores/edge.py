"""Qdrant Edge: the Qdrant engine in this process, on disk. The default store.

A collection is a folder: `points/` is the engine's shard, `collection.json` what it was built with.
The shard is used from one thread; one process at a time can open it.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec
import qdrant_edge as qe

from indexers.stores.edge_config import PLAIN, to_config, to_params
from indexers.stores.edge_folder import clear_shard, load_shard, read_spec, write_spec
from indexers.stores.edge_query import (
    of_documents,
    of_states,
    of_stretches,
    to_filter,
    to_operations,
    to_request,
    to_sparse,
)
from indexers.stores.payload import (
    DENSE,
    INSTANT_FIELDS,
    KEYWORD_FIELDS,
    ORDINAL,
    SPARSE,
    STATES,
    Payload,
    from_point,
    from_record,
    in_order,
    is_record,
    readable,
    record_id,
    to_payload,
    to_record,
)
from indexers.stores.room import need_room, occupied
from rag.errors import StoreUnavailable
from rag.lanes import Lane
from rag.seams import CollectionSpec, Stretch
from rag.sections import StoreSettings
from rag.values import (
    Access,
    Chunk,
    DocumentRecord,
    Lookup,
    Point,
    Ranking,
    SparseVector,
    Validity,
    ranked,
)

P = ParamSpec("P")
T = TypeVar("T")
_PAGE = 1_000


class EdgeStore:
    """A collection in a folder. Use `open_edge` or `create_edge`."""

    def __init__(
        self,
        folder: Path,
        shard: qe.EdgeShard,
        spec: CollectionSpec,
        params: qe.SearchParams | None,
    ) -> None:
        self._folder = folder
        self._shard = shard
        self._spec = spec
        self._params = params
        self._lane = Lane("edge")

    async def put(self, points: Sequence[Point]) -> None:
        """Insert or replace; in the write-ahead log when the call returns."""
        if points:
            need_room(self._folder)
            await self._call(_upsert, self._shard, points)

    async def record(self, records: Sequence[DocumentRecord]) -> None:
        """Insert or replace; in the write-ahead log when the call returns."""
        if records:
            need_room(self._folder)
            await self._call(_upsert, self._shard, records)

    async def drop(self, tenant: str, document_ids: Sequence[str]) -> None:
        """Delete the tenant's documents."""
        if document_ids:
            chosen = of_documents(tenant, document_ids)
            await self._update(qe.UpdateOperation.delete_points_by_filter(chosen))

    async def remove(self, chunk_ids: Sequence[str]) -> None:
        """Delete chunks."""
        if chunk_ids:
            await self._update(qe.UpdateOperation.delete_points(list(chunk_ids)))

    async def revise(self, record: DocumentRecord) -> None:
        """Replace source and metadata of the document's chunks."""
        chosen = of_documents(record.tenant, [record.document_id], chunks_only=True)
        payload = {"source": record.source, "metadata": dict(record.metadata)}
        await self._update(qe.UpdateOperation.set_payload_by_filter(chosen, payload))

    async def mark(self, marks: Mapping[str, Validity]) -> None:
        """Replace validities."""
        for operation in to_operations(marks):
            await self._update(operation)

    async def reweigh(self, vectors: Mapping[str, SparseVector]) -> None:
        """Replace sparse vectors; dense vectors and payloads stay."""
        rows = [qe.PointVectors(id_, {SPARSE: to_sparse(v)}) for id_, v in vectors.items()]
        if rows:
            await self._update(qe.UpdateOperation.update_vectors(rows))

    async def find(self, lookup: Lookup) -> Mapping[str, Ranking]:
        """Return one ranking per probe, all in one planned batch."""
        chosen = to_filter(lookup)
        requests = [to_request(probe, chosen, self._params) for probe in lookup.probes]
        replies = await self._call(self._shard.query_batch, qe.QueryBatchRequest(requests))
        return {
            probe.name: ranked(_scores(points))
            for probe, points in zip(lookup.probes, replies, strict=True)
        }

    async def get(self, chunk_ids: Sequence[str], access: Access | None) -> tuple[Chunk, ...]:
        """Return the chunks that exist and may be read, in the order asked."""
        if not chunk_ids:
            return ()
        records = await self._call(self._shard.retrieve, list(chunk_ids), True, False)
        return readable((record.payload or {} for record in records), chunk_ids, access)

    async def around(self, wanted: Sequence[Stretch], access: Access) -> tuple[Chunk, ...]:
        """Return the chunks in these stretches that may be read."""
        scroll = self._scroll(of_stretches(wanted, access), vectors=False)
        found = [row.payload or {} async for rows in scroll for row in rows] if wanted else []
        return in_order(found, access)

    async def records(self, tenant: str, document_ids: Sequence[str]) -> tuple[DocumentRecord, ...]:
        """Return the records that exist, in the order asked."""
        ids = [record_id(tenant, id_) for id_ in document_ids]
        found = await self._call(self._shard.retrieve, [*ids], True, False) if ids else []
        held = {str(row.id): from_record(row.payload or {}) for row in found}
        return tuple(held[id_] for id_ in ids if id_ in held)

    async def survey(self, *, unfinished: bool = False) -> AsyncIterator[Sequence[DocumentRecord]]:
        """Yield all records, or those that are not whole, in the order of their points' ids."""
        states = [state for state in STATES if state != "whole" or not unfinished]
        async for rows in self._scroll(of_states(states), vectors=False):
            yield [from_record(row.payload or {}) for row in rows]

    async def scan(self, record: DocumentRecord | None = None) -> AsyncIterator[Sequence[Point]]:
        """Yield all points, or those of a document, in the order of their ids."""
        chosen = of_documents(record.tenant, [record.document_id]) if record else None
        async for rows in self._scroll(chosen, vectors=True):
            payloads = ((row.payload or {}, row.vector) for row in rows)
            yield [_point(p, vector) for p, vector in payloads if not is_record(p)]

    async def _scroll(
        self, chosen: qe.Filter | None, *, vectors: bool
    ) -> AsyncIterator[Sequence[qe.Record]]:
        offset: qe.PointId | None = None
        while True:
            request = qe.ScrollRequest(
                offset=offset, limit=_PAGE, filter=chosen, with_payload=True, with_vector=vectors
            )
            rows, offset = await self._call(self._shard.scroll, request)
            if rows:
                yield rows
            if offset is None:
                return

    async def count(self) -> int:
        """Return the number of chunks."""
        records = qe.CountRequest(exact=True, filter=of_states(STATES))
        every = await self._call(self._shard.count, qe.CountRequest(exact=True))
        return every - await self._call(self._shard.count, records)

    async def info(self) -> CollectionSpec:
        """Return what the collection was built with."""
        return self._spec

    async def stamp(self, spec: CollectionSpec) -> None:
        """Write `collection.json`, whole or not at all."""
        self._spec = spec
        await self._lane.run(write_spec, self._folder, spec)

    async def optimize(self) -> None:
        """Merge segments and build the HNSW index where there are enough points.

        Raises:
            StoreUnavailable: the disk has no room for the copy that is made; all is there, and
                searching is right but slower.
        """
        need_room(self._folder, await self._lane.run(occupied, self._folder))
        await self._call(self._shard.optimize)

    async def close(self) -> None:
        """Flush and release the folder."""
        await self._call(self._shard.close)
        self._lane.close()

    async def _update(self, operation: qe.UpdateOperation) -> None:
        await self._call(self._shard.update, operation)

    async def _call(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._lane.run(call, *args, **kwargs)
        except Exception as error:
            if type(error) is not Exception:  # the engine raises bare `Exception`; nobody else
                raise
            raise StoreUnavailable(f"the store in {self._folder} failed: {error}") from error


def create_edge(folder: Path, spec: CollectionSpec, settings: StoreSettings = PLAIN) -> EdgeStore:
    """Return a new, empty collection in a folder, made as the settings say.

    What a killed creation left behind (a shard without `collection.json`) is replaced.

    Raises:
        StoreUnavailable: the folder cannot be written.
        StoreLocked: another process is creating it.
    """
    shard_folder = folder / "points"
    try:
        clear_shard(shard_folder)
        shard_folder.mkdir(parents=True)
        need_room(folder)
        shard = qe.EdgeShard.create(str(shard_folder), to_config(spec, settings))
        for name in KEYWORD_FIELDS:
            shard.update(qe.UpdateOperation.create_field_index(name, qe.PayloadSchemaType.Keyword))
        shard.update(qe.UpdateOperation.create_field_index(ORDINAL, qe.PayloadSchemaType.Integer))
        for name in INSTANT_FIELDS:
            shard.update(qe.UpdateOperation.create_field_index(name, qe.PayloadSchemaType.Datetime))
        write_spec(folder, spec)
    except OSError as error:
        raise StoreUnavailable(
            f"cannot write {folder}: {error.strerror}: set store.path to a folder you may write"
        ) from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise StoreUnavailable(f"cannot create the store in {folder}: {error}") from error
    return EdgeStore(folder, shard, spec, to_params(settings))


def open_edge(folder: Path, settings: StoreSettings = PLAIN) -> EdgeStore:
    """Return the collection in a folder; it is searched as the settings say.

    Raises:
        StoreLocked: another process has it open.
        CollectionMismatch: it was written by another version of the schema.
        StoreUnavailable: it cannot be read.
    """
    spec = read_spec(folder)
    return EdgeStore(folder, load_shard(folder / "points"), spec, to_params(settings))


def _upsert(shard: qe.EdgeShard, rows: Sequence[Point | DocumentRecord]) -> None:
    """Make the engine's points, too, where the loop does not wait for it."""
    shard.update(qe.UpdateOperation.upsert_points([_row(row) for row in rows]))


def _row(row: Point | DocumentRecord) -> qe.Point:
    if isinstance(row, DocumentRecord):
        return qe.Point(record_id(row.tenant, row.document_id), {}, to_record(row))
    vectors: dict[str, qe.NamedVector] = {DENSE: row.dense.tolist(), SPARSE: to_sparse(row.sparse)}
    return qe.Point(row.chunk.id, vectors, to_payload(row.chunk, row.length))


def _point(payload: Payload, vector: object) -> Point:
    assert isinstance(vector, dict)  # noqa: S101 - our points have named vectors
    return from_point(payload, vector)


def _scores(points: Sequence[qe.ScoredPoint]) -> dict[str, float]:
    ids: list[str] = msgspec.to_builtins([point.id for point in points])  # str() takes .4 µs each
    return dict(zip(ids, [point.score for point in points], strict=True))
