"""Lines of a file, one at a time: what is too long is skipped without being held in memory."""

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from indexers.reading.encodings import as_utf8
from indexers.reading.inputs import Input, OfFile, Unreadable
from indexers.reading.unpacking import OfGzip
from rag.sections import IndexSettings
from rag.values import Fault, Notice

BROKEN = (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, lzma.LZMAError)


def read_lines(file: Path, max_line_bytes: int) -> Iterator[tuple[int, bytes | Fault]]:
    """Yield (line number, line) of a file, plain or gzip, blank lines left out.

    A longer line is a fault. A damaged archive is a fault at the line where it breaks; what came
    before it counts.
    """
    limits = IndexSettings(max_line_bytes=max_line_bytes)
    opener = OfFile(file.resolve())
    input_ = Input(
        file.name,
        str(file),
        file.name,
        "",
        limits,
        OfGzip(opener) if file.suffix == ".gz" else opener,
    )
    for number, line in lines_of(input_):
        if not isinstance(line, Notice):
            yield number, line


def lines_of(
    input_: Input, *, guessing: bool = False
) -> Iterator[tuple[int, bytes | Fault | Notice]]:
    """Yield (line number, line in UTF-8) of an input, blank lines left out.

    A longer line is a fault. A damaged archive is a fault at the line where it breaks; what came
    before it counts. Where the encoding is guessed, a notice comes first.
    """
    number = 0
    try:
        with closing(input_.opener()) as stream:
            text, remark = as_utf8(stream, guessing=guessing)
            if remark:
                yield 0, input_.notice(remark)
            for number, line in _numbered(text, input_):
                if isinstance(line, Fault) or line.strip():
                    yield number, line
    except BROKEN as error:
        yield number + 1, input_.fault(f"damaged archive: {error}", number + 1)
    except Unreadable as error:
        yield number + 1, input_.fault(error.reason, error.line or (number and number + 1))


def _numbered(stream: BinaryIO, input_: Input) -> Iterator[tuple[int, bytes | Fault]]:
    most = input_.limits.max_line_bytes
    number = 0
    while line := stream.readline(most + 1):
        number += 1
        if len(line) > most and not line.endswith(b"\n"):
            _skip_line(stream.readline)
            yield number, input_.fault(too_long(most), number)
        else:
            yield number, line


def too_long(most: int) -> str:
    """Return why a line is skipped."""
    return f"line longer than {most:,} bytes (index.max_line_bytes)"


def _skip_line(readline: Callable[[int], bytes]) -> None:
    while (piece := readline(1 << 20)) and not piece.endswith(b"\n"):
        pass
