"""Bytes become text: by byte-order mark, as UTF-8, as declared, or as it looks."""

import codecs
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from indexers.reading.inputs import Unreadable
from rag.values import Frozen

_MARKS = (  # the longer ones first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_USUAL = (  # what texts are written in that are no Unicode
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874"),
    *("koi8_r", "cp932", "euc_jp", "gb18030", "big5", "euc_kr", "mac_roman"),
)
_NAMES = {"cp932": "Shift JIS", "koi8_r": "KOI8-R", "mac_roman": "Mac Roman"}
_SAMPLE = 1 << 18  # chosen: what is looked at to guess; more makes no guess better
_HEAD = 1 << 16
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Decoded(Frozen):
    """A text and, where its encoding was guessed, a remark that says so."""

    text: str
    remark: str = ""


def decode(data: bytes | bytearray, declared: str = "") -> Decoded:
    """Return the text of some bytes, a byte-order mark not counted, line ends as they stand.

    Raises:
        Unreadable: they are no text, or of an encoding that nobody can tell.
    """
    mark, encoding = _marked(data)
    if encoding:
        return Decoded(_strictly(memoryview(data)[len(mark) :], encoding))
    _refuse_binary(data)
    try:
        return Decoded(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        if not data[: error.start].isascii():
            raise _damaged(data, error) from None
    if declared and _known(declared):
        latin = codecs.lookup(declared).name in {"iso8859-1", "ascii"}  # as browsers read them
        return Decoded(_strictly(data, "cp1252" if latin else declared))
    guessed = guess(data)
    return Decoded(_strictly(data, guessed), _remark(guessed))


def guess(data: bytes | bytearray) -> str:
    """Return the encoding that bytes look like which are no UTF-8; of equals, windows-1252.

    Raises:
        Unreadable: they look like none.
    """
    from charset_normalizer import from_bytes  # only for the texts that need it

    found = from_bytes(_sample(data), cp_isolation=list(_USUAL))
    best = found.best()
    if best is None or _NO_TEXT.search(str(best)):
        raise Unreadable("in no encoding that can be told: convert it to UTF-8 with iconv")
    alike = [match for match in found if match.chaos <= best.chaos]
    western = [
        match for match in alike if "cp1252" in (match.encoding, *match.could_be_from_charset)
    ]
    if western and (best.coherence == 0 or western[0] is best):
        return "cp1252"
    return best.encoding


def _sample(data: bytes | bytearray) -> bytes:
    """Return the lines around what is no ASCII: all that can tell one encoding from another."""
    if len(data) <= _SAMPLE:
        return bytes(data)
    lines: Iterable[bytes] = io.BytesIO(data)
    telling = bytearray()
    for line in lines:
        if not line.isascii():
            telling += line[:_SAMPLE]
        if len(telling) >= _SAMPLE:
            break
    return bytes(telling[:_SAMPLE])


def _remark(encoding: str) -> str:
    name = _NAMES.get(encoding, encoding.replace("cp", "windows-"))
    return f"decoded as {name}, which was guessed: convert it to UTF-8 where that is wrong"


def _marked(data: bytes | bytearray) -> tuple[bytes, str]:
    return next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", ""))


def _known(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
        b"".decode(encoding)  # no codec that makes other things than texts
    except (LookupError, UnicodeError):
        return False
    return True


def _refuse_binary(data: bytes | bytearray) -> None:
    nul = data.find(b"\0")
    if nul >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise Unreadable("binary, not text (a NUL byte)", line)


def _damaged(data: bytes | bytearray, error: UnicodeDecodeError) -> Unreadable:
    line = data.count(b"\n", 0, error.start) + 1
    return Unreadable(f"not UTF-8 (byte {error.start}): convert it with iconv", line)


def _strictly(data: bytes | bytearray | memoryview, encoding: str) -> str:
    try:
        return codecs.decode(data, encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(f"not {encoding.upper()} (byte {error.start}), as it claims") from None


class _Recoded(io.RawIOBase):
    """A stream of another encoding, as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        into = memoryview(buffer)  # type: ignore[arg-type]
        while not self._left:
            piece = self._stream.read(_HEAD)
            try:
                self._left = self._decoder.decode(piece, final=not piece).encode()
            except UnicodeError as error:
                raise Unreadable(f"the encoding breaks off: {error}") from None
            if not piece:
                break
        count = min(len(into), len(self._left))
        into[:count], self._left = self._left[:count], self._left[count:]
        return count


def as_utf8(stream: BinaryIO, *, guessing: bool) -> tuple[BinaryIO, str]:
    """Return the stream as UTF-8, without a byte-order mark, and a remark where that is a guess.

    Raises:
        Unreadable: as `decode`.
    """
    buffered = io.BufferedReader(stream, _HEAD)  # type: ignore[type-var]
    head = buffered.peek(_HEAD)
    mark, encoding = _marked(head)
    buffered.read(len(mark))
    remark = ""
    if not encoding and guessing and not _is_utf8(head):
        _refuse_binary(head)
        encoding = guess(head)
        remark = _remark(encoding)
    if encoding in {"", "utf-8"}:
        return buffered, remark
    return io.BufferedReader(_Recoded(buffered, encoding), _HEAD), remark


def _is_utf8(head: bytes) -> bool:
    """Whether the beginning of a file is UTF-8, or was before it was damaged."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError as error:
        return not head[: error.start].isascii()
    return True
