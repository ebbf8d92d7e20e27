"""The bulk run: documents in, a store that holds exactly them, interruptible at any time.

Reading comes first and goes to a spool on disk: it gives the number of chunks (so that progress can
tell the time left), every fault at once, and the true mean length that BM25 needs before the first
document is weighed. Then windows of chunks are encoded and put, one window being encoded while the
one before it is written. Ids come from content, so a run that was killed is finished by running it
again; chunks that a changed document no longer has are deleted last.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import BinaryIO

import msgspec

from indexers.splitting.pieces import Split
from indexers.stores.payload import from_payload, to_payload, unstorable
from rag.lanes import Lane
from rag.seams import Encoder, SparseEncoder, Store, StoredChunk
from rag.values import Document, Fault, Frozen, Point, Vector

READ_BATCH = 256  # documents split in one call: enough to keep all cores busy
WINDOW = 1_024  # chunks encoded, then put, together: what a kill can cost
HORIZON = 16 * WINDOW  # chunks in memory at a time, among which windows of like length are made
DRIFT = 0.01  # chosen: BM25 weights are renewed when the mean length is off by more than this


@dataclass(frozen=True, slots=True)
class Progress(Frozen):
    """How far a run is; `total` is 0 while it is unknown."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class IndexReport(Frozen):
    """What a run did."""

    documents: int
    chunks: int
    removed: int
    reweighed: int
    faults: tuple[Fault, ...]
    seconds: float


@dataclass(slots=True)
class _Spooled:
    """What reading found out; the chunks themselves lie in `file`."""

    file: BinaryIO
    chunks: int = 0
    length: int = 0
    faults: list[Fault] = field(default_factory=list)
    ids: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # document → chunk ids


