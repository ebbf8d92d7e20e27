"""The folder of an embedded collection: `points/` is the engine's, `collection.json` ours."""

import shutil
from contextlib import suppress
from pathlib import Path

import msgspec
import qdrant_edge as qe

from indexers.stores.edge_pages import drop_unused_pages
from indexers.stores.payload import to_spec
from rag.errors import StoreLocked, StoreUnavailable
from rag.seams import CollectionSpec

_ENGINE_FILES = {"edge_config.json", "segments", "temp_segments", "wal"}  # in `points/`


def edge_exists(folder: Path) -> bool:
    """Whether a folder holds a finished collection."""
    return (folder / "collection.json").is_file()


def read_spec(folder: Path) -> CollectionSpec:
    """Return what the collection in a folder was built with.

    Raises:
        CollectionMismatch: it was written by another version of the schema.
        StoreUnavailable: it cannot be read.
    """
    file = folder / "collection.json"
    try:
        spec = to_spec(msgspec.json.decode(file.read_bytes()), str(folder))
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, no JSON, no spec
        raise StoreUnavailable(f"cannot read {file}: {error}: restore it or index anew") from error
    return spec


def write_spec(folder: Path, spec: CollectionSpec) -> None:
    """Write what the collection is built with, whole or not at all."""
    temporary = folder / "collection.json.new"
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(spec)))
    temporary.replace(folder / "collection.json")


def load_shard(folder: Path) -> qe.EdgeShard:
    """Return the engine's shard in a folder, which nobody else can open until it is closed.

    Raises:
        StoreLocked: another process has it open.
        StoreUnavailable: it is damaged by more than a kill can do.
    """
    try:
        return qe.EdgeShard.load(str(folder))
    except Exception as error:
        if "Kind(WouldBlock)" in str(error):  # the write-ahead log's folder is locked
            raise _locked(folder) from None
        if _mended(folder):
            return load_shard(folder)
        raise StoreUnavailable(
            f"cannot open {folder}: {error}: restore it or index anew"
        ) from error


def _mended(folder: Path) -> bool:
    """Whether there was something that a kill leaves, and it is gone now."""
    try:
        return drop_unused_pages(folder) > 0
    except BlockingIOError:
        raise _locked(folder) from None
    except (OSError, msgspec.DecodeError):  # more is wrong than a page too many
        return False


def _locked(folder: Path) -> StoreLocked:
    return StoreLocked(
        f"{folder.parent} is open in another process (firstcite serve?): stop it, use its "
        "HTTP API, or move to a Qdrant server with store.url"
    )


def clear_shard(folder: Path) -> None:
    """Remove the shard that a killed creation left behind, however much of it there is."""
    if not folder.exists():
        return
    strangers = {path.name for path in folder.iterdir()} - _ENGINE_FILES
    if strangers:
        raise StoreUnavailable(
            f"{folder} holds '{min(strangers)}', which is no part of a collection: set store.path "
            "to another folder"
        )
    with suppress(StoreUnavailable):  # half a shard
        load_shard(folder).close()  # refuses when somebody else is at work in it
    shutil.rmtree(folder)
