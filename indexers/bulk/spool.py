"""What a run has still to do, on disk: reading is ahead of encoding, memory is not.

A segment is a file without a name, gone with the process however it ends.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

import msgspec
import numpy as np

from indexers.stores.payload import from_record, to_chunk, to_payload, to_record
from rag.values import Chunk, Document, DocumentRecord, Frozen, Vector


@dataclass(frozen=True, slots=True)
class Row(Frozen):
    """A chunk to be put, with its number of terms, and its dense vector where that is known."""

    chunk: Chunk
    length: int
    vector: Vector | None


@dataclass(frozen=True, slots=True)
class Begin(Frozen):
    """The chunks of a document follow; the record is the one to keep until they are all put."""

    record: DocumentRecord


@dataclass(frozen=True, slots=True)
class End(Frozen):
    """A document is complete with this record; one that is "cleaned" has still to be."""

    record: DocumentRecord


Entry: TypeAlias = Begin | Row | End | Document  # a document has still to be decided on


class Segment:
    """Entries in a file, written once, then read once."""

    def __init__(self) -> None:
        self._file: BinaryIO = tempfile.TemporaryFile(prefix="firstcite-")  # noqa: SIM115
        self._encoder = msgspec.msgpack.Encoder()
        self.chunks = 0
        self.size = 0  # entries

    def add(self, entry: Entry) -> None:
        """Append an entry.

        Raises:
            OSError: the disk of the temporary folder is full.
        """
        self.size += 1
        self.chunks += isinstance(entry, Row)
        packed = self._encoder.encode(_packed(entry))
        try:
            self._file.write(len(packed).to_bytes(4, "big") + packed)
        except OSError as error:
            reason = f"{error.strerror} in the folder of temporary files: set TMPDIR to another"
            raise OSError(error.errno, reason, tempfile.gettempdir()) from error

    def entries(self) -> Iterator[Entry]:
        """Yield the entries in order, then close the file."""
        with self._file as file:
            file.seek(0)
            while header := file.read(4):
                yield _entry(*msgspec.msgpack.decode(file.read(int.from_bytes(header, "big"))))

    @property
    def closed(self) -> bool:
        """Whether it was read, or given up."""
        return self._file.closed

    def close(self) -> None:
        """Give the file up; twice is allowed."""
        self._file.close()


def _packed(entry: Entry) -> tuple[object, ...]:
    match entry:
        case Row(chunk, length, vector):
            return "row", to_payload(chunk, length), None if vector is None else vector.tobytes()
        case Begin(record):
            return "begin", to_record(record)
        case End(record):
            return "end", to_record(record)
        case Document():
            return "document", msgspec.to_builtins(entry)


def _entry(kind: str, data: Any, vector: bytes | None = None) -> Entry:  # noqa: ANN401 - msgpack
    if kind == "row":
        known = None if vector is None else np.frombuffer(vector, np.float32)
        return Row(to_chunk(data), data["length"], known)
    if kind == "document":
        return Document(**{**data, "pages": tuple(data["pages"])})
    record = from_record(data)
    return Begin(record) if kind == "begin" else End(record)
