"""A collection copied from one place to another; it takes its name there when it is whole."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from indexers.migrating import Migration, is_copy, migrate
from indexers.stores.catalogue import Catalogue, checked_name, number_of
from rag.errors import CollectionMismatch, CollectionNotFound
from rag.seams import CollectionSpec, Store
from rag.sections import StoreSettings
from rag.wiring.naming import catalogue


async def moved(
    origin: StoreSettings,
    goal: StoreSettings,
    name: str,
    on_progress: Callable[[str, int, int], None],
    *,
    fresh: bool,
) -> Migration:
    """Copy a collection, and let its name stand for the copy; one that was begun is gone on with.

    Args:
        origin: where it is; only read.
        goal: where the copy is to be.
        name: of the collection.
        on_progress: is told what is done, how much of it, and of how much.
        fresh: whether another collection that has the name there gives it up, and is deleted.

    Raises:
        BadCollection, CollectionNotFound: no possible name, or none that stands for anything.
        CollectionMismatch, StoreLocked, StoreUnavailable: as `migrate`, and from the stores.
    """
    async with AsyncExitStack() as opened:
        source, built = await _source(origin, name, opened)
        there = catalogue(goal)
        opened.push_async_callback(there.close)
        before = await there.resolve(name)
        if before is not None and not fresh:
            target = await there.open(before)
            opened.push_async_callback(target.close)
            return await migrate(source, target, on_progress)
        if before is not None:
            await (await there.open(before)).close()  # nobody else has it open
        begun = None if fresh else await _begun(there, name, built)
        now, target = begun or await there.create(name, replace(built, settled=False))
        opened.push_async_callback(target.close)
        done = await migrate(source, target, on_progress)
        await there.point(name, now)
    if before is not None:
        await _drop(goal, before)
    return done


async def _source(
    origin: StoreSettings, name: str, opened: AsyncExitStack
) -> tuple[Store, CollectionSpec]:
    here = catalogue(origin)
    opened.push_async_callback(here.close)
    physical = await here.resolve(checked_name(name))
    if physical is None:
        raise CollectionNotFound(
            f"no collection '{name}' in {origin.url or origin.path}: name another --collection"
        )
    source = await here.open(physical)
    opened.push_async_callback(source.close)
    return source, await source.info()


async def _begun(there: Catalogue, name: str, built: CollectionSpec) -> tuple[str, Store] | None:
    """Return a copy that an ended command began, which nobody sees yet."""
    for physical in await there.physicals():
        if number_of(name, physical) < 1:
            continue
        try:
            store = await there.open(physical)
        except CollectionMismatch:
            continue
        if is_copy(built, await store.info()):
            return physical, store
        await store.close()
    return None


async def _drop(place: StoreSettings, physical: str) -> None:
    there = catalogue(place)
    try:
        await there.drop(physical)
    finally:
        await there.close()
