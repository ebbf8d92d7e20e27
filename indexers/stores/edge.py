"""Qdrant Edge: the Qdrant engine in this process, on disk. The default store.

A collection is a folder: `points/` is the engine's shard, `collection.json` what it was built with.
The shard is used from one thread; one process at a time can open it.
"""

import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec
import numpy as np
import qdrant_edge as qe

from indexers.stores.payload import (
    DENSE,
    KEYWORD_FIELDS,
    PRINCIPALS_FIELD,
    SPARSE,
    from_payload,
    is_large,
    readable,
    to_payload,
    to_spec,
)
from rag.errors import StoreLocked, StoreUnavailable
from rag.lanes import Lane
from rag.seams import CollectionSpec, StoredChunk
from rag.values import (
    Access,
    Chunk,
    Condition,
    FeedbackProbe,
    Lookup,
    Point,
    Probe,
    Ranking,
    SparseVector,
    ranked,
)

P = ParamSpec("P")
T = TypeVar("T")
_PAGE = 1_000
_ENGINE_FILES = {"edge_config.json", "segments", "temp_segments", "wal"}  # in `points/`
# IDF counts deleted chunks until `optimize` rewrites their segment: from 5 % on (chosen), however
# small the segment; by default it would be from 20 % of 1,000 on.
# Under 30 MB of vectors (20,000 of 384 numbers) search is exact and takes up to 1 ms: a graph would
# save .7 ms of it, lose some neighbours, and cost 2.4 s to build. By default it would be 10 MB.
_OPTIMIZERS = qe.EdgeOptimizersConfig(
    deleted_threshold=0.05, vacuum_min_vector_number=1, indexing_threshold=30_000
)


class EdgeStore:
    """A collection in a folder. Use `open_edge` or `create_edge`."""

    def __init__(self, folder: Path, shard: qe.EdgeShard, spec: CollectionSpec) -> None:
        self._folder = folder
        self._shard = shard
        self._spec = spec
        self._lane = Lane("edge")

    async def put(self, points: Sequence[Point]) -> None:
        """Insert or replace; in the write-ahead log when the call returns."""
        if points:
            await self._call(_upsert, self._shard, points)

    async def drop(self, tenant: str, document_ids: Sequence[str], keep: Sequence[str]) -> None:
        """Delete the tenant's chunks of these documents, except those in `keep`."""
        if not document_ids:
            return
        chosen = qe.Filter(
            must=[
                qe.FieldCondition("tenant", match=qe.MatchValue(tenant)),
                qe.FieldCondition("document_id", match=qe.MatchAny(list(document_ids))),
            ],
            must_not=[qe.HasIdCondition(set(keep))] if keep else None,
        )
        await self._call(self._shard.update, qe.UpdateOperation.delete_points_by_filter(chosen))

    async def reweigh(self, vectors: Mapping[str, SparseVector]) -> None:
        """Replace sparse vectors; dense vectors and payloads stay."""
        rows = [qe.PointVectors(id_, {SPARSE: _sparse(v)}) for id_, v in vectors.items()]
        if rows:
            await self._call(self._shard.update, qe.UpdateOperation.update_vectors(rows))

    async def find(self, lookup: Lookup) -> Mapping[str, Ranking]:
        """Return one ranking per probe, all in one planned batch."""
        chosen = _filter(lookup)
        requests = [_request(probe, chosen) for probe in lookup.probes]
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

    async def scan(self) -> AsyncIterator[Sequence[StoredChunk]]:
        """Yield all chunks in the order of their ids."""
        offset: qe.PointId | None = None
        while True:
            request = qe.ScrollRequest(offset=offset, limit=_PAGE, with_payload=True)
            records, offset = await self._call(self._shard.scroll, request)
            if records:
                yield [from_payload(record.payload or {}) for record in records]
            if offset is None:
                return

    async def count(self) -> int:
        """Return the number of chunks."""
        return await self._call(self._shard.count, qe.CountRequest(exact=True))

    async def info(self) -> CollectionSpec:
        """Return what the collection was built with."""
        return self._spec

    async def stamp(self, spec: CollectionSpec) -> None:
        """Write `collection.json`, whole or not at all."""
        self._spec = spec
        await self._lane.run(_write_spec, self._folder, spec)

    async def optimize(self) -> None:
        """Merge segments and build the HNSW index where there are enough points."""
        await self._call(self._shard.optimize)

    async def close(self) -> None:
        """Flush and release the folder."""
        await self._call(self._shard.close)
        self._lane.close()

    async def _call(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._lane.run(call, *args, **kwargs)
        except Exception as error:
            if type(error) is not Exception:  # the engine raises bare `Exception`; nobody else
                raise
            raise StoreUnavailable(f"the store in {self._folder} failed: {error}") from error


def create_edge(folder: Path, spec: CollectionSpec) -> EdgeStore:
    """Return a new, empty collection in a folder.

    What a killed creation left behind (a shard without `collection.json`) is replaced.

    Raises:
        StoreUnavailable: the folder cannot be written.
        StoreLocked: another process is creating it.
    """
    shard_folder = folder / "points"
    config = qe.EdgeConfig(
        vectors={DENSE: qe.EdgeVectorParams(size=spec.dimension, distance=qe.Distance.Cosine)},
        sparse_vectors={SPARSE: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
        payload_memory=qe.Memory.Cached,  # cold, the first reads of 100 texts cost 4 ms, not .3
        optimizers=_OPTIMIZERS,
    )
    try:
        _clear(shard_folder)
        shard_folder.mkdir(parents=True)
        shard = qe.EdgeShard.create(str(shard_folder), config)
        for name in KEYWORD_FIELDS:
            shard.update(qe.UpdateOperation.create_field_index(name, qe.PayloadSchemaType.Keyword))
        _write_spec(folder, spec)
    except OSError as error:
        raise StoreUnavailable(
            f"cannot write {folder}: {error.strerror}: set store.path to a folder you may write"
        ) from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise StoreUnavailable(f"cannot create the store in {folder}: {error}") from error
    return EdgeStore(folder, shard, spec)


def _clear(folder: Path) -> None:
    """Remove the shard that a killed creation left behind, however much of it there is."""
    if not folder.exists():
        return
    strangers = {path.name for path in folder.iterdir()} - _ENGINE_FILES
    if strangers:
        raise StoreUnavailable(
            f"{folder} holds '{min(strangers)}', which is no part of a collection: set store.path "
            "to another folder"
        )
    with suppress(StoreUnavailable):  # half a shard
        _load(folder).close()  # refuses when somebody else is at work in it
    shutil.rmtree(folder)


def edge_exists(folder: Path) -> bool:
    """Whether a folder holds a finished collection."""
    return (folder / "collection.json").is_file()


def open_edge(folder: Path) -> EdgeStore:
    """Return the collection in a folder.

    Raises:
        StoreLocked: another process has it open.
        CollectionMismatch: it was written by another version of the schema.
        StoreUnavailable: it cannot be read.
    """
    file = folder / "collection.json"
    try:
        spec = to_spec(msgspec.json.decode(file.read_bytes()), str(folder))
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, no JSON, no spec
        raise StoreUnavailable(f"cannot read {file}: {error}: restore it or index anew") from error
    return EdgeStore(folder, _load(folder / "points"), spec)


def _load(folder: Path) -> qe.EdgeShard:
    try:
        return qe.EdgeShard.load(str(folder))
    except Exception as error:
        if "Kind(WouldBlock)" in str(error):  # the write-ahead log's file is locked
            raise StoreLocked(
                f"{folder.parent} is open in another process (firstcite serve?): stop it, use its "
                "HTTP API, or move to a Qdrant server with store.url"
            ) from None
        raise StoreUnavailable(f"cannot open {folder}: {error}") from error


def _write_spec(folder: Path, spec: CollectionSpec) -> None:
    temporary = folder / "collection.json.new"
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(spec)))
    temporary.replace(folder / "collection.json")


