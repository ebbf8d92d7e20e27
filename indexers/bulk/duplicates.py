"""Near-duplicates: which document is the first of its kind.

The order of reading decides, and nothing else: a document is a near-duplicate of the first original
of the run that it resembles, or else of an original that the store holds and the run does not read.
Which those are is not known before everything is read. So a document waits that resembles one of
the store, or another that waits, unless it has an original in the run before both. What a store
holds in the end does not depend on how it came there.
"""

import hashlib
import json
import math
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from indexers.bulk.likeness import SLOTS, VERSION, resemblance, sketches, slots_of
from indexers.bulk.planning import Task
from rag.values import PRINCIPALS, Document, DocumentRecord, Frozen

BANDS = 16  # pieces of a sketch that find it
FOUND = 0.99  # of those that are just as alike as they have to be
CROWD = 64  # originals found by one piece; there is still the whole sketch, and the other pieces

_TABLES = """
CREATE TABLE originals (number INTEGER PRIMARY KEY, identity BLOB UNIQUE, readers BLOB, tenant TEXT,
    id TEXT, source TEXT, sketch TEXT, rank INTEGER, waits INTEGER);
CREATE TABLE held (key INTEGER, number INTEGER);
CREATE TABLE pieces (key INTEGER, number INTEGER, PRIMARY KEY (key, number)) WITHOUT ROWID;
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -32768;
BEGIN;
"""  # rank: in the order of reading, NULL while only the store holds it


@dataclass(frozen=True, slots=True)
class _Original(Frozen):
    tenant: str
    id: str
    source: str
    sketch: str
    rank: int | None
    waits: int


class Duplicates:
    """The originals that a run knows, in a temporary file of SQLite's; about a kilobyte each.

    Documents of different tenants, or that different principals may read, are never compared.

    Args:
        share: the Jaccard similarity from which on documents are near-duplicates.
        left: whether near-duplicates are skipped.
    """

    def __init__(self, share: float, left: Literal["", "skipped"]) -> None:
        self._share, self._left = share, left
        self._width = _width(share)
        self._read = self._held = 0
        self._table = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._table.executescript(_TABLES)

    def hold(self, records: Sequence[DocumentRecord]) -> None:
        """Take up the originals among the records of the store, before anything is read."""
        for record in records:
            if record.digest and record.sketch.startswith(VERSION) and not record.like:
                keys = self._insert(record, record.document_id, record.sketch, None, waits=False)
                rows = [(key, self._held) for key in keys]
                self._table.executemany("INSERT INTO held VALUES (?, ?)", rows)

    def sort(self) -> None:
        """Make what was taken up findable; sorted first, which takes a third of the time."""
        self._table.execute(
            "INSERT INTO pieces SELECT key, number FROM (SELECT key, number, row_number() OVER "
            "(PARTITION BY key ORDER BY number) AS place FROM held) WHERE place <= ? "
            "ORDER BY key, number",
            (CROWD,),
        )
        self._table.execute("DROP TABLE held")

    def judged(self, tasks: Sequence[Task]) -> list[Task]:
        """Return the tasks, in the order of reading, with what their documents resemble."""
        return [self._judged(task) for task in _sketched(tasks)]

    def settled(
        self, tasks: Sequence[Task], vanishes: Callable[[str, str, str], bool]
    ) -> list[Task]:
        """Return those that waited, now that it is known which documents vanish."""
        return [self._settled(task, vanishes) for task in _sketched(tasks)]

    def close(self) -> None:
        """Forget everything."""
        self._table.close()

    def _judged(self, task: Task) -> Task:
        document, sketch = task.document, task.sketch
        self._read += 1
        alike = self._alike(document, sketch)
        first = _first(alike)
        if first and not first.waits:
            return self._like(task, first)
        if not sketch or any(other.sketch == sketch and other.rank for other in alike):
            self._forget(document)  # nothing resembles it, or resembles that one as well
        else:
            self._keep(document, sketch, waits=bool(alike))
        return replace(task, left="waiting") if alike else task

    def _settled(self, task: Task, vanishes: Callable[[str, str, str], bool]) -> Task:
        alike = [other for other in self._alike(task.document, task.sketch) if not other.waits]
        held = [o for o in alike if o.rank is None and not vanishes(o.tenant, o.id, o.source)]
        first = _first(alike) or min(held, key=lambda other: other.id, default=None)
        if first:
            return self._like(task, first)
        identity = _identity(task.document.tenant, task.document.id)
        self._table.execute("UPDATE originals SET waits = 0 WHERE identity = ?", (identity,))
        return task

    def _like(self, task: Task, original: _Original) -> Task:
        self._forget(task.document)
        return replace(task, like=original.id, left=self._left)

    def _alike(self, document: Document, sketch: str) -> list[_Original]:
        """Return the other originals that a document resembles."""
        keys = self._keys(readers := _readers(document), sketch)
        rows = self._table.execute(
            "SELECT tenant, id, source, sketch, rank, waits FROM originals WHERE number IN "
            "(SELECT number FROM pieces WHERE key IN (SELECT value FROM json_each(?))) "
            "AND readers = ? AND identity != ?",
            (json.dumps(keys), readers, _identity(document.tenant, document.id)),
        )
        found = [_Original(*row) for row in rows]
        return [other for other in found if resemblance(sketch, other.sketch) >= self._share]

    def _keep(self, document: Document, sketch: str, *, waits: bool) -> None:
        identity, readers = _identity(document.tenant, document.id), _readers(document)
        known = self._table.execute(
            "UPDATE originals SET rank = ?, waits = ?, source = ? "
            "WHERE identity = ? AND readers = ? AND sketch = ?",
            (self._read, waits, document.source, identity, readers, sketch),
        )
        if known.rowcount:
            return
        whole, *pieces = self._insert(document, document.id, sketch, self._read, waits=waits)
        crowded = self._table.execute(
            "SELECT key FROM pieces WHERE key IN (SELECT value FROM json_each(?)) "
            "GROUP BY key HAVING count(*) >= ?",
            (json.dumps(pieces), CROWD),
        )
        keys = {whole, *pieces} - {key for (key,) in crowded}
        rows = [(key, self._held) for key in {whole} | keys]
        self._table.executemany("INSERT INTO pieces VALUES (?, ?)", rows)

    def _insert(
        self,
        of: Document | DocumentRecord,
        id_: str,
        sketch: str,
        rank: int | None,
        *,
        waits: bool,
    ) -> list[int]:
        """Put an original into its table, and return by what it is to be found."""
        self._held += 1
        identity, readers = _identity(of.tenant, id_), _readers(of)
        self._table.execute(
            "INSERT OR REPLACE INTO originals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self._held, identity, readers, of.tenant, id_, of.source, sketch, rank, waits),
        )
        return self._keys(readers, sketch)

    def _forget(self, document: Document) -> None:
        identity = _identity(document.tenant, document.id)
        self._table.execute("DELETE FROM originals WHERE identity = ?", (identity,))

    def _keys(self, readers: bytes, sketch: str) -> list[int]:
        """Return by what a sketch is found: itself, and its bands."""
        slots = slots_of(sketch)
        width = self._width if slots.size else 0
        bands = [slots[n * width : (n + 1) * width].tobytes() for n in range(BANDS if width else 0)]
        named = [sketch.encode(), *(bytes([n]) + band for n, band in enumerate(bands))]
        return [_number(readers + name) for name in named]


