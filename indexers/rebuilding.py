"""Documents from what a store holds of them: their records, and the text of their chunks.

Chunks leave out nothing but the white space between them, which they remember; so the text of a
document is its record's `head` and every chunk's text and gap, in order.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from indexers.bulk.planning import digest
from rag.errors import StoreUnavailable
from rag.seams import Store
from rag.values import Document, DocumentRecord, Frozen, Point


@dataclass(frozen=True, slots=True)
class Held(Frozen):
    """A document as a store holds it: its record, and the points of that version, in order."""

    record: DocumentRecord
    points: Sequence[Point]

    @property
    def document(self) -> Document:
        """The document, whole if nothing is damaged."""
        record = self.record
        pieces = [piece for point in self.points for piece in (point.chunk.text, point.chunk.gap)]
        return Document(
            id=record.document_id,
            text="".join([record.head, *pieces]),
            title=record.title,
            source=record.source,
            metadata=record.metadata,
            tenant=record.tenant,
            markup=record.markup,
            language=record.language,
            pages=record.pages,
        )

    @property
    def is_whole(self) -> bool:
        """Whether the document is the one that was indexed, to the last character."""
        return digest(self.document) == self.record.digest


async def held(store: Store) -> AsyncIterator[Held]:
    """Yield every document of which a version is whole, one at a time, in the order of `survey`.

    Raises:
        StoreUnavailable: from the store.
    """
    async for page in store.survey():
        for record in page:
            if record.digest:
                points = [point async for rows in store.scan(record) for point in rows]
                yield version(record, points)


def version(record: DocumentRecord, points: Iterable[Point]) -> Held:
    """Return the document that a record describes, from all points that there are of it.

    What a run that was ended has left half done is left out: the version before it counts.
    """
    passing = {*record.adding, *record.stale}
    kept = [point for point in points if point.chunk.id not in passing]
    return Held(record, sorted(kept, key=lambda point: point.chunk.ordinal))


async def documents(store: Store) -> AsyncIterator[Document]:
    """Yield every document of a store, as it was indexed.

    Raises:
        StoreUnavailable: from the store, or a document that cannot be rebuilt.
    """
    async for each in held(store):
        yield whole(each)


def whole(given: Held) -> Document:
    """Return the document.

    Raises:
        StoreUnavailable: it is not what was indexed.
    """
    if not given.is_whole:
        record = given.record
        raise StoreUnavailable(
            f"the document '{record.document_id}' of the tenant '{record.tenant}' is damaged in "
            f"its collection: index it again: firstcite index {record.source or 'PATH'}"
        )
    return given.document
