"""A Qdrant server or cluster through qdrant-client: the same points, the same queries.

What a collection was built with is kept in Qdrant's own collection metadata. Writes are applied
when the call returns, by as many copies as the collection's write consistency asks for: what a run
writes next builds on it. On a cluster with copies, a reader that asks one copy may meet one that is
behind; `store.write_consistency` and `store.read_consistency` of a majority each rule that out.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
from qdrant_client import models

from indexers.stores.payload import (
    STATES,
    Payload,
    from_point,
    from_record,
    grouped,
    in_order,
    is_record,
    readable,
    record_id,
    to_spec,
)
from indexers.stores.server_batches import of_names, of_points, of_records, of_vectors
from indexers.stores.server_calls import Connection, Write, connect
from indexers.stores.server_config import METADATA, create, to_consistency, to_metadata, to_params
from indexers.stores.server_query import (
    of_documents,
    of_ids,
    of_states,
    of_stretches,
    to_filter,
    to_request,
)
from indexers.stores.server_reading import payloads, scroll
from rag.errors import CollectionMismatch, StoreUnavailable
from rag.seams import CollectionSpec, Stretch
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

__all__ = ["ServerStore", "connect", "create_collection", "names_on", "open_collection"]

_LOOK_EVERY_S = 0.25


class ServerStore:
    """A collection on a Qdrant server; closing it closes its connection."""

    def __init__(self, connection: Connection, collection: str) -> None:
        settings = connection.settings
        self._server = connection
        self._name = collection
        self._params = to_params(settings)
        self._consistency = to_consistency(settings)
        self._ordering = models.WriteOrdering(settings.write_ordering)

    async def put(self, points: Sequence[Point]) -> None:
        """Insert or replace; applied when the call returns."""
        await self._server.write(map(self._upsert, of_points(points)))

    async def record(self, records: Sequence[DocumentRecord]) -> None:
        """Insert or replace; applied when the call returns."""
        await self._server.write(map(self._upsert, of_records(records)))

    async def drop(self, tenant: str, document_ids: Sequence[str]) -> None:
        """Delete the tenant's documents."""
        chosen = (of_documents(tenant, ids) for ids in of_names(document_ids))
        selectors = (models.FilterSelector(filter=documents) for documents in chosen)
        await self._server.write(map(self._delete, selectors), long=True)

    async def remove(self, chunk_ids: Sequence[str]) -> None:
        """Delete chunks."""
        selectors = (models.PointIdsList(points=list(ids)) for ids in of_names(chunk_ids))
        await self._server.write(map(self._delete, selectors))

    async def revise(self, record: DocumentRecord) -> None:
        """Replace source and metadata of the document's chunks."""
        chosen = of_documents(record.tenant, [record.document_id], chunks_only=True)
        payload = {"source": record.source, "metadata": dict(record.metadata)}
        await self._server.write([self._telling(payload, chosen)], long=True)

    async def mark(self, marks: Mapping[str, Validity]) -> None:
        """Replace validities."""
        for ids, told, lost in grouped(marks):
            some = of_ids(ids)
            if told:
                await self._server.write([self._telling(told, some)], long=True)
            if lost:
                await self._server.write([self._losing(lost, some)], long=True)

    def _telling(self, payload: Payload, chosen: models.Filter) -> Write:
        return lambda client: client.set_payload(
            self._name, payload, points=chosen, wait=True, ordering=self._ordering
        )

    def _losing(self, keys: Sequence[str], chosen: models.Filter) -> Write:
        return lambda client: client.delete_payload(
            self._name, list(keys), points=chosen, wait=True, ordering=self._ordering
        )

    async def reweigh(self, vectors: Mapping[str, SparseVector]) -> None:
        """Replace sparse vectors; dense vectors and payloads stay."""
        await self._server.write(map(self._update_vectors, of_vectors(vectors)))

    async def find(self, lookup: Lookup) -> Mapping[str, Ranking]:
        """Return one ranking per probe, in one request."""
        chosen = to_filter(lookup)
        requests = [to_request(probe, chosen, self._params) for probe in lookup.probes]
        replies = await self._server.ask(
            lambda client: client.query_batch_points(
                self._name, requests, consistency=self._consistency
            )
        )
        return {
            probe.name: ranked({str(point.id): point.score for point in reply.points})
            for probe, reply in zip(lookup.probes, replies, strict=True)
        }

    async def get(self, chunk_ids: Sequence[str], access: Access | None) -> tuple[Chunk, ...]:
        """Return the chunks that exist and may be read, in the order asked."""
        found = await payloads(self._server, self._name, chunk_ids)
        return readable(found, chunk_ids, access)

    async def around(self, wanted: Sequence[Stretch], access: Access) -> tuple[Chunk, ...]:
        """Return the chunks in these stretches that may be read."""
        if not wanted:
            return ()
        chosen = of_stretches(wanted, access)
        pages = scroll(self._server, self._name, chosen, vectors=False)
        return in_order([row.payload or {} async for rows in pages for row in rows], access)

    async def records(self, tenant: str, document_ids: Sequence[str]) -> tuple[DocumentRecord, ...]:
        """Return the records that exist, in the order asked."""
        ids = [record_id(tenant, id_) for id_ in document_ids]
        found = map(from_record, await payloads(self._server, self._name, ids))
        held = {record_id(record.tenant, record.document_id): record for record in found}
        return tuple(held[id_] for id_ in ids if id_ in held)

    async def survey(self, *, unfinished: bool = False) -> AsyncIterator[Sequence[DocumentRecord]]:
        """Yield all records, or those that are not whole, in the order of their points' ids."""
        states = [state for state in STATES if state != "whole" or not unfinished]
        chosen = of_states(states)
        async for rows in scroll(self._server, self._name, chosen, vectors=False):
            yield [from_record(row.payload or {}) for row in rows]

    async def scan(self, record: DocumentRecord | None = None) -> AsyncIterator[Sequence[Point]]:
        """Yield all points, or those of a document, in the order of their ids."""
        chosen = of_documents(record.tenant, [record.document_id]) if record else None
        async for rows in scroll(self._server, self._name, chosen, vectors=True):
            pairs = ((row.payload or {}, row.vector) for row in rows)
            yield [_point(p, vector) for p, vector in pairs if not is_record(p)]

    async def count(self) -> int:
        """Return the number of chunks."""
        records = await self._count(of_states(STATES))
        return await self._count(None) - records

    async def _count(self, chosen: models.Filter | None) -> int:
        counted = await self._server.ask(  # of one copy: the client does not take a consistency
            lambda client: client.count(self._name, chosen, exact=True), long=True
        )
        return counted.count

    async def info(self) -> CollectionSpec:
        """Return what the collection was built with.

        Raises:
            CollectionMismatch: it was not made by FirstCite, or by another version of the schema.
        """
        info = await self._server.ask(lambda client: client.get_collection(self._name))
        try:
            return to_spec((info.config.metadata or {})[METADATA], f"'{self._name}'")
        except (KeyError, msgspec.ValidationError):
            raise CollectionMismatch(
                f"the collection '{self._name}' was not made by FirstCite: use another --collection"
            ) from None

    async def stamp(self, spec: CollectionSpec) -> None:
        """Write the spec into the collection's metadata."""
        await self._server.ask(
            lambda client: client.update_collection(self._name, metadata=to_metadata(spec))
        )

    async def optimize(self) -> None:
        """Wait until the server, by itself, has built its indexes: `store.optimize_s` at most.

        Raises:
            StoreUnavailable: it cannot build them.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._server.settings.optimize_s
        while loop.time() < ends:
            info = await self._server.ask(lambda client: client.get_collection(self._name))
            if info.status == models.CollectionStatus.RED:
                raise StoreUnavailable(
                    f"Qdrant cannot optimise '{self._name}': {info.optimizer_status}: see its log"
                )
            if info.status == models.CollectionStatus.GREEN:
                return
            await asyncio.sleep(min(_LOOK_EVERY_S, max(0.0, ends - loop.time())))

    async def close(self) -> None:
        """Close the connection."""
        await self._server.close()

    def _upsert(self, rows: list[models.PointStruct]) -> Write:
        return lambda client: client.upsert(self._name, rows, wait=True, ordering=self._ordering)

    def _delete(self, chosen: models.PointsSelector) -> Write:
        return lambda client: client.delete(self._name, chosen, wait=True, ordering=self._ordering)

    def _update_vectors(self, rows: list[models.PointVectors]) -> Write:
        return lambda client: client.update_vectors(
            self._name, rows, wait=True, ordering=self._ordering
        )


async def names_on(server: Connection) -> tuple[str, ...]:
    """Return the names of the server's collections, sorted.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    reply = await server.ask(lambda client: client.get_collections())
    return tuple(sorted(collection.name for collection in reply.collections))


async def open_collection(server: Connection, name: str) -> ServerStore | None:
    """Return an existing collection, or None; then the connection is closed.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    try:
        if await server.ask(lambda client: client.collection_exists(name)):
            return ServerStore(server, name)
    except StoreUnavailable:
        await server.close()
        raise
    await server.close()
    return None


async def create_collection(server: Connection, name: str, spec: CollectionSpec) -> ServerStore:
    """Return a new, empty collection, made as the connection's settings say.

    Raises:
        StoreUnavailable: the server refuses or does not answer.
    """
    await create(server, name, spec)
    return ServerStore(server, name)


def _point(payload: Payload, vector: object) -> Point:
    assert isinstance(vector, dict)  # noqa: S101 - our points have named vectors
    return from_point(payload, vector)
