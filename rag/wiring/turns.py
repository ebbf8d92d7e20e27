"""Who writes into a collection: one process at a time, wherever the others are."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import AsyncFileLock

from rag.errors import StoreUnavailable
from rag.sections import Secret

if TYPE_CHECKING:
    from redis.asyncio import Redis

_POLL_S = 0.2


class Turns:
    """The turns of those who write into the collections of a store.

    The embedded store is one process's as it is. Those who write to a Qdrant server take turns by
    the Redis that they share, or without one, on one machine, by locks in a folder.

    Args:
        url: of the server; empty is the embedded store.
        redis: address of the Redis; empty is none.
        folder: of the locks; made when the first one is taken.

    Raises:
        BadSettings: the address is none.
    """

    def __init__(self, url: str, redis: Secret, folder: Path) -> None:
        self._needed = bool(url)
        self._place = hashlib.sha256(url.encode()).hexdigest()[:16]
        self._folder = folder
        self._redis = _connected(redis) if redis and self._needed else None

    @asynccontextmanager
    async def take(self, family: str) -> AsyncIterator[None]:
        """Keep everybody else from writing into the collections of a name.

        Raises:
            StoreUnavailable: the folder cannot be written.
            Unavailable: the Redis does not answer.
        """
        if not self._needed:
            yield
        elif self._redis is None:
            async with self._locked(family):
                yield
        else:
            from rag.sharing import leased

            name = f"collection:{self._place}:{family}"
            async with leased(self._redis, name, wait=True):
                yield

    async def close(self) -> None:
        """Release the connection."""
        if self._redis is not None:
            await self._redis.aclose()

    @asynccontextmanager
    async def _locked(self, family: str) -> AsyncIterator[None]:
        file = self._folder / f"{self._place}-{family}.lock"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = AsyncFileLock(file, poll_interval=_POLL_S)
            await lock.acquire()
        except OSError as error:
            raise StoreUnavailable(
                f"cannot lock in {self._folder}: {error.strerror}: set llm.cache to a folder "
                "you may write"
            ) from error
        try:
            yield
        finally:
            await lock.release()


def _connected(redis: Secret) -> Redis:
    from rag.sharing import connect  # .2 s, which few need

    return connect(redis)
