"""A collection copied from one store into another, with its vectors: nothing is encoded again.

While it is copied, the target says what the source was built with and that it is not `settled`; so
a run that was ended goes on where it was, and no other collection is ever mixed with it.
"""

import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexers.bulk.ahead import ahead
from rag.errors import CollectionMismatch
from rag.seams import CollectionSpec, Store
from rag.values import DocumentRecord, Frozen, Point

SAMPLED = 100  # documents that are compared in the end
_COMPARED = 1_000  # points of such a document, at most
_COSINE = 0.99999  # engines scale vectors to length 1 again, which changes the last bits


@dataclass(frozen=True, slots=True)
class Migration(Frozen):
    """What the target holds now; `sent` chunks were not there before, `compared` ones are equal."""

    chunks: int
    sent: int
    records: int
    compared: int
    seconds: float


def is_copy(built: CollectionSpec, target: CollectionSpec) -> bool:
    """Whether a target holds a copy of what was built so, a whole one or one that was begun."""
    return replace(target, settled=built.settled) == built


async def migrate(
    source: Store, target: Store, on_progress: Callable[[str, int, int], None]
) -> Migration:
    """Bring the target to hold what the source holds, and compare them.

    Args:
        source: is only read; nobody is to write to it meanwhile.
        target: a collection made with the source's `info`, or one in which a copy was begun.
        on_progress: is told what is done, how much of it, and of how much.

    Raises:
        CollectionMismatch: the target holds another collection, or is no copy in the end.
        StoreUnavailable: from either store. What was copied stays; run again to finish.
    """
    started = time.perf_counter()
    built = await source.info()
    if not is_copy(built, await target.info()):
        raise CollectionMismatch(
            "the target holds another collection of that name, or a copy from before the source "
            "changed: copy with --replace to delete it, or under another name"
        )
    await target.stamp(replace(built, settled=False))
    chunks, sent = await _copy_points(source, target, on_progress)
    records, sample = await _copy_records(source, target, on_progress)
    on_progress("building the search index", 0, 0)
    await target.optimize()
    await _compare_counts(target, chunks, records)
    compared = await _compare(source, target, sample, on_progress)
    await target.stamp(built)
    return Migration(chunks, sent, records, compared, time.perf_counter() - started)


async def _copy_points(
    source: Store, target: Store, on_progress: Callable[[str, int, int], None]
) -> tuple[int, int]:
    """Return how many chunks there are, and how many of them had to be sent."""
    total, begun = await source.count(), await target.count() > 0
    done = sent = 0
    on_progress("copying chunks", 0, total)
    async with ahead(_pages(source), 1) as pages:  # one is read while another one is written
        async for page in pages:
            missing = await _missing(target, page) if begun else page
            await target.put(missing)
            done, sent = done + len(page), sent + len(missing)
            on_progress("copying chunks", done, total)
    return done, sent


async def _pages(source: Store) -> AsyncGenerator[Sequence[Point], None]:
    async for page in source.scan():
        yield page


async def _missing(target: Store, page: Sequence[Point]) -> Sequence[Point]:
    """Return the points whose chunks the target does not hold as they are.

    Chunks tell enough: under one `CollectionSpec` their text decides on both vectors.
    """
    held = {chunk.id: chunk for chunk in await target.get([p.chunk.id for p in page], None)}
    return [point for point in page if held.get(point.chunk.id) != point.chunk]


async def _copy_records(
    source: Store, target: Store, on_progress: Callable[[str, int, int], None]
) -> tuple[int, list[DocumentRecord]]:
    """Return how many records there are, and a uniform sample of them (Vitter's algorithm R)."""
    dice = random.Random(0)  # noqa: S311 - a sample, no secret
    sample: list[DocumentRecord] = []
    count = 0
    async for page in source.survey():
        await target.record(page)
        for record in page:
            count += 1
            place = len(sample) if count <= SAMPLED else dice.randrange(count)
            if place < SAMPLED:
                sample[place : place + 1] = [record]
        on_progress("copying records", count, 0)
    return count, sample


async def _compare_counts(target: Store, chunks: int, records: int) -> None:
    held = await target.count()
    known = sum([len(page) async for page in target.survey()])
    if (held, known) != (chunks, records):
        raise _different(
            f"{held:,} chunks and {known:,} records instead of {chunks:,} and {records:,}"
        )


async def _compare(
    source: Store,
    target: Store,
    sample: Sequence[DocumentRecord],
    on_progress: Callable[[str, int, int], None],
) -> int:
    """Return how many points of a sample of documents were compared."""
    compared = 0
    for done, record in enumerate(sample, start=1):
        if await target.records(record.tenant, [record.document_id]) != (record,):
            raise _different(f"the record of '{record.document_id}' is another")
        points, copies = await _points(source, record), await _points(target, record)
        equal = len(points) == len(copies) and all(map(_is_same, points, copies))
        if not equal:
            raise _different(f"the chunks of '{record.document_id}' are others")
        compared += len(points)
        on_progress("comparing documents", done, len(sample))
    return compared


async def _points(store: Store, record: DocumentRecord) -> list[Point]:
    """Return a document's points, the first ones by id."""
    points: list[Point] = []
    async for page in store.scan(record):
        points += page
        if len(points) >= _COMPARED:
            break
    return points[:_COMPARED]


def _is_same(point: Point, copy: Point) -> bool:
    """Whether two points are equal; weights to the bit as engines keep them, vectors to scale."""
    weights = [np.asarray(p.sparse.values, np.float32) for p in (point, copy)]
    lengths = np.linalg.norm(point.dense) * np.linalg.norm(copy.dense)
    return (
        (point.chunk, point.length) == (copy.chunk, copy.length)
        and point.sparse.indices == copy.sparse.indices
        and bool(np.array_equal(weights[0], weights[1]))
        and bool(point.dense @ copy.dense >= _COSINE * lengths)
    )


def _different(what: str) -> CollectionMismatch:
    return CollectionMismatch(
        f"the copy is not what the source holds ({what}): end what writes to either, and copy "
        "again with --replace"
    )