async def index(
    items: Iterable[Document | Fault],
    split: Split,
    encoder: Encoder,
    sparse: SparseEncoder,
    store: Store,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> IndexReport:
    """Bring the store to hold the documents, and return what was done.

    A document replaces the one of the same (tenant, id); other documents stay. A second document of
    the same identity within the run is a fault, and so is one that no store can hold.

    Raises:
        StoreUnavailable: from the store. What was put before stays; run again to finish.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile(prefix="firstcite-") as file, closing(Lane("bulk")) as lane:
        spooled = _Spooled(file)
        batches = _batches(items)
        while batch := await lane.run(lambda: next(batches, None)):
            await lane.run(_spool, batch, split, sparse, spooled)
            on_progress(Progress("read", len(spooled.ids), 0))
        old = await _survey(store, spooled)
        spec = await store.info()
        mean = _mean(spooled, old, spec.mean_length)
        await store.stamp(replace(spec, mean_length=0.0))  # unknown, should this run be killed
        reweighed = 0
        if mean != spec.mean_length:
            reweighed = await _reweigh(store, sparse, old.others, mean, on_progress)
        await _put(spooled, lane, mean, encoder, sparse, store, on_progress)
        for (tenant, document_id), keep in old.stale.items():
            await store.drop(tenant, [document_id], keep)
        await store.stamp(replace(spec, mean_length=mean))
    on_progress(Progress("optimize", 0, 0))
    await store.optimize()
    return IndexReport(
        documents=len(spooled.ids),
        chunks=spooled.chunks,
        removed=old.removed,
        reweighed=reweighed,
        faults=tuple(spooled.faults),
        seconds=time.perf_counter() - started,
    )


def _batches(items: Iterable[Document | Fault]) -> Iterator[list[Document | Fault]]:
    iterator = iter(items)
    while batch := list(islice(iterator, READ_BATCH)):
        yield batch


def _spool(
    batch: Sequence[Document | Fault], split: Split, sparse: SparseEncoder, into: _Spooled
) -> None:
    """Split a batch, count its terms, and write its chunks to the spool."""
    documents = []
    for item in batch:
        if isinstance(item, Fault):
            into.faults.append(item)
        elif reason := unstorable(item):
            into.faults.append(_fault_at(item.source, reason))
        elif (item.tenant, item.id) in into.ids:
            reason = f"duplicate id '{item.id}': the first one counts"
            into.faults.append(_fault_at(item.source, reason))
        else:
            into.ids[item.tenant, item.id] = []
            documents.append(item)
    encoder = msgspec.msgpack.Encoder()
    for document, chunks in zip(documents, split(documents), strict=True):
        into.ids[document.tenant, document.id] = [chunk.id for chunk in chunks]
        for chunk in chunks:
            length = sparse.length(chunk.indexed_text)
            data = encoder.encode(to_payload(chunk, length))
            into.file.write(len(data).to_bytes(4, "big") + data)
            into.chunks += 1
            into.length += length


def _fault_at(source: str, reason: str) -> Fault:
    """Return the fault at a document's source, which is FILE or FILE:LINE."""
    source = source.encode(errors="backslashreplace").decode()
    file, _, line = source.rpartition(":")
    return Fault(file, int(line), reason) if line.isdecimal() else Fault(source, 0, reason)


def _unspool(file: BinaryIO) -> Iterator[list[StoredChunk]]:
    """Yield windows of chunks, those of like length together, so that encoders pad little."""
    file.seek(0)
    while horizon := list(islice(_stored(file), HORIZON)):
        horizon.sort(key=lambda stored: -len(stored.chunk.indexed_text))  # stable
        for start in range(0, len(horizon), WINDOW):
            yield horizon[start : start + WINDOW]


def _stored(file: BinaryIO) -> Iterator[StoredChunk]:
    while header := file.read(4):
        payload = msgspec.msgpack.decode(file.read(int.from_bytes(header, "big")))
        yield from_payload(payload)


@dataclass(slots=True)
class _Survey:
    """What the store held before: chunks of other documents, and documents with stale chunks."""

    others: list[str] = field(default_factory=list)
    length: int = 0
    stale: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    removed: int = 0


async def _survey(store: Store, spooled: _Spooled) -> _Survey:
    survey = _Survey()
    if not await store.count():
        return survey
    fresh = {key: frozenset(ids) for key, ids in spooled.ids.items()}
    async for page in store.scan():
        for stored in page:
            chunk = stored.chunk
            key = (chunk.tenant, chunk.document_id)
            if key not in fresh:
                survey.others.append(chunk.id)
                survey.length += stored.length
            elif chunk.id not in fresh[key]:
                survey.stale[key] = spooled.ids[key]
                survey.removed += 1
    return survey


def _mean(spooled: _Spooled, old: _Survey, stamped: float) -> float:
    """Return the mean length to weigh with: the true one, or the stamped one while it is near."""
    chunks = spooled.chunks + len(old.others)
    if not chunks:
        return stamped
    true = (spooled.length + old.length) / chunks
    return stamped if old.others and abs(true - stamped) <= DRIFT * stamped else true


async def _reweigh(
    store: Store,
    sparse: SparseEncoder,
    chunk_ids: Sequence[str],
    mean: float,
    on_progress: Callable[[Progress], None],
) -> int:
    for start in range(0, len(chunk_ids), WINDOW):
        chunks = await store.get(chunk_ids[start : start + WINDOW], None)
        await store.reweigh({c.id: sparse.document(c.indexed_text, mean) for c in chunks})
        on_progress(Progress("reweigh", start + len(chunks), len(chunk_ids)))
    return len(chunk_ids)


async def _put(
    spooled: _Spooled,
    lane: Lane,
    mean: float,
    encoder: Encoder,
    sparse: SparseEncoder,
    store: Store,
    on_progress: Callable[[Progress], None],
) -> None:
    """Encode window by window; while one is being encoded, the one before is weighed and put."""
    done = 0
    encoding: asyncio.Task[Vector] | None = None
    before: list[StoredChunk] = []
    windows = _unspool(spooled.file)
    on_progress(Progress("encode", 0, spooled.chunks))
    try:
        while True:
            window: list[StoredChunk] = await lane.run(next, windows, [])
            vectors = await encoding if encoding else None
            texts = [stored.chunk.indexed_text for stored in window]
            encoding = asyncio.create_task(encoder.encode(texts, "document")) if window else None
            if vectors is not None:
                await store.put(await lane.run(_points, before, vectors, sparse, mean))
                done += len(before)
                on_progress(Progress("encode", done, spooled.chunks))
            if not window:
                break
            before = window
    finally:
        if encoding:  # only after a failure: nobody waits for it any more
            encoding.cancel()


def _points(
    chunks: Sequence[StoredChunk], dense: Vector, sparse: SparseEncoder, mean: float
) -> list[Point]:
    return [
        Point(stored.chunk, row, sparse.document(stored.chunk.indexed_text, mean), stored.length)
        for stored, row in zip(chunks, dense, strict=True)
    ]