def _upsert(shard: qe.EdgeShard, points: Sequence[Point]) -> None:
    shard.update(qe.UpdateOperation.upsert_points([_row(point) for point in points]))


def _row(point: Point) -> qe.Point:
    vectors: dict[str, qe.NamedVector] = {
        DENSE: point.dense.tolist(),
        SPARSE: _sparse(point.sparse),
    }
    return qe.Point(point.chunk.id, vectors, to_payload(point.chunk, point.length))


def _sparse(vector: SparseVector) -> qe.SparseVector:
    return qe.SparseVector(list(vector.indices), list(vector.values))


def _request(probe: Probe | FeedbackProbe, chosen: qe.Filter) -> qe.QueryRequest:
    if isinstance(probe, FeedbackProbe):
        items = [qe.FeedbackItem(vector.tolist(), score) for vector, score in probe.feedback]
        strategy = qe.NaiveFeedbackStrategy(*probe.weights)
        feedback = qe.FeedbackNaiveQuery(probe.vector.tolist(), items, strategy)
        query = qe.Query.FeedbackNaive(feedback, using=DENSE)
    elif isinstance(probe.vector, SparseVector):
        query = qe.Query.Nearest(_sparse(probe.vector), using=SPARSE)
    else:
        query = qe.Query.Nearest(probe.vector.tolist(), using=DENSE)
    return qe.QueryRequest(limit=probe.depth, query=query, filter=chosen)


def _scores(points: Sequence[qe.ScoredPoint]) -> dict[str, float]:
    ids: list[str] = msgspec.to_builtins([point.id for point in points])  # str() takes .4 µs each
    return dict(zip(ids, [point.score for point in points], strict=True))


def _filter(lookup: Lookup) -> qe.Filter:
    return qe.Filter(must=[*_access(lookup.access), *map(_condition, lookup.where)])


def _access(access: Access) -> list[qe.FieldCondition | qe.Filter]:
    tenant = qe.FieldCondition("tenant", match=qe.MatchValue(access.tenant))
    if access.principals is None:
        return [tenant]
    named = qe.FieldCondition(PRINCIPALS_FIELD, match=qe.MatchAny(list(access.principals)))
    return [tenant, qe.Filter(should=[qe.IsEmptyCondition(PRINCIPALS_FIELD), named])]


def _condition(condition: Condition) -> qe.FieldCondition:
    value = condition.value
    if isinstance(value, tuple):
        strings = [v for v in value if isinstance(v, str)]
        integers = [v for v in value if isinstance(v, int)]
        return qe.FieldCondition(condition.field, match=qe.MatchAny(strings or integers))
    if isinstance(value, bool):  # the engine's binding takes Python's own bool for an integer
        match = qe.MatchValue(np.bool_(value))  # type: ignore[arg-type]
        return qe.FieldCondition(condition.field, match=match)
    if isinstance(value, str) or (condition.operator == "eq" and is_large(value)):
        return qe.FieldCondition(condition.field, match=qe.MatchValue(value))
    if condition.operator == "eq":  # MatchValue knows no fractions
        return qe.FieldCondition(condition.field, range=qe.RangeFloat(gte=value, lte=value))
    return qe.FieldCondition(
        condition.field, range=qe.RangeFloat(**{condition.operator: float(value)})
    )
