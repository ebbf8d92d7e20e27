"""What a reader is given: one file, or one member of an archive, and how it is opened."""

import errno
import io
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

from rag.sections import IndexSettings
from rag.values import Document, Fault, Frozen, Notice

Read: TypeAlias = Document | Fault | Notice
Opener: TypeAlias = Callable[[], BinaryIO]

_PIECE = 1 << 20
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class Unreadable(Exception):
    """Why an input is skipped, and the line where that shows (0: the whole of it)."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


@dataclass(slots=True)
class Allowance:
    """What may still be unpacked of one archive, everything nested in it included."""

    bytes: int
    members: int


@dataclass(frozen=True, slots=True)
class Input(Frozen):
    """One file or member: `id` is that of a one-document file, `name` tells the format."""

    id: str
    source: str
    name: str
    tenant: str
    limits: IndexSettings
    opener: Opener
    depth: int = 0
    allowance: Allowance = field(default_factory=lambda: Allowance(0, 0))

    @property
    def stem(self) -> str:
        """The name without its last suffix: the title of what has none."""
        return Path(self.name).stem

    def fault(self, reason: str, line: int = 0) -> Fault:
        """Return the fault that skips this input, or a line of it."""
        return Fault(printable(self.source), line, reason)

    def notice(self, reason: str) -> Notice:
        """Return a notice about this input."""
        return Notice(printable(self.source), reason)

    def row(self, number: int) -> str:
        """Return the source of a line or row, counted from 1 on."""
        return f"{self.source}:{number}"


Reader: TypeAlias = Callable[[Input], Iterator[Read | Input]]
"""Yields what an input holds; an `Input` among it is a member, to be read by its own format.

Raises (every reader): Unreadable, and OSError where the file cannot be read.
"""


def printable(source: str) -> str:
    r"""Return a source that fits on a line: control characters and what is no UTF-8 are escaped.

    >>> printable("two\nlines"), printable("caf\udce9")
    ('two\\nlines', 'caf\\udce9')
    """
    shown = _CONTROL.sub(lambda found: repr(found[0])[1:-1], source)
    return shown.encode(errors="backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class OfFile(Frozen):
    """Opens a regular file, never through a link and never waiting for a pipe or a device."""

    path: Path

    def __call__(self) -> BinaryIO:
        """Open it."""
        if not stat.S_ISREG(self.path.stat().st_mode):
            raise Unreadable("no file but a pipe, a socket or a device")
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        stream = open(self.path, "rb", opener=lambda path, _: os.open(path, flags))  # noqa: SIM115 - the caller closes
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):  # changed since it was looked at
            stream.close()
            raise Unreadable("no file but a pipe, a socket or a device")
        return stream


@dataclass(frozen=True, slots=True)
class OfBytes(Frozen):
    """Opens what is held in memory."""

    data: bytes | bytearray

    def __call__(self) -> BinaryIO:
        """Open it."""
        return io.BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class OfMember(Frozen):
    """Opens a member of an archive, which is closed when nobody refers to it any more."""

    archive: zipfile.ZipFile
    member: zipfile.ZipInfo

    def __call__(self) -> BinaryIO:
        """Open it."""
        return self.archive.open(self.member)  # type: ignore[return-value]


def read_all(stream: BinaryIO, limits: IndexSettings) -> bytearray:
    """Return all bytes of a stream.

    Raises:
        Unreadable: there are none, or more than `index.max_file_bytes`.
    """
    data = bytearray()
    while piece := stream.read(_PIECE):
        data += piece
        if len(data) > limits.max_file_bytes:
            raise _too_large(limits)
    if not data:
        raise Unreadable("the file is empty")
    return data


def refuse_large(file: Path, limits: IndexSettings) -> None:
    """Look at a file's size before a library reads it.

    Raises:
        Unreadable: it is larger than the settings allow, or empty.
    """
    size = file.stat().st_size
    if size > limits.max_file_bytes:
        raise _too_large(limits)
    if not size:
        raise Unreadable("the file is empty")


def _too_large(limits: IndexSettings) -> Unreadable:
    return Unreadable(f"larger than {limits.max_file_bytes:,} bytes (index.max_file_bytes)")


def reason_of(error: OSError) -> str:
    """Return why a file cannot be read, as the system says it."""
    if error.errno == errno.ELOOP:
        return "cannot be read: a link that leads to itself"
    if error.errno is None:  # of a library, not of the system
        return f"damaged, or not what its name says: {error}"
    return f"cannot be read: {error.strerror}"
