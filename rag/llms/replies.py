"""Replies on disk, by what was asked of which model: bounded, shared between processes."""

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import diskcache
import msgspec

from rag.errors import ModelUnavailable
from rag.lanes import Lane
from rag.values import Choose, Chosen, Complete, Completed, Score, Scored

Request = TypeVar("Request", Choose, Score, Complete)
Reply = TypeVar("Reply", Chosen, Scored, Completed)

_WAIT_S = 1.0  # chosen: longest wait for another process that writes

_RARE = {"among", "beside", "weights"}  # fields of `Complete`
_FAILS = (sqlite3.Error, diskcache.Timeout, OSError)


class Plain(diskcache.Disk):  # type: ignore[misc]  # the library has no types
    """Never unpickles: who can write a cache file must not be able to run code."""

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> object:
        """Return what was kept, unless it is a pickle."""
        if mode == diskcache.core.MODE_PICKLE:
            raise OSError("a pickle, which nobody of us wrote")
        return super().fetch(mode, filename, value, read)


class Replies:
    """What models have answered; the least recently used goes when the folder is full.

    A cache that fails is a cache that remembers nothing: no request fails for it.

    Args:
        folder: made where there is none.
        size_mb: most megabytes on disk, or nearly.

    Raises:
        ModelUnavailable: the folder cannot be used.
    """

    def __init__(self, folder: Path, size_mb: int) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._cache = diskcache.Cache(
                folder,
                timeout=_WAIT_S,
                disk=Plain,
                size_limit=size_mb * 1_000_000,
                eviction_policy="least-recently-used",
            )
        except _FAILS as error:
            raise ModelUnavailable(
                f"cannot keep replies in {folder}: {error}: delete it, set llm.cache to another "
                "folder, or set llm.replies_mb to 0"
            ) from error
        self._lane = Lane("replies")

    async def get(self, keys: Sequence[str], kind: type[Reply]) -> list[Reply | None]:
        """Return the reply kept under each key, or None."""
        return await self._lane.run(self._get, keys, kind)

    async def put(self, replies: Mapping[str, Chosen | Scored | Completed]) -> None:
        """Keep replies under their keys."""
        await self._lane.run(self._put, replies)

    async def close(self) -> None:
        """Close the files; what was put is on disk."""
        await self._lane.run(self._cache.close)
        self._lane.close()

    def _get(self, keys: Sequence[str], kind: type[Reply]) -> list[Reply | None]:
        try:
            with self._cache.transact():
                return [read_reply(self._cache.get(key), kind) for key in keys]
        except _FAILS:
            return [None] * len(keys)

    def _put(self, replies: Mapping[str, Chosen | Scored | Completed]) -> None:
        try:
            with self._cache.transact():
                for key, reply in replies.items():
                    self._cache.set(key, msgspec.json.encode(reply))
        except _FAILS:
            return


def key(fingerprint: str, request: Choose | Score | Complete) -> str:
    """Return the key of a request to a model: a hash of all that decides the reply.

    What few requests have is left out where it is empty, so that keys of before stay what they are.

    >>> key("tiny", Choose((), ("A",))) == key("tiny", Choose((), ("B",)))
    False
    """
    values = {one.name: getattr(request, one.name) for one in fields(request)}
    named = {name: value for name, value in values.items() if value or name not in _RARE}
    asked = msgspec.json.encode((fingerprint, type(request).__name__, named))
    return hashlib.sha256(asked).hexdigest()


def read_reply(value: object, kind: type[Reply]) -> Reply | None:
    """Return the reply that was kept, None where it is none, or of another version.

    >>> read_reply(b"{", Chosen), read_reply(None, Chosen)
    (None, None)
    """
    if not isinstance(value, bytes):
        return None
    try:
        return msgspec.json.decode(value, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
