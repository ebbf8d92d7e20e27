"""Readers: files and folders become documents, and what cannot be read becomes faults.

A document's `text` is the file's own text: UTF-8 decoded, a byte-order mark not counted, line ends
as they stand. Spans of chunks and citations therefore hold in the file itself.
"""

import codecs
import gzip
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from indexers.splitting.paths import markdown_title
from rag.values import DEFAULT_TENANT, Document, Fault, Json

Read = Document | Fault
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_UTF8 = "not UTF-8 but UTF-16: convert it with iconv"
_TITLE_CHARS = 120  # chosen: a first line longer than this is prose, not a title
_KNOWN_KEYS = {"_id", "id", "title", "text", "metadata"}


def read_paths(
    paths: Sequence[Path], tenant: str = DEFAULT_TENANT, max_line_bytes: int = 16 * 1024 * 1024
) -> Iterator[Read]:
    """Yield every document under the paths, in a fixed order, and a fault for what is skipped.

    A folder with a BEIR corpus (`corpus.jsonl`, `corpus.jsonl.gz`, or a folder `corpus/` beside
    `queries.jsonl`) stands for that corpus. Any other folder stands for the readable files in it;
    hidden files and files of other formats are passed over, links to folders are not followed. A
    file named outright must be readable.
    """
    for path in paths:
        for file, document_id in files(path):
            yield from _read_file(file, document_id, tenant, max_line_bytes)


