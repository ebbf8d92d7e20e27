"""A Qdrant server or cluster through qdrant-client: the same points, the same queries.

What a collection was built with is kept in Qdrant's own collection metadata.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from typing import TypeVar

import msgspec
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ApiException

from indexers.stores.payload import (
    DENSE,
    INSTANT_FIELDS,
    KEYWORD_FIELDS,
    SPARSE,
    STATES,
    Payload,
    from_point,
    from_record,
    grouped,
    is_record,
    readable,
    record_id,
    to_payload,
    to_record,
    to_spec,
)
from indexers.stores.server_query import (
    of_documents,
    of_ids,
    of_states,
    to_filter,
    to_request,
    to_sparse,
)
from rag.errors import BadSettings, CollectionMismatch, StoreUnavailable
from rag.seams import CollectionSpec
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

T = TypeVar("T")
_PAGE = 1_000
_PUT = 256  # points per request: 256 · (384 · 4 + payload) bytes stays well under 32 MB
_METADATA = "firstcite"
# IDF counts deleted chunks until the server rewrites their segment; 100 is the least it takes.
_OPTIMIZERS = models.OptimizersConfigDiff(deleted_threshold=0.05, vacuum_min_vector_number=100)


class ServerStore:
    """A collection on a Qdrant server; closing it closes its client."""

    def __init__(self, client: AsyncQdrantClient, collection: str) -> None:
        self._client = client
        self._name = collection

    async def put(self, points: Sequence[Point]) -> None:
        """Insert or replace; applied when the call returns."""
        for start in range(0, len(points), _PUT):
            rows = [_row(point) for point in points[start : start + _PUT]]
            await _ask(self._client.upsert(self._name, rows, wait=True))

    async def record(self, records: Sequence[DocumentRecord]) -> None:
        """Insert or replace; applied when the call returns."""
        for start in range(0, len(records), _PUT):
            rows = [
                models.PointStruct(
                    id=record_id(r.tenant, r.document_id), vector={}, payload=to_record(r)
                )
                for r in records[start : start + _PUT]
            ]
            await _ask(self._client.upsert(self._name, rows, wait=True))

    async def drop(self, tenant: str, document_ids: Sequence[str]) -> None:
        """Delete the tenant's documents."""
        if document_ids:
            selector = models.FilterSelector(filter=of_documents(tenant, document_ids))
            await _ask(self._client.delete(self._name, selector, wait=True))

    async def remove(self, chunk_ids: Sequence[str]) -> None:
        """Delete chunks."""
        for start in range(0, len(chunk_ids), _PAGE):
            selector = models.PointIdsList(points=list(chunk_ids[start : start + _PAGE]))
            await _ask(self._client.delete(self._name, selector, wait=True))

    async def revise(self, record: DocumentRecord) -> None:
        """Replace source and metadata of the document's chunks."""
        chosen = of_documents(record.tenant, [record.document_id], chunks_only=True)
        payload = {"source": record.source, "metadata": dict(record.metadata)}
        await _ask(self._client.set_payload(self._name, payload, points=chosen, wait=True))

    async def mark(self, marks: Mapping[str, Validity]) -> None:
        """Replace validities."""
        for ids, told, lost in grouped(marks):
            some = of_ids(ids)
            if told:
                await _ask(self._client.set_payload(self._name, told, points=some, wait=True))
            if lost:
                await _ask(self._client.delete_payload(self._name, lost, points=some, wait=True))

    async def reweigh(self, vectors: Mapping[str, SparseVector]) -> None:
        """Replace sparse vectors; dense vectors and payloads stay."""
        rows = [
            models.PointVectors(id=id_, vector={SPARSE: to_sparse(vector)})
            for id_, vector in vectors.items()
        ]
        for start in range(0, len(rows), _PAGE):
            await _ask(
                self._client.update_vectors(self._name, rows[start : start + _PAGE], wait=True)
            )

    async def find(self, lookup: Lookup) -> Mapping[str, Ranking]:
        """Return one ranking per probe, in one request."""
        chosen = to_filter(lookup)
        requests = [to_request(probe, chosen) for probe in lookup.probes]
        replies = await _ask(self._client.query_batch_points(self._name, requests))
        return {
            probe.name: ranked({str(point.id): point.score for point in reply.points})
            for probe, reply in zip(lookup.probes, replies, strict=True)
        }

    async def get(self, chunk_ids: Sequence[str], access: Access | None) -> tuple[Chunk, ...]:
        """Return the chunks that exist and may be read, in the order asked."""
        if not chunk_ids:
            return ()
        records = await _ask(self._client.retrieve(self._name, list(chunk_ids)))
        return readable((record.payload or {} for record in records), chunk_ids, access)

    async def records(self, tenant: str, document_ids: Sequence[str]) -> tuple[DocumentRecord, ...]:
        """Return the records that exist, in the order asked."""
        ids = [record_id(tenant, id_) for id_ in document_ids]
        found = await _ask(self._client.retrieve(self._name, ids)) if ids else []
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
        self, chosen: models.Filter | None, *, vectors: bool
    ) -> AsyncIterator[Sequence[models.Record]]:
        offset: models.ExtendedPointId | None = None
        while True:
            rows, following = await _ask(
                self._client.scroll(
                    self._name, chosen, limit=_PAGE, offset=offset, with_vectors=vectors
                )
            )
            if rows:
                yield rows
            if following is None:
                return
            offset = str(following)

    async def count(self) -> int:
        """Return the number of chunks."""
        every = await _ask(self._client.count(self._name, exact=True))
        records = await _ask(self._client.count(self._name, of_states(STATES), exact=True))
        return every.count - records.count

    async def info(self) -> CollectionSpec:
        """Return what the collection was built with.

        Raises:
            CollectionMismatch: it was not made by FirstCite, or by another version of the schema.
        """
        info = await _ask(self._client.get_collection(self._name))
        try:
            return to_spec((info.config.metadata or {})[_METADATA], f"'{self._name}'")
        except (KeyError, msgspec.ValidationError):
            raise CollectionMismatch(
                f"the collection '{self._name}' was not made by FirstCite: use another --collection"
            ) from None

    async def stamp(self, spec: CollectionSpec) -> None:
        """Write the spec into the collection's metadata."""
        await _ask(self._client.update_collection(self._name, metadata=_metadata(spec)))

    async def optimize(self) -> None:
        """Do nothing: the server optimises by itself."""

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()


