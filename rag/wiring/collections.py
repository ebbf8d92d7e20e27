"""The open collections of an engine: each opened once, and followed where its name leads."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from indexers.stores.catalogue import Catalogue, checked_name, number_of
from indexers.stores.catalogue_edge import EdgeCatalogue
from rag.errors import CollectionMismatch, CollectionNotFound, RagError
from rag.seams import CollectionSpec, Store
from rag.sections import StoreSettings
from rag.wiring.fitting import check

FOLLOW_S = 2.0  # chosen: how long a name that another process has switched may lead to the old one


@dataclass(slots=True)
class Opened:
    """A collection that is open, when it was looked where its name leads, and what it cannot be."""

    physical: str
    store: Store
    looked: float
    refused: str = ""  # where the name leads, but what does not fit the settings


class Collections:
    """What an engine has open.

    A store that a name has left stays open as long as somebody refers to it: a search that has
    begun there ends there.

    Args:
        settings: where collections are.
        spec: what a collection must be built with to be searched, and is made with.
    """

    def __init__(self, settings: StoreSettings, spec: CollectionSpec) -> None:
        self.spec = spec
        self._settings = settings
        self._catalogue: Catalogue | None = None
        self._open: dict[str, Opened] = {}
        self._left: WeakKeyDictionary[Store, str] = WeakKeyDictionary()  # of which name
        self._opening = asyncio.Lock()
        self._writing: dict[str, asyncio.Lock] = {}

    async def get(self, name: str) -> Store | None:
        """Return the store that a name stands for, None where there is none.

        One that is open and cannot be followed to where the name leads now goes on being used.

        Raises:
            BadCollection: no possible name.
            CollectionMismatch: it was built with another encoder or other BM25 settings.
            StoreLocked, StoreUnavailable: from the store.
        """
        async with self._opening:
            opened = self._open.get(name)
            if opened is None:
                opened = await self._first(name)
            elif time.monotonic() - opened.looked >= FOLLOW_S:
                opened.looked = time.monotonic()
                opened = await self._followed(name, opened)
            return opened.store if opened else None

    async def to_write(self, name: str) -> Store:
        """Return the store that a name stands for now, which is made where there is none.

        Raises:
            BadCollection, CollectionMismatch, StoreLocked, StoreUnavailable: as `get`; here also
                where a name leads now to what does not fit, while what it left is still open.
        """
        async with self._opening:
            opened = self._open.get(name)
            if opened is None or await self.catalogue().resolve(name) != opened.physical:
                opened = await self._first(name) or await self._made(name)
            return opened.store

    @asynccontextmanager
    async def writing(self, name: str) -> AsyncIterator[None]:
        """Keep everybody else of this process from writing into a collection."""
        async with self._writing.setdefault(name, asyncio.Lock()):
            yield

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[Catalogue]:
        """Close what a name stands for, and keep everybody of this process from opening it.

        Searches that are under way in it fail.

        Raises:
            StoreUnavailable: it could not be flushed.
        """
        async with self.writing(name), self._opening:
            self._leave(name)
            for store in [store for store, of in self._left.items() if of == name]:
                del self._left[store]
                await store.close()
            yield self.catalogue()

    @asynccontextmanager
    async def reading(self, name: str) -> AsyncIterator[tuple[str, Store]]:
        """Give the collection that a name stands for, whatever it was built with.

        Raises:
            BadCollection, CollectionNotFound, StoreLocked, StoreUnavailable: as `get`.
            CollectionMismatch: it was written by another version of the schema.
        """
        physical = await self.catalogue().resolve(checked_name(name))
        if physical is None:
            raise missing(name)
        async with self.looking(physical) as store:
            yield physical, store

    @asynccontextmanager
    async def looking(self, physical: str) -> AsyncIterator[Store]:
        """Give a physical collection, whatever it was built with; what is open is shared.

        Raises:
            CollectionNotFound, CollectionMismatch, StoreLocked, StoreUnavailable: as `reading`.
        """
        async with self._opening:
            shared = [of.store for of in self._open.values() if of.physical == physical]
            store = shared[0] if shared else await self.catalogue().open(physical)
        try:
            yield store
        finally:
            if not shared:
                await store.close()

    async def beside(self, name: str, physical: str, spec: CollectionSpec) -> tuple[str, Store]:
        """Return a collection that can take another's place, and is seen by nobody yet.

        One of the same spec that was begun after the other, and never took its place, is gone on
        with.

        Raises:
            StoreLocked: another process is at work in it.
            StoreUnavailable: from the store.
        """
        catalogue, since = self.catalogue(), number_of(name, physical)
        for other in await catalogue.physicals():
            if number_of(name, other) > since:
                store = await self._alike(other, spec)
                if store is not None:
                    return other, store
        return await catalogue.create(name, spec)

    async def switch(self, name: str, physical: str, store: Store) -> bool:
        """Let a name stand for a collection from now on; return whether it is searched here, too.

        It is not where it does not fit; then what is open stays so, and `store` is the caller's.

        Raises:
            StoreLocked, StoreUnavailable: the name could not be switched.
        """
        async with self._opening:
            built = await store.info()
            await self.catalogue().point(name, physical)
            try:
                check(name, built, self.spec)
            except CollectionMismatch:
                if name in self._open:
                    self._open[name].refused = physical
                return False
            self._enter(name, physical, store)
            return True

    def look_again(self, name: str) -> None:
        """Look where a name leads as soon as it is asked for."""
        if name in self._open:
            self._open[name].looked = 0.0

    def catalogue(self) -> Catalogue:
        """Return the catalogue; this is what connects to a server."""
        if self._catalogue is None:
            self._catalogue = catalogue(self._settings)
        return self._catalogue

    async def close(self) -> None:
        """Flush and release everything; one that fails does not keep the others open.

        Raises:
            StoreUnavailable: a collection could not be flushed.
        """
        async with self._opening:
            stores = [*(opened.store for opened in self._open.values()), *self._left]
            self._open, self._left = {}, WeakKeyDictionary()
            held, self._catalogue = self._catalogue, None
            ended = await asyncio.gather(
                *(store.close() for store in stores), return_exceptions=True
            )
            if held is not None:
                await held.close()
        for error in ended:
            if error is not None:
                raise error

    async def _first(self, name: str) -> Opened | None:
        physical = await self.catalogue().resolve(checked_name(name))
        if physical is None:
            return None
        return self._enter(name, physical, await self._fitting(name, physical))

    async def _followed(self, name: str, opened: Opened) -> Opened | None:
        physical: str | None = ""
        try:
            physical = await self.catalogue().resolve(name)
            if physical in {opened.physical, opened.refused}:
                return opened
            if physical is None:
                self._leave(name)
                return None
            store = await self._fitting(name, physical)
        except CollectionMismatch:
            opened.refused = physical or ""
            return opened
        except RagError:  # no answer, or locked: the next look may do better
            return opened
        return self._enter(name, physical, store)

    async def _made(self, name: str) -> Opened:
        physical, store = await self.catalogue().create(name, self.spec)
        try:
            await self.catalogue().point(name, physical)
        except RagError:
            await store.close()
            await self.catalogue().drop(physical)
            raise
        return self._enter(name, physical, store)

    async def _fitting(self, name: str, physical: str) -> Store:
        store = await self.catalogue().open(physical)
        try:
            check(name, await store.info(), self.spec)
        except RagError:
            await store.close()
            raise
        return store

    async def _alike(self, physical: str, spec: CollectionSpec) -> Store | None:
        """Return the store of a collection of this spec, None for any other."""
        try:
            store = await self.catalogue().open(physical)
        except CollectionMismatch:
            return None
        try:
            if _as_made(await store.info()) == _as_made(spec):
                return store
        except CollectionMismatch:
            pass
        await store.close()
        return None

    def _enter(self, name: str, physical: str, store: Store) -> Opened:
        self._leave(name)
        self._open[name] = Opened(physical, store, time.monotonic())
        return self._open[name]

    def _leave(self, name: str) -> None:
        if name in self._open:
            self._left[self._open.pop(name).store] = name


def catalogue(settings: StoreSettings) -> Catalogue:
    """Return the catalogue of the store that the settings name.

    Raises:
        BadSettings: the url is none.
    """
    if settings.url:
        from indexers.stores.catalogue_server import ServerCatalogue  # pydantic and grpc: .7 s

        return ServerCatalogue(settings)
    return EdgeCatalogue(settings)


def missing(name: str) -> CollectionNotFound:
    """Return the error for a name that stands for nothing."""
    return CollectionNotFound(f"no collection '{name}': firstcite index PATH --collection {name}")


def _as_made(spec: CollectionSpec) -> CollectionSpec:
    """Return what a collection was before anything was put into it."""
    return replace(spec, mean_length=0.0, chunks=0, terms=0, settled=True)