def _width(share: float) -> int:
    """Return how many slots make a band, so that those as alike as `share` are found.

    Each of BANDS bands is equal with probability share ** width; that none is, may have 1 - FOUND.

    >>> [_width(share) for share in (0.0, 0.6, 0.8, 0.9, 1.0)]
    [1, 2, 6, 13, 16]
    """
    least = 1 - (1 - FOUND) ** (1 / BANDS)
    most = SLOTS // BANDS
    if share**most >= least:
        return most
    return max(1, int(math.log(least) / math.log(share))) if share else 1


def _sketched(tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks with the sketches of their documents, known ones read no more."""
    known = [_known(task) for task in tasks]
    made = iter(
        sketches([t.document for t, sketch in zip(tasks, known, strict=True) if not sketch])
    )
    return [
        replace(task, sketch=sketch or next(made))
        for task, sketch in zip(tasks, known, strict=True)
    ]


def _known(task: Task) -> str:
    before = task.before
    same = before and before.digest == task.digest and before.sketch.startswith(VERSION)
    return before.sketch if before and same else ""


def _first(found: Sequence[_Original]) -> _Original | None:
    """Return what was read first in the run."""
    read = [original for original in found if original.rank is not None]
    return min(read, key=lambda original: original.rank or 0, default=None)


def _readers(of: Document | DocumentRecord) -> bytes:
    """Return a digest of who may read a document: its tenant and its principals."""
    named = of.metadata.get(PRINCIPALS) or []
    names = named if isinstance(named, list) else [named]
    return _hash(repr((of.tenant, sorted({str(name) for name in names}))).encode())


def _identity(tenant: str, document_id: str) -> bytes:
    return _hash(repr((tenant, document_id)).encode())


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _number(data: bytes) -> int:
    """Return a hash that SQLite keeps as an integer."""
    hashed = hashlib.blake2b(data, digest_size=8).digest()
    return int.from_bytes(hashed, "little", signed=True)
