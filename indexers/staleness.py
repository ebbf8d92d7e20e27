"""Is a collection what its files say now?"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexers.bulk.planning import digest
from indexers.bulk.reporting import file_of
from indexers.reading import read_paths
from rag.seams import Store
from rag.sections import IndexSettings
from rag.values import Document, Frozen

_SAME = "DELETE FROM held WHERE file = ? AND source = ? AND digest = ?"
_LEFT = "SELECT tenant, id, source, now FROM held WHERE file = ? ORDER BY tenant, id"


@dataclass(frozen=True, slots=True)
class Stale(Frozen):
    """A document whose file says something else now, or nothing any more."""

    tenant: str
    document_id: str
    source: str
    what: Literal["changed", "vanished"]


async def stale(store: Store, limits: IndexSettings) -> AsyncIterator[Stale]:
    """Yield the documents that are not what their files say, file by file, by id.

    Documents that came from no file of this machine are passed over, and so are those of a file
    that is there but cannot be read.

    Args:
        store: the collection.
        limits: as it was indexed with.

    Raises:
        StoreUnavailable: from the store.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as table:
        table.execute("CREATE TABLE held (file, source, tenant, id, digest, now)")
        table.execute("BEGIN")  # one transaction: nobody else reads it, nothing is kept
        async for page in store.survey():
            rows = [(_file(r.source), r.source, r.tenant, r.document_id, r.digest) for r in page]
            table.executemany("INSERT INTO held VALUES (?, ?, ?, ?, ?, NULL)", rows)
        table.execute("CREATE INDEX by_source ON held (file, source)")
        table.execute("CREATE TABLE files AS SELECT DISTINCT file FROM held ORDER BY file")
        for (file,) in table.execute("SELECT file FROM files"):
            if Path(file).is_absolute() and _compared(table, file, limits):
                for tenant, id_, source, now in table.execute(_LEFT, (file,)):
                    yield Stale(tenant, id_, source, now or "vanished")


def _file(source: str) -> str:
    """Return the file that is read for a source: of a member, the archive."""
    return file_of(source).partition("!/")[0]


def _compared(table: sqlite3.Connection, file: str, limits: IndexSettings) -> bool:
    """Take out what a file still says, and mark what it says otherwise.

    Returns:
        Whether what is left is stale: not where the file is there, but cannot be read.
    """
    if not Path(file).exists():
        return True
    read = False
    for item in read_paths([Path(file)], limits=limits):
        if isinstance(item, Document):
            read = True
            where = (file, item.source)
            table.execute(_SAME, (*where, digest(item)))
            table.execute("UPDATE held SET now = 'changed' WHERE file = ? AND source = ?", where)
    return read
