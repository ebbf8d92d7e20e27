"""The mean length that BM25 weighs with, and what happens when it moves."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from indexers.bulk.reporting import Progress
from rag.lanes import Lane
from rag.seams import SparseEncoder, Store
from rag.values import Point, SparseVector

STEP = 1.01  # chosen: weights under means a step apart differ by less than .3 %


def settled_mean(chunks: int, terms: int) -> float:
    """Return the mean length in terms, rounded to a power of STEP; 0 without terms.

    Rounded, it depends on what a collection holds and not on how it came there, and seldom moves.

    >>> round(settled_mean(100, 12_345), 2), round(settled_mean(100, 12_346), 2)
    (123.47, 123.47)
    """
    if not terms:
        return 0.0
    return STEP ** round(math.log(terms / chunks) / math.log(STEP))


async def reweigh(
    store: Store,
    sparse: SparseEncoder,
    mean: float,
    on_progress: Callable[[Progress], None],
    lane: Lane,
) -> int:
    """Weigh every chunk of a collection by this mean, and return how many there are.

    Raises:
        StoreUnavailable: from the store. The collection says that its weights are of several
            minds; the next run weighs them again.
    """
    spec = await store.info()
    await store.stamp(replace(spec, mean_length=0.0))
    done, total = 0, await store.count()
    async for page in store.scan():
        await store.reweigh(await lane.run(_weighed, page, sparse, mean))
        done += len(page)
        on_progress(Progress("reweigh", done, total))
    await store.stamp(replace(spec, mean_length=mean))
    return done


def _weighed(
    points: Sequence[Point], sparse: SparseEncoder, mean: float
) -> Mapping[str, SparseVector]:
    return {point.chunk.id: sparse.document(point.chunk.indexed_text, mean) for point in points}
