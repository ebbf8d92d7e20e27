"""Reading: items are compared with the store, split where they must be, and spooled."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from indexers.bulk.duplicates import Duplicates
from indexers.bulk.planning import Task, compared, recorded, spool
from indexers.bulk.pruning import root_of
from indexers.bulk.reporting import Progress, Tally, fault_at, file_of
from indexers.bulk.seen import Seen
from indexers.bulk.spool import End, Segment
from indexers.bulk.windows import WINDOW
from indexers.contextual import Contexted
from indexers.splitting.pieces import Split
from indexers.stores.payload import unstorable
from rag.lanes import Lane
from rag.seams import SparseEncoder, Store
from rag.values import Chunk, Document, DocumentRecord, Fault, Notice

READ_BATCH = 256  # documents compared and split together: enough to keep all cores busy
READ_CHARS = 4 * 1024 * 1024  # and no more than this of text, or one document
SEGMENT = 4 * WINDOW  # chunks in one file of the spool
Item: TypeAlias = Document | Fault | Notice
Context: TypeAlias = Callable[[Sequence[tuple[Document, Sequence[Chunk]]]], Awaitable[Contexted]]
"""Puts the chunks of documents in context."""


class Spooling:
    """Turns items into segments of the spool, and counts what the collection will hold.

    Args:
        split: how documents become chunks.
        sparse: counts their terms.
        store: what there is already.
        tally: counts what becomes of every item.
        on_progress: is told how many documents were read.
        pruning: the tenant whose documents vanish when they are not read, and below which roots.
        duplicates: finds near-duplicates; without it nobody looks for them.
        context: puts chunks in context before they are indexed; without it they stay as split.
    """

    def __init__(
        self,
        split: Split,
        sparse: SparseEncoder,
        store: Store,
        tally: Tally,
        on_progress: Callable[[Progress], None],
        pruning: tuple[str, Sequence[str]],
        duplicates: Duplicates | None,
        context: Context | None,
    ) -> None:
        self._split, self._sparse, self._store = split, sparse, store
        self._tally, self._on_progress = tally, on_progress
        (self._tenant, self._roots), self._duplicates = pruning, duplicates
        self._context = context
        self._noticed: dict[str, list[Notice]] = {}
        self._lane = Lane("read")
        self._seen = Seen()
        self._spooled: list[Segment] = []
        self._waiting = Segment()
        self.skipped: list[DocumentRecord] = []  # of the store; they go when everything is written
        self.alive: set[str] = set()  # roots of which documents were read
        self.chunks = 0
        self.terms = 0
        self.planned = 0  # chunks that are to be put
        self.done = False  # everything is read

    def missing(self, tenant: str, document_id: str, source: str) -> str | None:
        """Return the root below which a document of the store is missing, by all that was read.

        A file that could not be read whole keeps its documents: which are gone is not known.
        """
        missing = not self._seen.holds(tenant, document_id)
        known = file_of(source) not in self._tally.faulty
        return self._root(tenant, source) if missing and known else None

    def _vanishes(self, tenant: str, document_id: str, source: str) -> bool:
        return self.missing(tenant, document_id, source) in self.alive

    def _root(self, tenant: str, source: str) -> str | None:
        return root_of(source, self._roots) if tenant == self._tenant else None

    async def segments(self, items: Iterable[Item]) -> AsyncGenerator[Segment, None]:
        """Yield what there is to do, spooled.

        Raises:
            StoreUnavailable: from the store.
            OSError: the folder of temporary files is full.
        """
        segment, most = self._segment(), WINDOW  # so that encoding begins soon
        if self._duplicates:
            async for page in self._store.survey():
                await self._lane.run(self._duplicates.hold, page)
            await self._lane.run(self._duplicates.sort)
        for again, batches in enumerate((_batches(items), _batches(self._waited()))):
            while batch := await self._lane.run(next, batches, None):
                await self._read(batch, segment, again=bool(again))
                if max(segment.chunks, segment.size // 3) >= most:  # up to 3 entries a chunk
                    yield segment
                    segment, most = self._segment(), SEGMENT
        self.done = True
        self._tally.close()
        yield segment

    async def _read(self, batch: Sequence[Item], segment: Segment, *, again: bool) -> None:
        if not again:
            batch = await self._lane.run(lambda batch: [*map(self._accepted, batch)], batch)
        documents = [item for item in batch if isinstance(item, Document)]
        tasks = await compared(documents, self._store)
        tasks = await self._lane.run(self._judged, tasks, again)
        rewritten = [task.document for task in tasks if task.fate in {"new", "changed"}]
        pieces = await self._pieces(rewritten) if rewritten else []
        await self._lane.run(self._spool, batch, tasks, pieces, segment)
        self._on_progress(Progress("read", self._tally.read, 0))

    async def _pieces(self, documents: Sequence[Document]) -> Sequence[Iterable[Chunk]]:
        pieces = await self._lane.run(self._split, documents)
        if self._context is None:
            return pieces
        made = await self._context(
            [(document, [*chunks]) for document, chunks in zip(documents, pieces, strict=True)]
        )
        for notice in made.notices:  # told with their documents
            self._noticed.setdefault(notice.source, []).append(notice)
        return made.chunks

    def _judged(self, tasks: list[Task], again: bool) -> list[Task]:
        """Return the tasks with what their documents are near-duplicates of."""
        if not self._duplicates:
            return tasks
        if again:
            return self._duplicates.settled(tasks, self._vanishes)
        return self._duplicates.judged(tasks)

    def _waited(self) -> Iterator[Document]:
        return (entry for entry in self._waiting.entries() if isinstance(entry, Document))

    def close(self) -> None:
        """End the thread, and give up what was spooled and not read."""
        self._lane.close()
        self._seen.close()
        if self._duplicates:
            self._duplicates.close()
        for segment in (*self._spooled, self._waiting):
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
        if root := self._root(item.tenant, item.source):
            self.alive.add(root)
        return item

    def _spool(
        self,
        items: Sequence[Item],
        tasks: Sequence[Task],
        pieces: Sequence[Iterable[Chunk]],
        segment: Segment,
    ) -> None:
        """Write down what there is to do, and count everything in the order of reading."""
        split, following = iter(pieces), iter(tasks)
        for item in items:
            if isinstance(item, Notice):
                self._tally.notice(item)
            elif isinstance(item, Fault):
                self._tally.fault(item)
            else:
                self._plan(next(following), split, segment)

    def _plan(self, task: Task, pieces: Iterator[Iterable[Chunk]], segment: Segment) -> None:
        fate, record, before = task.fate, task.before, task.before
        if fate == "waiting":
            self._waiting.add(task.document)
            return
        if fate == "skipped":
            self.skipped += [_slight(before)] if before else []
        elif fate == "revised":
            segment.add(End(recorded(task)))
        elif fate != "unchanged":
            planned = segment.chunks
            record = spool(task, next(pieces), self._sparse, segment)
            self.planned += segment.chunks - planned
            self._tally.counts["removed"] += len(record.stale)
            self.chunks += record.chunks - (before.chunks if before else 0)
            self.terms += record.terms - (before.terms if before else 0)
        held = record.chunks if record and fate != "skipped" else 0
        self._tally.document(task.document, fate, held)
        for notice in self._noticed.pop(task.document.source, []):
            self._tally.notice(notice)
        self._tell(task)

    def _tell(self, task: Task) -> None:
        """Say of what a document is a near-duplicate, once where it is in the store."""
        skipped = task.left == "skipped"
        self._tally.counts["linked"] += bool(task.like) and not skipped
        if task.like and (skipped or not task.before or task.before.like != task.like):
            reason = f"near-duplicate of '{task.like}'" + (", skipped" if skipped else "")
            self._tally.notice(Notice(task.document.source, reason))


def _slight(record: DocumentRecord) -> DocumentRecord:
    """Return what has to be known of a document to drop it."""
    whose = DocumentRecord(record.document_id, tenant=record.tenant)
    return replace(whose, chunks=record.chunks, terms=record.terms)


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
