"""The catalogue of the embedded store: folders, and a file that says which of them a name means."""

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from indexers.stores.catalogue import NAME, PHYSICAL, following, refuse_named
from indexers.stores.edge import EdgeStore, create_edge, open_edge
from indexers.stores.edge_folder import edge_exists, load_shard
from indexers.stores.room import occupied
from indexers.stores.snapshots import pack, unpack
from rag.errors import BadCollection, CollectionNotFound, StoreLocked, StoreUnavailable
from rag.seams import CollectionSpec
from rag.sections import StoreSettings

ALIASES = "aliases.json"
_LOCK = "aliases.lock"
_PATIENCE_S = 10.0  # chosen: whoever changes a name holds the lock for milliseconds


class EdgeCatalogue:
    """The collections below a folder; a folder of an older kind, NAME, stands for itself."""

    def __init__(self, settings: StoreSettings) -> None:
        self._root = Path(settings.path)
        self._settings = settings

    async def names(self) -> Mapping[str, str]:
        """Return what `aliases.json` says, and the plain folders."""
        plain = {name: name for name in _folders(self._root) if NAME.fullmatch(name)}
        return plain | _read(self._root)

    async def physicals(self) -> tuple[str, ...]:
        """Return the names of the folders."""
        return _folders(self._root)

    async def resolve(self, name: str) -> str | None:
        """Return the folder that a name stands for."""
        plain = name if edge_exists(self._root / name) else None
        return _read(self._root).get(name, plain)

    async def create(self, name: str, spec: CollectionSpec) -> tuple[str, EdgeStore]:
        """Return a new folder, and its store."""
        physical = following(name, _folders(self._root))
        return physical, create_edge(self._root / physical, spec, self._settings)

    async def open(self, physical: str) -> EdgeStore:
        """Return the store of a folder."""
        if not edge_exists(self._root / physical):
            raise CollectionNotFound(
                f"no collection '{physical}' in {self._root}: firstcite collections list"
            )
        return open_edge(self._root / physical, self._settings)

    async def point(self, name: str, physical: str) -> None:
        """Write the file anew, whole or not at all."""
        _change(self._root, lambda aliases: aliases | {name: physical})

    async def forget(self, name: str) -> None:
        """Write the file anew without a name; a plain folder goes on standing for itself."""
        _change(self._root, lambda aliases: {k: v for k, v in aliases.items() if k != name})

    async def drop(self, physical: str) -> None:
        """Delete a folder that nobody has open."""
        aliases = _read(self._root)
        refuse_named(physical, aliases)
        if not edge_exists(self._root / physical):
            raise CollectionNotFound(f"no collection '{physical}': firstcite collections list")
        _remove(self._root / physical)

    async def snapshot(self, physical: str, file: Path) -> None:
        """Write the files of a folder that nobody has open."""
        store = await self.open(physical)
        spec = await store.info()
        await store.close()
        await asyncio.to_thread(_pack, file, self._root / physical, spec)

    async def restore(self, file: Path, name: str) -> str:
        """Return a new folder, which appears with all its files at once."""
        physical = following(name, _folders(self._root))
        part = self._root / f".{physical}.part"
        try:
            await asyncio.to_thread(_unpack, file, part)
            await open_edge(part).close()  # it is one that can be opened
            part.rename(self._root / physical)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return physical

    async def size(self, physical: str) -> int:
        """Return the bytes of the folder's files, as far as they are allocated."""
        return occupied(self._root / physical)

    async def close(self) -> None:
        """Do nothing: nothing is held."""


def _folders(root: Path) -> tuple[str, ...]:
    found = sorted(file.parent.name for file in root.glob("*/collection.json"))
    return tuple(name for name in found if NAME.fullmatch(name) or PHYSICAL.fullmatch(name))


def _read(root: Path) -> dict[str, str]:
    file = root / ALIASES
    try:
        aliases = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, no JSON, no names
        raise StoreUnavailable(
            f"cannot read {file}: {error}: restore it, or write again which folder every name "
            'stands for: {"NAME": "NAME@1"}'
        ) from error
    for name, physical in aliases.items():  # nothing leads out of the folder
        if not NAME.fullmatch(name) or not (
            NAME.fullmatch(physical) or PHYSICAL.fullmatch(physical)
        ):
            raise StoreUnavailable(f"{file} says that {name!r} is {physical!r}: restore it")
    return aliases


def _change(root: Path, change: Callable[[dict[str, str]], Mapping[str, str]]) -> None:
    try:
        with FileLock(root / _LOCK, timeout=_PATIENCE_S):
            changed = change(_read(root))
            temporary = root / f"{ALIASES}.new"
            with temporary.open("wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(changed, order="sorted")))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(root / ALIASES)
    except Timeout:
        raise StoreLocked(
            f"another process has been changing {root / ALIASES} for {_PATIENCE_S:.0f} s: try again"
        ) from None
    except OSError as error:
        raise StoreUnavailable(
            f"cannot write {root / ALIASES}: {error.strerror or error}: set store.path to a folder "
            "you may write"
        ) from error


def _remove(folder: Path) -> None:
    """Remove a collection that nobody has open; killed halfway, what is left is none any more."""
    with suppress(StoreUnavailable):  # a damaged one can be deleted, too
        load_shard(folder / "points").close()  # refuses when somebody else has it open
    try:
        (folder / "collection.json").unlink()
        shutil.rmtree(folder)
    except OSError as error:
        raise StoreUnavailable(f"cannot delete {folder}: {error.strerror}") from error


def _pack(file: Path, folder: Path, spec: CollectionSpec) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    pack(file, "edge", folder.name, spec, folder, names)


def _unpack(file: Path, part: Path) -> None:
    shutil.rmtree(part, ignore_errors=True)
    unpack(file, "edge", part)
    if not edge_exists(part):
        raise BadCollection(f"{file} holds no collection: use another snapshot")
