"""The bulk run: documents in, a store that holds exactly them, interruptible at any time.

Reading compares every document with the store's record of it, splits what is new, and writes what
there is to do to a spool on disk, as far ahead as the spool is long; so the total is known early,
and every fault. Behind it windows of chunks are encoded, and behind that written, all at the same
time. A run that was killed is finished by running it again (`writing.py`).
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from typing import Literal

from indexers.bulk.ahead import ahead
from indexers.bulk.duplicates import Duplicates
from indexers.bulk.pruning import vanished
from indexers.bulk.reporting import (
    Fate,
    FileReport,
    IndexReport,
    OnDocument,
    Progress,
    Tally,
)
from indexers.bulk.spooling import Context, Item, Spooling
from indexers.bulk.weighing import reweigh, settled_mean
from indexers.bulk.windows import Encode, Encoded, Window, encoded, points, windows
from indexers.bulk.writing import recover, write
from indexers.splitting.pieces import Split
from rag.lanes import Lane
from rag.seams import CollectionSpec, Encoder, SparseEncoder, Store
from rag.sections import NearDuplicates
from rag.values import DEFAULT_TENANT, Document, DocumentRecord, Frozen, Notice

AHEAD = 128  # files of the spool at a time: reading is half a million chunks ahead, at most
DROPPED = 256  # documents deleted in one call


@dataclass(frozen=True, slots=True)
class Options(Frozen):
    """How a run goes about it.

    `prune` are the files and folders (absolute paths) whose vanished documents of `tenant` are
    deleted, and `drop` the ids of its documents that are deleted outright; `dry` only tells what
    there is to do. Without `optimize` the search index of what is new is built by a later run.
    `near_duplicates`, documents that share `near_duplicate_share` of their shingles with one read
    before, are let be, linked, or skipped.
    """

    prune: tuple[str, ...] = ()
    tenant: str = DEFAULT_TENANT
    dry: bool = False
    optimize: bool = True
    near_duplicates: NearDuplicates = "off"
    near_duplicate_share: float = 0.8
    drop: tuple[str, ...] = ()


def _silent(_: object) -> None:
    pass


def _silent_document(document: Document, fate: Fate, chunks: int) -> None:
    pass


async def index(
    items: Iterable[Item],
    split: Split,
    encoder: Encoder,
    sparse: SparseEncoder,
    store: Store,
    on_progress: Callable[[Progress], None] = _silent,
    options: Options = Options(),
    on_file: Callable[[FileReport], None] = _silent,
    *,
    encode: Encode = encoded,
    context: Context | None = None,
    on_document: OnDocument = _silent_document,
) -> IndexReport:
    """Bring the store to hold the documents, and return what was done.

    A document replaces the one of the same (tenant, id); other documents stay. A second document of
    the same identity within the run is a fault, and so is one that no store can hold. What the
    store holds already is not encoded again: not an unchanged document, and not a chunk that says
    what a chunk of the document said before.

    Raises:
        StoreUnavailable: from the store. What was put before stays; run again to finish.
        OSError: the folder of temporary files is full.
    """
    started = time.perf_counter()
    tally = Tally(on_file, on_document)
    with (
        closing(_spooling(split, sparse, store, tally, on_progress, options, context)) as spooling,
        closing(Lane("write")) as lane,
    ):
        spec = await store.info()
        run = _Run(
            encoder, encode, sparse, store, on_progress, options, tally, spooling, lane, spec
        )
        await run.prepare()
        await run.work(items)
        await run.prune()
        await run.settle()
    return tally.report(time.perf_counter() - started)


def _spooling(
    split: Split,
    sparse: SparseEncoder,
    store: Store,
    tally: Tally,
    on_progress: Callable[[Progress], None],
    options: Options,
    context: Context | None,
) -> Spooling:
    left: Literal["", "skipped"] = "skipped" if options.near_duplicates == "skip" else ""
    looks = options.near_duplicates != "off"
    duplicates = Duplicates(options.near_duplicate_share, left) if looks else None
    pruning = options.tenant, options.prune
    asked = None if options.dry else context
    return Spooling(split, sparse, store, tally, on_progress, pruning, duplicates, asked)


@dataclass(slots=True)
class _Run:
    """A run's parts, and what is known so far."""

    encoder: Encoder
    encode: Encode
    sparse: SparseEncoder
    store: Store
    on_progress: Callable[[Progress], None]
    options: Options
    tally: Tally
    spooling: Spooling
    lane: Lane
    spec: CollectionSpec  # as it was when the run began
    mean: float = 0.0  # that this run weighs with; 0 until the first chunk is put
    put: int = 0
    touched: bool = False

    async def prepare(self) -> None:
        """Finish what a run before left half done, and count what there is."""
        if self.spec.settled:
            self.spooling.chunks, self.spooling.terms = self.spec.chunks, self.spec.terms
            return
        if not self.options.dry:
            self.tally.counts["finished"] = await recover(self.store)
            self.touched = True
        async for page in self.store.survey():
            self.spooling.chunks += sum(record.chunks for record in page)
            self.spooling.terms += sum(record.terms for record in page)

    async def work(self, items: Iterable[Item]) -> None:
        """Read, encode and write, all at the same time."""
        segments = self.spooling.segments(items)
        if self.options.dry:
            async for segment in segments:
                segment.close()
            return
        async with AsyncExitStack() as stages:
            spooled = await stages.enter_async_context(ahead(segments, AHEAD))
            filled = await stages.enter_async_context(ahead(windows(spooled, self.lane), 1))
            begun = self._begun(filled)
            done = await stages.enter_async_context(ahead(self.encode(begun, self.encoder), 1))
            async for window in done:
                await self._write(window)

    async def _write(self, given: Encoded) -> None:
        if not self.touched or not self.mean:
            await self._begin()
        rows = await self.lane.run(points, given, self.sparse, self.mean)
        await write(self.store, given.window.begun, rows, given.window.ended)
        self.put += len(rows)
        self.tally.counts["encoded"] += given.fresh
        self._show()

    async def _begun(self, filled: AsyncIterator[Window]) -> AsyncGenerator[Window, None]:
        """Hand on the windows; say that encoding begins."""
        first = True
        async for window in filled:
            if first and window.rows:
                self._show()
                first = False
            yield window

    def _show(self) -> None:
        total = self.spooling.planned if self.spooling.done else 0
        self.on_progress(Progress("encode", self.put, total))

    async def _begin(self) -> None:
        """Say that a run is at work, and choose the mean length that it weighs with."""
        fresh = await self.store.count() == 0
        known = self.spec.mean_length
        self.mean = known or settled_mean(self.spooling.chunks, self.spooling.terms)
        known = self.mean if fresh else known
        await self.store.stamp(replace(self.spec, mean_length=known, settled=False))
        self.touched = True

    async def prune(self) -> None:
        """Delete the documents that are no more, and those of the store that are skipped now."""
        if self.spooling.skipped and not self.options.dry:
            await self._drop(self.spooling.skipped)
        if self.options.drop:
            await self._drop_named()
        roots = self.options.prune
        if not roots:
            return
        missing, alive = self.spooling.missing, self.spooling.alive
        gone, dead = await vanished(self.store, missing, alive)
        for root in (root for root in roots if root in dead):
            reason = "none of its documents could be read, so none was pruned"
            self.tally.remarks.notices.add(Notice(root, reason))
        self.tally.counts["pruned"] = len(gone)
        if gone and not self.options.dry:
            await self._drop(gone)

    async def _drop_named(self) -> None:
        """Delete the documents that are named, those that there are."""
        ids = tuple(dict.fromkeys(self.options.drop))
        for start in range(0, len(ids), DROPPED):
            named = ids[start : start + DROPPED]
            there = await self.store.records(self.options.tenant, named)
            self.tally.counts["deleted"] += sum(bool(record.digest) for record in there)
            if there and not self.options.dry:
                await self._drop(there)

    async def _drop(self, gone: Sequence[DocumentRecord]) -> None:
        if not self.touched:
            await self.store.stamp(replace(self.spec, settled=False))
            self.touched = True
        by_tenant: dict[str, list[str]] = {}
        for record in gone:
            by_tenant.setdefault(record.tenant, []).append(record.document_id)
        for tenant, ids in by_tenant.items():
            for start in range(0, len(ids), DROPPED):
                await self.store.drop(tenant, ids[start : start + DROPPED])
        self.spooling.chunks -= sum(record.chunks for record in gone)
        self.spooling.terms -= sum(record.terms for record in gone)

    async def settle(self) -> None:
        """Weigh anew if the mean length is another now, build the search index, and say so."""
        if not self.touched or self.options.dry:
            return
        chunks, terms = self.spooling.chunks, self.spooling.terms
        mean = settled_mean(chunks, terms)
        if mean != (await self.store.info()).mean_length or (self.mean and self.mean != mean):
            counted = await reweigh(self.store, self.sparse, mean, self.on_progress, self.lane)
            self.tally.counts["reweighed"] = counted
        if self.options.optimize:
            self.on_progress(Progress("optimize", 0, 0))
            await self.store.optimize()
        settled = replace(self.spec, mean_length=mean, chunks=chunks, terms=terms, settled=True)
        await self.store.stamp(settled)
