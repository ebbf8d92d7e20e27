"""Schedules: which pairs are compared, and which order follows from the margins.

A schedule yields pairs that can be compared side by side and is sent their margins: above 0 where
the first of the pair is better, below 0 where the second is, 0 for a tie. A tie always goes to the
smaller number. An error thrown in at a `yield` ends it with the best order it has so far. The
variants are those of Qin et al., "Large Language Models are Effective Text Rankers with Pairwise
Ranking Prompting" (arXiv 2306.17563).
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeAlias

from rag.errors import RagError
from rerankers.ordering import by_score

Pair: TypeAlias = tuple[int, int]
"""Two different passages."""

PairSchedule: TypeAlias = Generator[Sequence[Pair], Sequence[float], tuple[int, ...]]
"""Yields pairs to compare, is sent their margins, returns an order of all passages."""

CHUNK = 64  # chosen: pairs asked side by side; a budget that ends loses no more than these


def allpair(n: int, chunk: int = CHUNK) -> PairSchedule:
    """Compare every pair once; order by wins plus half the ties, equal ones by number.

    The points are Copeland's. Pairs of early passages come first: what was not compared before
    an early end counts as won by the smaller number, so the head is sorted and the tail stays.

    Args:
        n: number of passages; n(n − 1)/2 comparisons.
        chunk: how many of them are yielded at a time.
    """
    pairs = [(i, j) for j in range(n) for i in range(j)]
    margins: list[float] = []
    with suppress(RagError):
        for start in range(0, len(pairs), chunk):
            margins.extend((yield pairs[start : start + chunk]))
    margins.extend([1.0] * (len(pairs) - len(margins)))
    return by_score(_points(n, zip(pairs, margins, strict=True)))


def _points(n: int, compared: Iterable[tuple[Pair, float]]) -> tuple[float, ...]:
    points = [0.0] * n
    for (i, j), margin in compared:
        won = 0.5 if margin == 0 else float(margin > 0)
        points[i] += won
        points[j] += 1 - won
    return tuple(points)


def sliding(n: int, k: int = 10, *, wavefront: bool = True) -> PairSchedule:
    """Bubble the best up from the bottom, k times; neighbours swap where the lower one wins.

    Pass i, from 0, stops at position i: Σ_{i<k} (n − 1 − i) comparisons, of which those of a pair
    seen before cost nothing where margins are remembered. The default k is the paper's.

    Args:
        n: number of passages.
        k: number of passes; the first k places are what it sorts.
        wavefront: let each pass follow two positions behind the one before it: the same swaps
            in n + k − 2 steps of up to k comparisons. Otherwise one comparison per step.
    """
    order = list(range(n))
    passes = max(0, min(k, n - 1))
    steps = _wavefront(n, passes) if wavefront else _one_by_one(n, passes)
    with suppress(RagError):
        for lower in steps:
            margins = yield [(order[j], order[j - 1]) for j in lower]
            for j, margin in zip(lower, margins, strict=True):
                if margin > 0:
                    order[j - 1], order[j] = order[j], order[j - 1]
    return tuple(order)


def _one_by_one(n: int, passes: int) -> Iterator[Sequence[int]]:
    """Yield the lower position of each comparison, pass after pass."""
    for stop in range(passes):
        for j in range(n - 1, stop, -1):
            yield (j,)


def _wavefront(n: int, passes: int) -> Iterator[Sequence[int]]:
    """Yield the lower positions of each step's comparisons.

    What a pass compares, the pass before it has left for good one step ago. The positions of
    one step are two apart: its comparisons share no passage.
    """
    for step in range(n + passes - 2 if passes else 0):
        at = {i: n - 1 - step + 2 * i for i in range(passes)}
        yield [j for i, j in at.items() if i < j < n]


def heapsort(n: int, k: int = 10) -> PairSchedule:
    """Take the best k passages from a heap; the rest follow in the order of the first stage.

    At most 2n + 2k log₂ n comparisons. Nodes of one level are sunk side by side while the heap is
    built; taking from it is one comparison at a time.

    Args:
        n: number of passages.
        k: how many are sorted; bounded by n.
    """
    heap = list(range(n))
    best: list[int] = []
    with suppress(RagError):
        for level in _inner_levels(n):
            yield from _side_by_side([_sink(heap, at) for at in level])
        while heap and len(best) < k:
            best.append(heap[0])
            last = heap.pop()
            if heap and len(best) < k:
                heap[0] = last
                yield from _side_by_side([_sink(heap, 0)])
    return (*best, *sorted(set(range(n)) - set(best)))


def _inner_levels(n: int) -> list[range]:
    """Return the nodes that have children, by level, the lowest level first."""
    levels = []
    start = 0
    while 2 * start + 1 < n:
        levels.append(range(start, min(2 * start + 1, n // 2)))
        start = 2 * start + 1
    return levels[::-1]


def _sink(heap: list[int], at: int) -> Generator[Pair, float, None]:
    """Let a node sink until neither child is better; yields one pair at a time."""
    while (child := 2 * at + 1) < len(heap):
        right = child + 1
        if right < len(heap) and (yield from _better(heap[right], heap[child])):
            child = right
        if not (yield from _better(heap[child], heap[at])):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child


def _better(i: int, j: int) -> Generator[Pair, float, bool]:
    # A heap is not stable: without the number, ties would bring up the tail.
    margin = yield i, j
    return margin > 0 or (margin == 0 and i < j)


def _side_by_side(
    sinking: Sequence[Generator[Pair, float, None]],
) -> Generator[Sequence[Pair], Sequence[float], None]:
    """Run several in step: each step yields the next pair of all that have not ended."""
    wanted = {one: pair for one in sinking if (pair := next(one, None))}
    while wanted:
        margins = yield tuple(wanted.values())
        sent = zip(wanted, margins, strict=True)
        wanted = {one: pair for one, margin in sent if (pair := _next_pair(one, margin))}


def _next_pair(one: Generator[Pair, float, None], margin: float) -> Pair | None:
    try:
        return one.send(margin)
    except StopIteration:
        return None
