"""Which documents a run has seen, on disk once they are many."""

import hashlib
import sqlite3


class Seen:
    """A set of document identities; about 40 bytes each, in a temporary file of SQLite's."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._table.execute("CREATE TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID")
        self._table.execute("BEGIN")  # one transaction: nobody else reads it, nothing is kept

    def add(self, tenant: str, document_id: str) -> bool:
        """Add a document, and return whether it was not there."""
        key = _key(tenant, document_id)
        return self._table.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount == 1

    def holds(self, tenant: str, document_id: str) -> bool:
        """Whether a document was added."""
        row = self._table.execute(
            "SELECT 1 FROM seen WHERE key = ?", (_key(tenant, document_id),)
        ).fetchone()
        return row is not None

    def close(self) -> None:
        """Forget everything."""
        self._table.close()


def _key(tenant: str, document_id: str) -> bytes:
    return hashlib.sha256(repr((tenant, document_id)).encode()).digest()[:16]