def connect(settings: StoreSettings) -> AsyncQdrantClient:
    """Return a client of the server at `settings.url`; ":memory:" is qdrant-client's local mode.

    Raises:
        BadSettings: the url is none.
    """
    try:
        return AsyncQdrantClient(
            location=settings.url,
            api_key=settings.api_key or None,
            timeout=math.ceil(settings.timeout_s),
            prefer_grpc=settings.grpc,
            grpc_port=settings.grpc_port,
            check_compatibility=False,  # it warns on the console and cannot be acted on
        )
    except ValueError as error:
        raise BadSettings(
            f"store.url is '{settings.url}': {error}: write http://HOST:6333 or https://HOST:6333"
        ) from None


async def names_on(client: AsyncQdrantClient) -> tuple[str, ...]:
    """Return the names of the server's collections, sorted.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    reply = await _ask(client.get_collections())
    return tuple(sorted(collection.name for collection in reply.collections))


async def open_collection(client: AsyncQdrantClient, name: str) -> ServerStore | None:
    """Return an existing collection, or None; then the client is closed.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    try:
        if await _ask(client.collection_exists(name)):
            return ServerStore(client, name)
    except StoreUnavailable:
        await client.close()
        raise
    await client.close()
    return None


async def create_collection(
    client: AsyncQdrantClient, name: str, spec: CollectionSpec, shards: int, replicas: int
) -> ServerStore:
    """Return a new, empty collection; on a cluster with that many shards and copies.

    Raises:
        StoreUnavailable: the server refuses or does not answer.
    """
    await _ask(
        client.create_collection(
            name,
            vectors_config={
                DENSE: models.VectorParams(size=spec.dimension, distance=models.Distance.COSINE)
            },
            sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            shard_number=shards,
            replication_factor=replicas,
            optimizers_config=_OPTIMIZERS,
            metadata=_metadata(spec),
        )
    )
    for field in KEYWORD_FIELDS:
        schema = models.KeywordIndexParams(
            type=models.KeywordIndexType.KEYWORD, is_tenant=field == "tenant"
        )
        await _ask(client.create_payload_index(name, field, schema))
    for field in INSTANT_FIELDS:
        await _ask(client.create_payload_index(name, field, models.PayloadSchemaType.DATETIME))
    return ServerStore(client, name)


async def _ask(call: Awaitable[T]) -> T:
    try:
        return await call
    except (ApiException, OSError, ValueError) as error:
        raise StoreUnavailable(
            f"Qdrant did not do it: {error}. Is the server of store.url up?"
        ) from error
    except Exception as error:
        # gRPC's errors share no base with HTTP's, and importing grpc here costs every HTTP user.
        if type(error).__module__.startswith("grpc"):
            raise StoreUnavailable(
                f"Qdrant did not do it: {error}. Is the server of store.url up?"
            ) from error
        raise


def _metadata(spec: CollectionSpec) -> dict[str, object]:
    return {_METADATA: msgspec.to_builtins(spec)}


def _point(payload: Payload, vector: object) -> Point:
    assert isinstance(vector, dict)  # noqa: S101 - our points have named vectors
    return from_point(payload, vector)


def _row(point: Point) -> models.PointStruct:
    vectors: dict[str, models.Vector] = {DENSE: point.dense.tolist()}
    if point.sparse.indices:  # a chunk without terms does not count in the IDF
        vectors[SPARSE] = to_sparse(point.sparse)
    return models.PointStruct(
        id=point.chunk.id,
        vector=vectors,
        payload=to_payload(point.chunk, point.length),
    )
