"""A collection's documents into another, which is split, encoded and weighed as it says itself.

The documents are rebuilt and written to temporary files first: the run that indexes them reads
ahead as fast as it can, and two collections need not be read and written at the same time.
"""

import hashlib
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, Literal

import msgspec
import numpy as np

from indexers.bulk.seen import Seen
from indexers.rebuilding import Held, whole
from rag.lanes import Lane
from rag.seams import Encoder, EncoderSpec, Store
from rag.values import Document, Point, Vector

DROPPED = 256  # documents deleted in one call


class Copies:
    """Documents, in the order in which they were added, and the vectors of their chunks, on disk.

    Args:
        vectors: whether vectors are kept, too.
    """

    def __init__(self, *, vectors: bool) -> None:
        self._file: BinaryIO = tempfile.TemporaryFile(prefix="firstcite-")  # noqa: SIM115
        self._table = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._table.execute("CREATE TABLE vectors (key BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID")
        self._table.execute("BEGIN")  # one transaction: nobody else reads it, nothing is kept
        self._vectors = vectors
        self.seen = Seen()
        self.documents = 0

    def add(self, given: Held) -> None:
        """Add a document.

        Raises:
            StoreUnavailable: it is damaged.
            OSError: the disk of the temporary folder is full.
        """
        document = whole(given)
        packed = msgspec.msgpack.encode(document)
        self._file.write(len(packed).to_bytes(8, "big") + packed)
        self.seen.add(document.tenant, document.id)
        self.documents += 1
        if self._vectors:
            self._table.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", _rows(given))

    def __iter__(self) -> Iterator[Document]:
        """Yield the documents, from the first on."""
        self._file.seek(0)
        while header := self._file.read(8):
            fields = msgspec.msgpack.decode(self._file.read(int.from_bytes(header, "big")))
            yield Document(**{**fields, "pages": tuple(fields["pages"])})

    def vectors(self, texts: Sequence[str]) -> list[Vector | None]:
        """Return the vector of each indexed text, None where there is none."""
        select = "SELECT row FROM vectors WHERE key = ?"
        found = [self._table.execute(select, (_key(text),)).fetchone() for text in texts]
        return [None if row is None else np.frombuffer(row[0], np.float32) for row in found]

    def close(self) -> None:
        """Forget everything."""
        self._file.close()
        self._table.close()
        self.seen.close()


class Copying:
    """An encoder that asks another only for what there is no vector of.

    Args:
        encoder: made the vectors.
        copies: hold them.
        lane: where they are looked up.
    """

    def __init__(self, encoder: Encoder, copies: Copies, lane: Lane) -> None:
        self._encoder, self._copies, self._lane = encoder, copies, lane
        self.copied = 0  # texts that were not encoded

    @property
    def spec(self) -> EncoderSpec:
        """The other encoder's."""
        return self._encoder.spec

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        """Return one unit row per text, shape (n, h), in the order of the texts."""
        known = await self._lane.run(self._copies.vectors, texts)
        wanted = [text for text, vector in zip(texts, known, strict=True) if vector is None]
        self.copied += len(texts) - len(wanted)
        made = iter(await self._encoder.encode(wanted, kind) if wanted else ())
        rows = [next(made) if vector is None else vector for vector in known]
        return np.stack(rows) if rows else np.zeros((0, self.spec.dimension), np.float32)


async def drop_others(store: Store, seen: Seen) -> None:
    """Delete the documents that are not among those seen: of a run before, and gone since.

    Raises:
        StoreUnavailable: from the store.
    """
    others: dict[str, list[str]] = {}
    async for page in store.survey():
        for record in page:
            if not seen.holds(record.tenant, record.document_id):
                others.setdefault(record.tenant, []).append(record.document_id)
    if others:
        await store.stamp(replace(await store.info(), settled=False))
    for tenant, ids in others.items():
        for start in range(0, len(ids), DROPPED):
            await store.drop(tenant, ids[start : start + DROPPED])


def _rows(given: Held) -> Iterator[tuple[bytes, bytes]]:
    return ((_key(point.chunk.indexed_text), _packed(point)) for point in given.points)


def _packed(point: Point) -> bytes:
    return np.asarray(point.dense, np.float32).tobytes()


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