def files(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files that a path stands for, each with the document id of a one-document file.

    The id is the path from the named folder on, with that folder's own name, in POSIX form; inside
    a BEIR folder it is the path inside `corpus/`. It does not depend on the working folder. A
    folder that cannot be listed stands for what is in it.
    """
    path = path.absolute()
    if not path.is_dir():
        yield path, path.name
        return
    corpus = beir_corpus(path)
    if corpus is not None and corpus.is_file():
        yield corpus, corpus.name
        return
    root, base = (corpus, corpus) if corpus else (path, path.resolve().parent)
    root = root if corpus else path.resolve()
    for file in sorted(_walk(root)):
        yield file, file.relative_to(base).as_posix()


def _walk(root: Path) -> list[Path]:
    """Return the files below that have a reader, and the folders that cannot be listed."""
    found: list[Path] = []
    unlisted = os.walk(root, onerror=lambda error: found.append(Path(error.filename)))
    for folder, folders, names in unlisted:
        folders[:] = [name for name in folders if not name.startswith(".")]
        shown = (Path(folder, name) for name in names if not name.startswith("."))
        found.extend(file for file in shown if _reader(file))
    return found


def beir_corpus(folder: Path) -> Path | None:
    """Return the corpus of a BEIR folder: a file, or a folder of files; None for other folders."""
    for name in ("corpus.jsonl", "corpus.jsonl.gz"):
        if (folder / name).is_file():
            return folder / name
    if (folder / "corpus").is_dir() and (folder / "queries.jsonl").is_file():
        return folder / "corpus"
    return None


def read_lines(file: Path, max_line_bytes: int) -> Iterator[tuple[int, bytes | Fault]]:
    """Yield (line number, line) of a JSON Lines file, plain or gzip, blank lines left out.

    A longer line is a fault and is skipped without being held in memory. A damaged archive is a
    fault at the line where it breaks; what came before it counts.
    """
    opener = gzip.open if file.suffix == ".gz" else open
    number = 0
    try:
        with opener(file, "rb") as stream:
            while line := stream.readline(max_line_bytes + 1):
                number += 1
                if number == 1 and line.startswith(_UTF16):
                    yield 0, Fault(str(file), 0, _NOT_UTF8)
                    return
                if len(line) > max_line_bytes and not line.endswith(b"\n"):
                    _skip_line(stream.readline)
                    limit = f"{max_line_bytes:,} bytes (index.max_line_bytes)"
                    yield number, Fault(str(file), number, f"line longer than {limit}")
                elif line.strip():
                    yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield number + 1, Fault(str(file), number + 1, f"damaged archive: {error}")


def _skip_line(readline: Callable[[int], bytes]) -> None:
    while (piece := readline(1 << 20)) and not piece.endswith(b"\n"):
        pass


Reader = Callable[[Path, str, str, int], Iterator[Read]]


def _read_file(file: Path, document_id: str, tenant: str, max_line_bytes: int) -> Iterator[Read]:
    printable = str(file).encode(errors="backslashreplace").decode()
    if printable != str(file):
        yield Fault(printable, 0, "the name is not UTF-8: rename it")
        return
    reader = _reader(file)
    try:
        if file.is_dir():
            yield Fault(printable, 0, "a folder that cannot be listed")
        elif reader is None:
            yield Fault(printable, 0, f"unknown format: known are {', '.join(FORMATS)}")
        elif file.exists() and not file.is_file():
            yield Fault(printable, 0, "no file but a pipe, a socket or a device")
        else:
            yield from reader(file, document_id, tenant, max_line_bytes)
    except OSError as error:
        yield Fault(printable, 0, f"cannot be read: {error.strerror or error}")


def _read_json_lines(file: Path, _: str, tenant: str, max_line_bytes: int) -> Iterator[Read]:
    empty = True
    for number, line in read_lines(file, max_line_bytes):
        empty = False
        yield line if isinstance(line, Fault) else _from_json(file, number, line, tenant)
    if empty:
        yield Fault(str(file), 0, "the file is empty")


def _from_json(file: Path, number: int, line: bytes, tenant: str) -> Read:
    def fault(reason: str) -> Fault:
        return Fault(str(file), number, reason)

    try:
        row = msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return fault(f"not JSON: {error}")
    if not isinstance(row, dict):
        return fault("not a JSON object")
    return _from_row(row, f"{file}:{number}", tenant, fault)


def _from_row(
    row: Mapping[str, Json], source: str, tenant: str, fault: Callable[[str], Fault]
) -> Read:
    """Turn {_id, title, text, metadata, …} into a document; other keys join the metadata."""
    id_ = row.get("_id", row.get("id"))
    title, text = row.get("title", ""), row.get("text", "")
    metadata = row.get("metadata") or {}
    if isinstance(id_, bool) or not isinstance(id_, str | int) or not str(id_).strip():
        return fault("no _id: every line needs one, a string or an integer")
    if not isinstance(title, str | None) or not isinstance(text, str | None):
        return fault("title and text must be strings")
    if not isinstance(metadata, dict):
        return fault("metadata must be an object")
    text, title = text or "", title or ""
    if not (text.strip() or title.strip()):
        return fault("the document is empty: neither text nor title")
    extra = {key: value for key, value in row.items() if key not in _KNOWN_KEYS}
    return Document(str(id_), text, title, source, {**extra, **metadata}, tenant)


def _read_text(file: Path, document_id: str, tenant: str, max_line_bytes: int) -> Iterator[Read]:
    text = _decode(file, max_line_bytes)
    if isinstance(text, Fault):
        yield text
        return
    first, _, rest = text.lstrip().partition("\n")
    titled = len(first) <= _TITLE_CHARS and not rest.partition("\n")[0].strip()
    title = first.strip() if titled else file.stem
    yield Document(document_id, text, title, str(file), tenant=tenant)


def _read_markdown(
    file: Path, document_id: str, tenant: str, max_line_bytes: int
) -> Iterator[Read]:
    text = _decode(file, max_line_bytes)
    if isinstance(text, Fault):
        yield text
        return
    title = markdown_title(text) or file.stem
    yield Document(document_id, text, title, str(file), tenant=tenant, markup="markdown")


def _decode(file: Path, max_line_bytes: int) -> str | Fault:
    """Return the file's text, or the fault that makes it none."""
    data = file.read_bytes()
    if data.startswith(_UTF16):
        return Fault(str(file), 0, _NOT_UTF8)
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        return Fault(str(file), line, "binary, not text (a NUL byte)")
    for number, line_bytes in enumerate(data.split(b"\n"), start=1):
        if len(line_bytes) > max_line_bytes:
            limit = f"{max_line_bytes:,} bytes (index.max_line_bytes)"
            return Fault(str(file), number, f"line longer than {limit}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Fault(str(file), line, f"not UTF-8 (byte {error.start}): convert it with iconv")
    return text if text.strip() else Fault(str(file), 0, "the file is empty")


FORMATS: Mapping[str, Reader] = {
    ".jsonl": _read_json_lines,
    ".jsonl.gz": _read_json_lines,
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".txt": _read_text,
    ".text": _read_text,
}
"""Reader by the end of the file's name."""


def _reader(file: Path) -> Reader | None:
    name = file.name.lower()
    return next((reader for end, reader in FORMATS.items() if name.endswith(end)), None)
