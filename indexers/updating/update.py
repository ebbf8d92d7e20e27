"""A run over what is new in a store: compare it with its neighbours, mark what it supersedes.

A chunk that was compared has a `valid_from`, a document whose chunks all were says so in its record
(`DocumentRecord.compared`). So a run that was killed, that had no model, or that came to the end of
its budget is finished by the next one. Marks are written before the chunk that made them is.
"""

import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from indexers.updating.dating import given, readers, since
from indexers.updating.judging import Dated, contradicting, habit
from indexers.updating.marking import ended
from indexers.updating.reporting import USUAL, Limits, Updates
from rag.errors import DeadlineExceeded, LLMUnavailable, RagError
from rag.flows import Budget, Flow, drive
from rag.outside.orders import orders
from rag.seams import LLM, Store
from rag.values import (
    Access,
    Chunk,
    Cost,
    DocumentRecord,
    Lookup,
    Notice,
    Point,
    Probe,
    Validity,
)

T = TypeVar("T")
NEAR = 5  # chosen: neighbours that a chunk is compared with
_DEPTH = 50  # chosen: hits among which they are looked for; others are of its own document, say
_TOLD = 20  # chosen: contradictions that are told one by one
_SOURCE = "index.updates"

Opening = Callable[[], Awaitable[LLM]]
"""Gives the language model, loaded when first asked for."""


async def update(store: Store, llm: Opening | None, today: str, limits: Limits = USUAL) -> Updates:
    """Compare what was not compared before with its neighbours, and return what was marked.

    Neighbours are of the same tenant and the same principals, and of another document. Marks whose
    superseding chunk is gone, or has other readers now, are taken away first. A model that fails
    marks nothing; the notices say so, and what is left is done by the next run.

    Args:
        store: with all documents of the run written.
        llm: judges; None where there is none, then marks are only taken away.
        today: from when documents without a date are, as `instant` tells it.
        limits: see there.

    Raises:
        StoreUnavailable: from the store. What was marked before stays.
    """
    run = _Run(store, llm, today, limits, time.monotonic() + limits.seconds)
    async for page in store.survey():
        for record in page:
            await run.sweep(record)
            run.counts["left"] += pending(record)
    if llm is not None and run.counts["left"]:
        await run.work()
    return run.report()


def pending(record: DocumentRecord) -> bool:
    """Whether some of a document's chunks may be still to be compared."""
    return record.state == "whole" and record.compared != _version(record)


def _version(record: DocumentRecord) -> str:
    """Return a name of what was compared: another text, or another date, is to be compared."""
    return f"{record.digest} {given(record.metadata)}"


def _without(record: DocumentRecord, lost: Mapping[str, str]) -> DocumentRecord:
    kept = {by: at for by, at in record.superseders.items() if lost.get(by) != at}
    return replace(record, superseders=kept)


