"""Archives: gzip as a stream, zip as its members, and the bounds that hold a bomb off."""

import gzip
import io
import lzma
import weakref
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import BinaryIO

from indexers.reading.inputs import Input, OfFile, OfMember, Opener, Read, Unreadable, read_all
from rag.sections import IndexSettings
from rag.values import Frozen

MAX_NESTING = 3  # chosen: an archive in an archive in an archive
MAX_RATIO = 200  # chosen: texts are packed to a tenth, seldom to a fiftieth; bombs to a thousandth
HARMLESS = 64 << 20  # bytes that may be packed by any ratio
BAD_ZIP = (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, NotImplementedError)
_BOMB = f"a bomb? It unpacks to more than {MAX_RATIO} times its size"


class _Bounded(io.RawIOBase):
    """What a gzip stream holds, while the ratio is one of real files."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._stream = gzip.GzipFile(fileobj=packed)
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        count = self._stream.readinto(buffer)  # type: ignore[arg-type]
        self._given += count
        if self._given > HARMLESS and self._given > MAX_RATIO * self._packed.tell():
            raise Unreadable(_BOMB)
        return count

    def close(self) -> None:
        self._packed.close()
        super().close()


@dataclass(frozen=True, slots=True)
class OfGzip(Frozen):
    """Opens what a gzip archive holds."""

    packed: Opener

    def __call__(self) -> BinaryIO:
        """Open it."""
        return io.BufferedReader(_Bounded(self.packed()))


def read_zip(input_: Input) -> Iterator[Read | Input]:
    """Yield the members of an archive, in the order of their names, without what is hidden.

    Where a folder in it is one of BEIR (`corpus.jsonl` beside `queries.jsonl`), its corpus stands
    for the folder.
    """
    if input_.depth >= MAX_NESTING:
        raise Unreadable(f"archives in archives, more than {MAX_NESTING} deep")
    archive = _open(input_)
    members = sorted(archive.infolist(), key=lambda member: member.filename)
    shown = [member for member in members if not member.is_dir() and not _hidden(member.filename)]
    for member in _without_queries(shown):
        input_.allowance.members -= 1
        input_.allowance.bytes -= member.file_size
        if input_.allowance.members < 0:
            raise Unreadable(
                f"more than {input_.limits.max_members:,} members (index.max_members): "
                f"left out from {member.filename} on"
            )
        if input_.allowance.bytes < 0:
            raise Unreadable(
                f"it unpacks to more than {input_.limits.max_archive_bytes:,} bytes "
                f"(index.max_archive_bytes): left out from {member.filename} on"
            )
        inner = _member(input_, archive, member)
        reason = refusal(member)
        yield inner.fault(reason) if reason else inner


def _open(input_: Input) -> zipfile.ZipFile:
    stream = input_.opener()
    if not isinstance(input_.opener, OfFile):  # members are looked up, which streams cannot
        with stream:
            stream = io.BytesIO(read_all(stream, input_.limits))
    try:
        archive = zipfile.ZipFile(stream)
    except BAD_ZIP as error:
        stream.close()
        raise Unreadable(f"damaged archive: {error}") from None
    weakref.finalize(archive, stream.close)  # members are read long after they were listed
    return archive


def _member(outer: Input, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Input:
    return replace(
        outer,
        id=f"{outer.id}!/{member.filename}",
        source=f"{outer.source}!/{member.filename}",
        name=PurePosixPath(member.filename).name,
        opener=OfMember(archive, member),
        depth=outer.depth + 1,
    )


def refusal(member: zipfile.ZipInfo) -> str:
    """Return why a member is not unpacked, or an empty string; no more than it says is unpacked."""
    if member.flag_bits & 1:
        return "password-protected: unpack it yourself"
    if member.file_size > max(HARMLESS, MAX_RATIO * member.compress_size):
        return _BOMB
    return ""


def refuse_package(stream: BinaryIO, limits: IndexSettings) -> None:
    """Look at an Office file, which is an archive, before a library unpacks it.

    Raises:
        Unreadable: it is encrypted, damaged, or a bomb.
    """
    head = stream.read(8)
    stream.seek(0)
    if head.startswith(b"\xd0\xcf\x11\xe0"):  # an OLE container holds either of both
        raise Unreadable("password-protected or of the time before 2007: save it anew without")
    try:
        with zipfile.ZipFile(stream) as package:
            members = package.infolist()
    except BAD_ZIP as error:
        raise Unreadable(f"damaged: {error}") from None
    if reason := next(filter(None, map(refusal, members)), ""):
        raise Unreadable(reason)
    if sum(member.file_size for member in members) > limits.max_file_bytes:
        raise Unreadable(
            f"it unpacks to more than {limits.max_file_bytes:,} bytes (index.max_file_bytes)"
        )
    stream.seek(0)


def _hidden(name: str) -> bool:
    return any(
        part.startswith(".") and part not in {".", ".."} for part in PurePosixPath(name).parts
    )


def _without_queries(members: Iterable[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    members = list(members)
    names = {member.filename for member in members}
    folders = {str(PurePosixPath(name).parent) for name in names}
    beir = {
        folder: corpus
        for folder in folders
        for corpus in (_beside(folder, "corpus.jsonl"), _beside(folder, "corpus.jsonl.gz"))
        if corpus in names and _beside(folder, "queries.jsonl") in names
    }

    def stands(name: str) -> bool:
        parents = [str(parent) for parent in PurePosixPath(name).parents]
        return all(beir.get(parent, name) == name for parent in parents)

    return [member for member in members if stands(member.filename)]


def _beside(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}/{name}"
