"""From when a chunk is, and who may read it: what its document says in its metadata."""

from collections.abc import Set

from rag.values import PRINCIPALS, Chunk, Metadata, instant

# As a text stands now it is from its last change; `valid_from` is for whoever knows better.
_FIELDS = ("valid_from", "modified", "date", "published")


def given(metadata: Metadata) -> str:
    """Return the first date of ISO 8601 that a document gives itself, "" for none.

    >>> given({"published": "2023-05-01", "date": "last week"}), given({"date": 2024})
    ('2023-05-01', '2024-01-01')
    """
    values = (metadata.get(name) for name in _FIELDS)
    known = (value for value in values if isinstance(value, str | int))
    return next(filter(None, map(instant, map(str, known))), "")


def since(chunk: Chunk, today: str) -> str:
    """Return from when a chunk is: as its document says, else as it was marked, else today."""
    return given(chunk.metadata) or chunk.valid_from or today


def readers(metadata: Metadata) -> Set[str]:
    """Return the names of those who may read a document; none for one that is open."""
    named = metadata.get(PRINCIPALS) or ()
    return frozenset(map(str, named if isinstance(named, list) else (named,)))
