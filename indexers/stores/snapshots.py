"""Snapshots: the files of a collection in one archive, with what they must be.

A gzipped tar whose first member, `firstcite.json`, says what the collection was built with, and the
size and SHA-256 of every file after it. Nothing is believed that it does not say.
"""

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Literal, TypeAlias

import msgspec

from rag.errors import BadCollection, StoreLocked
from rag.seams import CollectionSpec

MANIFEST = "firstcite.json"
Kind: TypeAlias = Literal["edge", "server"]
_FORMAT, _VERSION = "firstcite-snapshot", 1
_BLOCK = 1 << 16
_MANIFEST_BYTES = 16 << 20  # chosen: of a collection with 100,000 files
_DAMAGE = (EOFError, tarfile.TarError, zlib.error, gzip.BadGzipFile, msgspec.MsgspecError)


class Entry(msgspec.Struct, frozen=True):
    """What a file must be."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a snapshot is of, and the files it holds, by path."""

    kind: Kind
    collection: str
    spec: dict[str, object]
    files: dict[str, Entry]
    format: str = _FORMAT
    version: int = _VERSION


def pack(
    file: Path,
    kind: Kind,
    collection: str,
    spec: CollectionSpec,
    folder: Path,
    names: Sequence[str],
) -> Manifest:
    """Write a snapshot, whole or not at all, and return what it holds.

    Args:
        file: the snapshot; `FILE.part` while it is written.
        kind: of the store that can restore it.
        collection: the physical collection.
        spec: what it was built with.
        folder: holds the files.
        names: their paths in it.

    Raises:
        BadCollection: the snapshot exists already.
        StoreLocked: a file was changed meanwhile.
        OSError: the disk is full, or the folder cannot be written.
    """
    if file.exists():
        raise BadCollection(f"{file} exists: name another file")
    files = {name: _entry(folder / name) for name in names}
    manifest = Manifest(kind, collection, msgspec.to_builtins(spec), files)
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as raw:
            with (
                gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed,  # the engine's files are hollow
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                said = msgspec.json.encode(manifest)
                tar.addfile(_member(MANIFEST, len(said)), io.BytesIO(said))
                for name, entry in files.items():
                    _add(tar, folder / name, name, entry)
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def unpack(file: Path, kind: Kind, into: Path) -> Manifest:
    """Write the files of a snapshot into a new folder, and return what they are.

    Raises:
        BadCollection: no snapshot, one of another store, or a damaged one; some files may have been
            written then.
        OSError: the file cannot be read, or the folder not be written.
    """
    with _checked(file), gzip.open(file) as packed:
        with tarfile.open(fileobj=packed, mode="r|") as tar:
            members = iter(tar)
            manifest = _manifest(tar, next(members, None), file, kind)
            missing = dict(manifest.files)
            for member in members:
                entry = missing.pop(member.name, None)
                content = tar.extractfile(member) if member.isreg() else None
                if entry is None or content is None or member.size != entry.size:
                    raise BadCollection(f"{file} holds '{member.name}', which it should not")
                _write(content, into / member.name, entry, file)
        while packed.read(_BLOCK):  # the archive's own checksum stands at its end
            pass
    if missing:
        raise BadCollection(f"{file} is damaged: '{min(missing)}' is missing: use another snapshot")
    return manifest


def _manifest(
    tar: tarfile.TarFile, first: tarfile.TarInfo | None, file: Path, kind: Kind
) -> Manifest:
    stranger = BadCollection(f"{file} is no snapshot that `firstcite collections snapshot` wrote")
    content = tar.extractfile(first) if first and first.isreg() else None
    if first is None or content is None or first.name != MANIFEST or first.size > _MANIFEST_BYTES:
        raise stranger
    manifest = msgspec.json.decode(content.read(), type=Manifest)
    if (manifest.format, manifest.version) != (_FORMAT, _VERSION):
        raise stranger
    if manifest.kind != kind:
        raise BadCollection(
            f"{file} is a snapshot of the kind '{manifest.kind}', the store of the settings is of "
            f"the kind '{kind}': set store.url, or copy the collection with firstcite migrate"
        )
    for name in manifest.files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not name.isprintable() or "\\" in name:
            raise BadCollection(f"{file} holds '{name!r}', which leads out of a collection")
    return manifest


@contextmanager
def _checked(file: Path) -> Iterator[None]:
    """Say of what is no archive, or a damaged one, that it is."""
    try:
        yield
    except _DAMAGE as error:
        raise BadCollection(
            f"{file} is damaged, or no snapshot: {error}: use another snapshot"
        ) from error


def _entry(file: Path) -> Entry:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return Entry(stream.tell(), digest.hexdigest())


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def _add(tar: tarfile.TarFile, file: Path, name: str, entry: Entry) -> None:
    changed = StoreLocked(f"{file} was changed while it was read: stop who writes, and try again")
    hashed = hashlib.sha256()
    with file.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size != entry.size:
            raise changed
        tar.addfile(_member(name, entry.size), _Hashing(stream, hashed.update))
    if hashed.hexdigest() != entry.sha256:
        raise changed


class _Hashing(io.RawIOBase):
    """A file that tells what was read of it."""

    def __init__(self, stream: BinaryIO, told: Callable[[bytes], object]) -> None:
        self._stream, self._told = stream, told

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self._told(piece)
        return piece


def _write(content: IO[bytes], file: Path, entry: Entry, snapshot: Path) -> None:
    """Write a file; where there are only zeros, nothing is allocated."""
    file.parent.mkdir(parents=True, exist_ok=True)
    hashed = hashlib.sha256()
    with file.open("xb") as stream:
        while piece := content.read(_BLOCK):
            hashed.update(piece)
            if piece.strip(b"\0"):
                stream.write(piece)
            else:
                stream.seek(len(piece), os.SEEK_CUR)
        stream.truncate()
    if hashed.hexdigest() != entry.sha256:
        raise BadCollection(
            f"{snapshot} is damaged: '{file.name}' is not what was written: use another snapshot"
        )
