"""Reading: items are compared with the store, split where they must be, and spooled."""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from indexers.bulk.planning import Task, compared, recorded, spool
from indexers.bulk.reporting import Progress, Tally, fault_at
from indexers.bulk.seen import Seen
from indexers.bulk.spool import End, Segment
from indexers.bulk.windows import WINDOW
from indexers.splitting.pieces import Split
from indexers.stores.payload import unstorable
from rag.lanes import Lane
from rag.seams import SparseEncoder, Store
from rag.values import Chunk, Document, Fault, Notice

READ_BATCH = 256  # documents compared and split together: enough to keep all cores busy
READ_CHARS = 4 * 1024 * 1024  # and no more than this of text, or one document
SEGMENT = 4 * WINDOW  # chunks in one file of the spool
Item: TypeAlias = Document | Fault | Notice


class Spooling:
    """Turns items into segments of the spool, and counts what the collection will hold.

    Args:
        split: how documents become chunks.
        sparse: counts their terms.
        store: what there is already.
        tally: counts what becomes of every item.
        on_progress: is told how many documents were read.
    """

    def __init__(
        self,
        split: Split,
        sparse: SparseEncoder,
        store: Store,
        tally: Tally,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._split, self._sparse, self._store = split, sparse, store
        self._tally, self._on_progress = tally, on_progress
        self._lane = Lane("read")
        self._seen = Seen()
        self._spooled: list[Segment] = []
        self.chunks = 0
        self.terms = 0
        self.planned = 0  # chunks that are to be put
        self.done = False  # everything is read

    def saw(self, tenant: str, document_id: str) -> bool:
        """Whether a document was among the items."""
        return self._seen.holds(tenant, document_id)

    async def segments(self, items: Iterable[Item]) -> AsyncGenerator[Segment, None]:
        """Yield what there is to do, spooled.

        Raises:
            StoreUnavailable: from the store.
            OSError: the folder of temporary files is full.
        """
        segment = self._segment()
        batches = _batches(items)
        while batch := await self._lane.run(next, batches, None):
            accepted = await self._lane.run(lambda batch: [*map(self._accepted, batch)], batch)
            documents = [item for item in accepted if isinstance(item, Document)]
            tasks = await compared(documents, self._store)
            await self._lane.run(self._spool, accepted, tasks, segment)
            self._on_progress(Progress("read", self._tally.counts["documents"], 0))
            if max(segment.chunks, segment.size // 3) >= SEGMENT:  # a chunk has up to 3 entries
                yield segment
                segment = self._segment()
        self.done = True
        self._tally.close()
        yield segment

    def close(self) -> None:
        """End the thread, and give up what was spooled and not read."""
        self._lane.close()
        self._seen.close()
        for segment in self._spooled:
            segment.close()

    def _segment(self) -> Segment:
        self._spooled = [segment for segment in self._spooled if not segment.closed]
        self._spooled.append(Segment())
        return self._spooled[-1]

    def _accepted(self, item: Item) -> Item:
        """Return the item, or the fault that a document is."""
        if not isinstance(item, Document):
            return item
        if reason := unstorable(item):
            return fault_at(item.source, reason)
        if not self._seen.add(item.tenant, item.id):
            return fault_at(item.source, f"duplicate id '{item.id}': the first one counts")
        return item

    def _spool(self, items: Sequence[Item], tasks: Sequence[Task], segment: Segment) -> None:
        """Write down what there is to do, and count everything in the order of reading."""
        rewritten = [task.document for task in tasks if task.fate in {"new", "changed"}]
        pieces = iter(self._split(rewritten))
        following = iter(tasks)
        for item in items:
            if isinstance(item, Notice):
                self._tally.notice(item)
            elif isinstance(item, Fault):
                self._tally.fault(item)
            else:
                self._plan(next(following), pieces, segment)

    def _plan(self, task: Task, pieces: Iterator[Iterable[Chunk]], segment: Segment) -> None:
        fate, record, before = task.fate, task.before, task.before
        if fate == "revised":
            segment.add(End(recorded(task)))
        elif fate != "unchanged":
            planned = segment.chunks
            record = spool(task, next(pieces), self._sparse, segment)
            self.planned += segment.chunks - planned
            self._tally.counts["removed"] += len(record.stale)
            self.chunks += record.chunks - (before.chunks if before else 0)
            self.terms += record.terms - (before.terms if before else 0)
        self._tally.document(task.document, fate, record.chunks if record else 0)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    chars = 0
    for item in items:
        batch.append(item)
        chars += len(item.text) if isinstance(item, Document) else 0
        if len(batch) == READ_BATCH or chars >= READ_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch
