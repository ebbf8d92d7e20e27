"""Writing documents so that a run may be killed between any two steps.

1. The records say which chunks will come ("written"), 2. the chunks are put, 3. the records change
to the new version ("cleaned" where chunks of the old one are left), 4. what is stale goes, 5. the
records are whole. Up to 3 the next run takes back what came, from 3 on it finishes.
"""

from collections.abc import Sequence
from dataclasses import replace

from rag.seams import Store
from rag.values import DocumentRecord, Point


async def write(
    store: Store,
    begun: Sequence[DocumentRecord],
    points: Sequence[Point],
    ended: Sequence[DocumentRecord],
) -> None:
    """Write a window: documents that begin in it, its points, and documents that end in it.

    Raises:
        StoreUnavailable: from the store.
    """
    await store.record(begun)
    await store.put(points)
    await store.record(ended)
    await _clean(store, [record for record in ended if record.state == "cleaned"])


async def recover(store: Store) -> int:
    """Finish or take back what a run that was ended left half done; return how many documents.

    Raises:
        StoreUnavailable: from the store.
    """
    unfinished = [record async for page in store.survey(unfinished=True) for record in page]
    written = [record for record in unfinished if record.state == "written"]
    for record in written:
        await store.remove(record.adding)
        if not record.digest:  # there was no version before
            await store.drop(record.tenant, [record.document_id])
    before = [record for record in written if record.digest]
    await store.record([replace(record, state="whole", adding=()) for record in before])
    await _clean(store, [record for record in unfinished if record.state == "cleaned"])
    return len(unfinished)


async def _clean(store: Store, records: Sequence[DocumentRecord]) -> None:
    for record in records:
        await store.remove(record.stale)
        await store.revise(record)
    await store.record([replace(record, state="whole", stale=()) for record in records])
