"""Collections in stores that a command names, and a copy from one to another."""

from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

from indexers.migrating import Migration, migrate
from indexers.stores.edge import create_edge, edge_exists, open_edge
from rag.errors import CollectionMismatch, CollectionNotFound
from rag.seams import CollectionSpec, Store
from rag.sections import StoreSettings


async def copied(
    origin: StoreSettings,
    goal: StoreSettings,
    name: str,
    on_progress: Callable[[str, int, int], None],
    *,
    fresh: bool,
) -> Migration:
    """Copy a collection from one store to another, which has none of that name if it is `fresh`.

    Raises:
        CollectionNotFound: there is none of that name to copy.
        CollectionMismatch, StoreLocked, StoreUnavailable: as `migrate`, and from the stores.
    """
    async with AsyncExitStack() as opened:
        source = await open_store(origin, name)
        if source is None:
            raise CollectionNotFound(
                f"no collection '{name}' in {origin.url or origin.path}: name another --collection"
            )
        opened.push_async_callback(source.close)
        begun = replace(await source.info(), settled=False)
        if fresh:
            await delete_store(goal, name)
        target = await open_store(goal, name) or await create_store(goal, name, begun)
        opened.push_async_callback(target.close)
        return await migrate(source, target, on_progress)


async def open_store(place: StoreSettings, name: str) -> Store | None:
    """Return the collection of that name in a store, or None.

    Raises:
        StoreLocked, StoreUnavailable, CollectionMismatch: from the store.
    """
    if place.url:
        from indexers.stores import server  # imports pydantic and grpc: .7 s

        return await server.open_collection(server.connect(place), name)
    folder = Path(place.path) / name
    return open_edge(folder, place) if edge_exists(folder) else None


async def create_store(place: StoreSettings, name: str, spec: CollectionSpec) -> Store:
    """Return a new, empty collection of that name in a store.

    Raises:
        StoreLocked, StoreUnavailable: from the store.
    """
    if place.url:
        from indexers.stores import server

        return await server.create_collection(server.connect(place), name, spec)
    return create_edge(Path(place.path) / name, spec, place)


async def delete_store(place: StoreSettings, name: str) -> None:
    """Delete the collection of that name, if there is one.

    Raises:
        StoreLocked, StoreUnavailable: from the store; an embedded one is kept while it is used.
    """
    if place.url:
        from indexers.stores import server

        connection = server.connect(place)
        try:
            await connection.ask(lambda client: client.delete_collection(name), long=True)
        finally:
            await connection.close()
        return
    folder = Path(place.path) / name
    with suppress(CollectionMismatch):  # of another version, which goes as well
        if edge_exists(folder):
            await open_edge(folder).close()
    (folder / "collection.json").unlink(missing_ok=True)  # its points are replaced with it
