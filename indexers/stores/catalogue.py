"""Names of collections that can be switched: NAME stands for a physical collection NAME@n.

A collection that is to take another's place is built beside it under the next number, where nobody
sees it, and then pointed to. Names cannot hold "@".
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from rag.errors import BadCollection
from rag.seams import CollectionSpec, Store

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
PHYSICAL = re.compile(rf"({NAME.pattern})@([1-9][0-9]{{0,8}})")


class Catalogue(Protocol):
    """The collections of one place, and which of them every name stands for.

    Stores that it opens are closed before it is.

    Raises (every method): StoreUnavailable when the place does not answer or cannot be written.
    """

    async def names(self) -> Mapping[str, str]:
        """Return the physical collection of every name, by name; a plain one names itself."""
        ...

    async def physicals(self) -> tuple[str, ...]:
        """Return every physical collection, named or not, sorted."""
        ...

    async def resolve(self, name: str) -> str | None:
        """Return the physical collection that a name stands for, or None."""
        ...

    async def create(self, name: str, spec: CollectionSpec) -> tuple[str, Store]:
        """Return a fresh physical collection of this name, which does not stand for it yet."""
        ...

    async def open(self, physical: str) -> Store:
        """Return the store of a physical collection.

        Raises:
            CollectionNotFound: there is none.
            StoreLocked: another process has it open.
            CollectionMismatch: it was written by another version of the schema.
        """
        ...

    async def point(self, name: str, physical: str) -> None:
        """Let a name stand for a physical collection from now on, at once and for everybody."""
        ...

    async def forget(self, name: str) -> None:
        """Let a name stand for nothing; the physical collection stays."""
        ...

    async def drop(self, physical: str) -> None:
        """Delete a physical collection.

        Raises:
            BadCollection: a name stands for it.
            StoreLocked: another process has it open.
        """
        ...

    async def snapshot(self, physical: str, file: Path) -> None:
        """Write a physical collection into a file, whole or not at all.

        Raises:
            BadCollection: the file exists, or this kind of store cannot do it.
            CollectionNotFound, StoreLocked, CollectionMismatch: as `open`.
            OSError: the file cannot be written.
        """
        ...

    async def restore(self, file: Path, name: str) -> str:
        """Return a fresh physical collection of this name, of a snapshot; nobody sees it yet.

        Raises:
            BadCollection: no snapshot of this kind of store, or a damaged one; nothing is changed.
            CollectionMismatch: it was written by another version of the schema.
            OSError: the file cannot be read.
        """
        ...

    async def size(self, physical: str) -> int | None:
        """Return the bytes that a physical collection takes on disk, where that can be known."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


def checked_name(name: str) -> str:
    """Return the name of a collection as it is.

    Raises:
        BadCollection: no possible name.
    """
    if not NAME.fullmatch(name):
        raise BadCollection(
            f"'{name}' is no collection name: letters, digits, _ . - and at most 64 of them"
        )
    return name


def number_of(name: str, physical: str) -> int:
    """Return which of a name's physical collections this is: 0 for a plain one, -1 for another's.

    >>> [number_of("pets", physical) for physical in ("pets", "pets@2", "cats@1", "pets@02")]
    [0, 2, -1, -1]
    """
    if physical == name:
        return 0
    match = PHYSICAL.fullmatch(physical)
    return int(match[2]) if match and match[1] == name else -1


def family_of(physical: str) -> str:
    """Return the name that a physical collection was made for; other names may stand for it, too.

    >>> family_of("pets@2"), family_of("pets")
    ('pets', 'pets')
    """
    return physical.partition("@")[0]


def following(name: str, physicals: Iterable[str]) -> str:
    """Return the next physical collection of a name.

    >>> following("pets", ["pets", "pets@9", "pets@10", "cats@11"])
    'pets@11'
    """
    return f"{name}@{max(0, *(number_of(name, physical) for physical in physicals), 0) + 1}"


def refuse_named(physical: str, names: Mapping[str, str]) -> None:
    """Pass where nothing stands for a physical collection.

    Raises:
        BadCollection: a name does.
    """
    for name, named in names.items():
        if named == physical:
            raise BadCollection(
                f"'{physical}' is what '{name}' stands for: firstcite collections drop {name} "
                "drops both"
            )
