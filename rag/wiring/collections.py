"""The open collections of an engine: each opened once, and followed where its name leads."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from indexers.stores.catalogue import Catalogue, checked_name, family_of, number_of
from rag.errors import CollectionMismatch, RagError
from rag.seams import CollectionSpec, Store
from rag.sections import StoreSettings
from rag.wiring.fitting import check
from rag.wiring.naming import catalogue, missing

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

    Names that stand for one collection share its store. One that no name stands for any more stays
    open as long as somebody refers to it: a search that has begun there ends there.

    Args:
        settings: where collections are.
        spec: what a collection must be built with to be searched, and is made with.
        turn: keeps other processes from writing into the collections of a name.
    """

    def __init__(
        self,
        settings: StoreSettings,
        spec: CollectionSpec,
        turn: Callable[[str], AbstractAsyncContextManager[object]] = nullcontext,
    ) -> None:
        self.spec = spec
        self._settings = settings
        self._turn = turn
        self._catalogue: Catalogue | None = None
        self._open: dict[str, Opened] = {}
        self._stores: WeakValueDictionary[str, Store] = WeakValueDictionary()  # by collection
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
        """Keep everybody else from writing into a collection, under whatever name.

        Raises:
            BadCollection: no possible name.
            StoreUnavailable: from the store, or from whatever keeps other processes away.
        """
        while True:
            family = await self._family(name)
            async with self._writing.setdefault(family, asyncio.Lock()):
                if await self._family(name) != family:
                    continue  # the name was switched meanwhile
                async with self._turn(family):
                    yield
                return

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[Catalogue]:
        """Close what only a name stands for, and keep everybody of this process from opening it.

        Searches that are under way in it fail. What other names stand for, too, stays open.

        Raises:
            StoreUnavailable: it could not be flushed.
        """
        async with self.writing(name), self._opening:
            names = {**await self.catalogue().names()}
            meant = names.pop(name, None)
            self._open.pop(name, None)
            for physical, store in [*self._stores.items()]:
                its = physical == meant or number_of(name, physical) >= 0
                if its and physical not in names.values():
                    del self._stores[physical]
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
            shared = self._stores.get(physical)
            store = shared or await self.catalogue().open(physical)
        try:
            yield store
        finally:
            if shared is None:
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
        """Let a name stand for a collection from now on, and with it those that stood for the same.

        Return whether it is searched here, too.

        It is not where it does not fit; then what is open stays so, and `store` is the caller's.

        Raises:
            StoreLocked, StoreUnavailable: the name could not be switched.
        """
        async with self._opening:
            built, before = await store.info(), await self.catalogue().names()
            names = {name} | {other for other in before if before[other] == before.get(name)}
            for each in sorted(names):
                if before.get(each) != each or each == name:  # a plain one can only be itself
                    await self.catalogue().point(each, physical)
            try:
                check(name, built, self.spec)
            except CollectionMismatch:
                for each in names & self._open.keys():
                    self._open[each].refused = physical
                return False
            for each in names:
                self._enter(each, physical, store)
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
            stores = [*self._stores.values()]
            self._open, self._stores = {}, WeakValueDictionary()
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
                del self._open[name]
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
        if (shared := self._stores.get(physical)) is not None:
            return shared
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

    async def _family(self, name: str) -> str:
        return family_of(await self.catalogue().resolve(checked_name(name)) or name)

    def _enter(self, name: str, physical: str, store: Store) -> Opened:
        self._stores[physical] = store
        self._open[name] = Opened(physical, store, time.monotonic())
        return self._open[name]


def _as_made(spec: CollectionSpec) -> CollectionSpec:
    """Return what a collection was before anything was put into it."""
    return replace(spec, mean_length=0.0, chunks=0, terms=0, settled=True)
