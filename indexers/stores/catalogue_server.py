"""The catalogue of a Qdrant server: its collections, and its own aliases, which switch at once."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from qdrant_client import models

from indexers.stores.catalogue import NAME, PHYSICAL, following, refuse_named
from indexers.stores.payload import to_spec
from indexers.stores.server import ServerStore, create_collection, names_on
from indexers.stores.server_calls import connect
from indexers.stores.server_snapshots import fetch_snapshot, send_snapshot
from indexers.stores.snapshots import pack, unpack
from rag.errors import (
    BadCollection,
    CollectionMismatch,
    CollectionNotFound,
    StoreUnavailable,
)
from rag.seams import CollectionSpec
from rag.sections import StoreSettings

_FILE = "collection.snapshot"


class SharedStore(ServerStore):
    """A collection over a connection that others use, too: closing it leaves that open."""

    async def close(self) -> None:
        """Do nothing: the catalogue closes the connection."""


class ServerCatalogue:
    """The collections of a server, over one connection."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._server = connect(settings)

    async def names(self) -> Mapping[str, str]:
        """Return the server's aliases, and the collections whose names could be ours."""
        plain = {name: name for name in await names_on(self._server) if NAME.fullmatch(name)}
        return {**plain, **await self._aliases()}

    async def physicals(self) -> tuple[str, ...]:
        """Return the server's collections; some may be of others, which `info` tells."""
        found = await names_on(self._server)
        return tuple(name for name in found if NAME.fullmatch(name) or PHYSICAL.fullmatch(name))

    async def resolve(self, name: str) -> str | None:
        """Return what the alias stands for, or the collection of that very name."""
        if (physical := (await self._aliases()).get(name)) is not None:
            return physical
        return name if await self._exists(name) else None

    async def create(self, name: str, spec: CollectionSpec) -> tuple[str, SharedStore]:
        """Return a new collection on the server.

        Raises:
            CollectionMismatch: a collection stands where the alias would.
        """
        physical = await self._following(name)
        await create_collection(self._server, physical, spec)
        return physical, SharedStore(self._server, physical)

    async def open(self, physical: str) -> SharedStore:
        """Return a collection of the server."""
        if not await self._exists(physical):
            raise CollectionNotFound(
                f"no collection '{physical}' at {self._settings.url}: firstcite collections list"
            )
        return SharedStore(self._server, physical)

    async def point(self, name: str, physical: str) -> None:
        """Switch the alias, in one step of the server's."""
        alias = models.CreateAlias(alias_name=name, collection_name=physical)
        gone = [_deletion(name)] if name in await self._aliases() else []
        await self._update([*gone, models.CreateAliasOperation(create_alias=alias)])

    async def forget(self, name: str) -> None:
        """Delete the alias."""
        await self._update([_deletion(name)])

    async def drop(self, physical: str) -> None:
        """Delete a collection of the server; whoever searches it now gets an error."""
        refuse_named(physical, await self._aliases())
        if not await self._exists(physical):
            raise CollectionNotFound(f"no collection '{physical}': firstcite collections list")
        await self._server.ask(lambda client: client.delete_collection(physical), long=True)

    async def snapshot(self, physical: str, file: Path) -> None:
        """Let the server make a snapshot, and fetch it."""
        spec = await (await self.open(physical)).info()
        with tempfile.TemporaryDirectory(prefix="firstcite-") as folder:
            try:
                await fetch_snapshot(self._server, physical, Path(folder) / _FILE)
            except NotImplementedError:
                raise BadCollection(
                    "qdrant-client's local mode makes no snapshots: set store.url to a server"
                ) from None
            await asyncio.to_thread(pack, file, "server", physical, spec, Path(folder), [_FILE])

    async def restore(self, file: Path, name: str) -> str:
        """Send a snapshot to the server, which makes a new collection of it."""
        physical = await self._following(name)
        with tempfile.TemporaryDirectory(prefix="firstcite-") as folder:
            manifest = await asyncio.to_thread(unpack, file, "server", Path(folder))
            spec = to_spec(manifest.spec, str(file))
            await send_snapshot(self._server, physical, Path(folder) / _FILE)
        if await (await self.open(physical)).info() != spec:
            await self.drop(physical)
            raise StoreUnavailable(f"the server made another collection of {file} than it says")
        return physical

    async def size(self, physical: str) -> None:
        """Return nothing: a server does not tell."""
        del physical

    async def close(self) -> None:
        """Close the connection."""
        await self._server.close()

    async def _following(self, name: str) -> str:
        found = await names_on(self._server)
        if name in found:
            raise CollectionMismatch(
                f"on the server '{name}' is a collection itself, so nothing else can take its "
                "name: take another --collection"
            )
        return following(name, found)

    async def _aliases(self) -> Mapping[str, str]:
        reply = await self._server.ask(lambda client: client.get_aliases())
        return {alias.alias_name: alias.collection_name for alias in reply.aliases}

    async def _update(self, operations: list[models.AliasOperations]) -> None:
        await self._server.ask(lambda client: client.update_collection_aliases(operations))

    async def _exists(self, physical: str) -> bool:
        return await self._server.ask(lambda client: client.collection_exists(physical))


def _deletion(name: str) -> models.DeleteAliasOperation:
    return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=name))