@dataclass(slots=True)
class _Run:
    """A run's parts, and what it did so far."""

    store: Store
    llm: Opening | None
    today: str
    limits: Limits
    ends: float
    counts: Counter[str] = field(default_factory=Counter)
    cost: Cost = field(default=Cost())
    notices: list[Notice] = field(default_factory=list)
    stopped: str = ""
    _habit: tuple[float, ...] = ()
    _asked: set[frozenset[str]] = field(default_factory=set)

    async def sweep(self, record: DocumentRecord) -> None:
        """Take away the marks of a document's chunks that nothing made as it is now."""
        if not record.superseders:
            return
        held = await self._held(record)
        lost = {by: at for by, at in record.superseders.items() if held.get(by) != at}
        if not lost:
            return
        async for page in self.store.scan(record):
            for point in page:
                if point.chunk.superseded_by in lost:
                    self.counts["released"] += 1
                    if not await self._compare(point, anew=True):
                        await self._mark(point.chunk, Validity(point.chunk.valid_from))
        await self._amend(record, lambda now: _without(now, lost))

    async def _held(self, record: DocumentRecord) -> Mapping[str, str]:
        """Return which superseding chunks are there, for the same readers, and from when."""
        found = await self.store.get([*record.superseders], Access(record.tenant))
        mine = readers(record.metadata)
        return {one.id: since(one, self.today) for one in found if readers(one.metadata) == mine}

    async def work(self) -> None:
        """Compare what is new, until it is done or the model cannot be asked any more."""
        async for page in self.store.survey():
            for record in filter(pending, page):
                if self.stopped or not await self._document(record):
                    return
                version = _version(record)
                await self._amend(record, lambda now: replace(now, compared=version))  # noqa: B023
                self.counts["documents"] += 1
                self.counts["left"] -= 1

    def report(self) -> Updates:
        """Return what was done."""
        if self.stopped and self.llm is not None:
            left = f"{self.counts['left']:,} documents are still to be compared, run again"
            self.notices.append(Notice(_SOURCE, f"{left}: {self.stopped}"))
        if unread := self.counts.pop("unread", 0):
            reason = f"{unread:,} replies of the model could not be read: they marked nothing"
            self.notices.append(Notice(_SOURCE, reason))
        return Updates(**self.counts, cost=self.cost, notices=tuple(self.notices))

    async def _document(self, record: DocumentRecord) -> bool:
        """Compare the new chunks of a document; return whether that was all of them."""
        async for page in self.store.scan(record):
            for point in page:
                known, date = point.chunk.valid_from, since(point.chunk, self.today)
                if known == date:
                    continue
                # What ended a chunk of another date is not known to end this one.
                if not await self._compare(point, anew=bool(known)):
                    return False
                self.counts["chunks"] += 1
        return True

    async def _compare(self, point: Point, *, anew: bool) -> bool:
        """Compare a chunk with its neighbours and write the marks; False where nobody could judge.

        Args:
            point: the chunk.
            anew: whether its own mark is forgotten, and pairs asked about in this run count again.
        """
        chunk = point.chunk
        date = since(chunk, self.today)
        others = [] if orders(chunk.indexed_text) else await self._neighbours(point)
        if not anew:
            others = [one for one in others if frozenset((chunk.id, one.id)) not in self._asked]
        verdicts = await self._judged(chunk, others)
        if verdicts is None:
            return False
        mine = Validity(date) if anew else replace(chunk.validity, valid_from=date)
        for other, contradicts in zip(others, verdicts, strict=True):
            self._asked.add(frozenset((chunk.id, other.id)))
            if contradicts is None:
                self.counts["unread"] += 1
                continue
            their_date = since(other, self.today)
            if contradicts and date == their_date:
                self._note(chunk, other, date)
            elif contradicts and date < their_date:
                mine = ended(mine, their_date, other.id)
            elif contradicts:
                await self._mark(other, ended(other.validity, date, chunk.id))
        await self._mark(chunk, mine)
        return True

    async def _neighbours(self, point: Point) -> list[Chunk]:
        """Return the nearest chunks that may contradict this one, the nearest first."""
        chunk = point.chunk
        access = Access(chunk.tenant)
        lookup = Lookup((Probe("near", point.dense, _DEPTH),), access)
        ranking = (await self.store.find(lookup))["near"]
        near = [hit.chunk_id for hit in ranking if hit.score > self.limits.floor]
        mine = readers(chunk.metadata)
        others = [
            other
            for other in await self.store.get(near, access)
            if other.document_id != chunk.document_id
            and other.text != chunk.text
            and readers(other.metadata) == mine
            and not orders(other.indexed_text)
        ]
        return others[:NEAR]

    async def _judged(
        self, chunk: Chunk, others: Sequence[Chunk]
    ) -> tuple[bool | None, ...] | None:
        """Return the model's verdicts, None where it cannot be asked."""
        if not others:
            return ()
        pairs = [self._pair(chunk, other) for other in others]
        try:
            if not self._habit:
                self._habit = await self._drive(habit())
            verdicts = await self._drive(contradicting(pairs, self._habit))
        except RagError as error:
            self.stopped = self.stopped or str(error)
            return None
        self.counts["pairs"] += len(pairs)
        return verdicts

    def _pair(self, *chunks: Chunk) -> tuple[Dated, Dated]:
        """Return two chunks as they are asked about: alike, whichever of them is new."""
        ordered = sorted((since(chunk, self.today), chunk.id, chunk) for chunk in chunks)
        (one_date, _, one), (other_date, _, other) = ordered
        return Dated(one.indexed_text, one_date), Dated(other.indexed_text, other_date)

    async def _drive(self, flow: Flow[T]) -> T:
        if self.llm is None or self.stopped:
            raise LLMUnavailable(self.stopped or "there is no language model")
        left = self.ends - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded(f"the {self.limits.seconds:,g} seconds of a run are over")
        calls = self.limits.calls - self.cost.calls if self.limits.calls else math.inf
        driven = await drive(flow, await self.llm(), Budget(calls=calls, seconds=left))
        self.cost += driven.cost
        return driven.result

    def _note(self, chunk: Chunk, other: Chunk, date: str) -> None:
        self.counts["contradictions"] += 1
        if self.counts["contradictions"] <= _TOLD:
            one, two = sorted((chunk, other), key=lambda each: each.id)
            reason = f"contradicts {two.source or two.document_id}, and both are from {date}"
            self.notices.append(Notice(one.source or one.document_id, reason))

    async def _mark(self, chunk: Chunk, validity: Validity) -> None:
        """Write the validity of a chunk if it is another one, after its document knows by whom."""
        if validity == chunk.validity:
            return
        by = validity.superseded_by
        if by and (by, validity.valid_to) != (chunk.superseded_by, chunk.valid_to):
            self.counts["superseded"] += 1
            whose = DocumentRecord(chunk.document_id, tenant=chunk.tenant)
            await self._amend(
                whose,
                lambda now: replace(now, superseders={**now.superseders, by: validity.valid_to}),
            )
        await self.store.mark({chunk.id: validity})

    async def _amend(
        self, whose: DocumentRecord, change: Callable[[DocumentRecord], DocumentRecord]
    ) -> None:
        """Change the record of a document as it is now, not as it was when it was surveyed."""
        now = await self.store.records(whose.tenant, [whose.document_id])
        await self.store.record([change(record) for record in now])
