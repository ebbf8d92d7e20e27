"""Several rankings of the same passages made into one.

All take at least one ranking, with ties, and return an order; what is still tied stands by number.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rerankers.ordering import Levels, Window, flat

Matrix = npt.NDArray[np.int64]


def strict(order: Iterable[int]) -> Levels:
    """Return an order as a ranking without ties.

    >>> strict([2, 0, 1])
    ((2,), (0,), (1,))
    """
    return tuple((i,) for i in order)


def borda_points(rankings: Sequence[Levels]) -> dict[int, float]:
    """Return for each passage how many it stands above, over all rankings; a tie counts half.

    Borda's count with the mean of the points shared among those tied. All points are multiples of
    a half, so that equal ones are exactly equal.

    >>> borda_points([((2,), (0, 1))])
    {0: 0.5, 1: 0.5, 2: 2.0}
    """
    return _points(rankings, lambda above, tied, n: n - above - tied + (tied - 1) / 2)


def borda(rankings: Sequence[Levels]) -> Window:
    """Return the passages with the most of Borda's points first.

    >>> borda([((0,), (1,), (2,)), ((1,), (0,), (2,)), ((1,), (2,), (0,))])
    (1, 0, 2)
    """
    return _falling(borda_points(rankings))


def rrf(rankings: Sequence[Levels], k: int = 60) -> Window:
    """Return the passages by their sum of 1 / (k + rank); those tied share their mean rank.

    Reciprocal rank fusion, Cormack et al., SIGIR 2009, with its k.

    >>> rrf([((0,), (1,), (2,)), ((2,), (0,), (1,))])
    (0, 2, 1)
    """
    return _falling(_points(rankings, lambda above, tied, _: 1 / (k + above + (tied + 1) / 2)))


def _points(
    rankings: Sequence[Levels], points: Callable[[int, int, int], float]
) -> dict[int, float]:
    """Return the sums of the points that a level gives for (passages above, its size, all)."""
    parts: dict[int, list[float]] = {i: [] for i in flat(rankings[0])}
    for ranked in rankings:
        above = 0
        for level in ranked:
            for i in level:
                parts[i].append(points(above, len(level), len(parts)))
            above += len(level)
    # fsum: the sum of the same parts is the same in any order, so equal points are a tie.
    return {i: math.fsum(parts[i]) for i in sorted(parts)}


def _falling(points: Mapping[int, float]) -> Window:
    return tuple(sorted(points, key=lambda i: (-points[i], i)))


def distance(order: Window, rankings: Sequence[Levels]) -> int:
    """Return how many pairs an order puts the other way round than the rankings, over all of them.

    Kendall's tau distance; a pair that a ranking ties agrees with either order.

    >>> distance((0, 1, 2), [((2,), (0, 1))])
    2
    """
    return _total(np.arange(len(order)), _against(order, rankings))


def kemeny(rankings: Sequence[Levels]) -> Window:
    """Return an order at a small total distance from the rankings: never above any one of them.

    Kemeny's order is the one at the least; finding it is NP-hard. This one starts from the best of
    Borda's and the rankings themselves and moves single passages as long as that helps: the local
    search of Tang et al., arXiv 2310.07712.

    >>> kemeny([((0,), (1,), (2,)), ((1,), (0,), (2,)), ((1,), (2,), (0,))])
    (1, 0, 2)
    """
    items = tuple(sorted(flat(rankings[0])))
    cost = _costs(items, rankings)
    starts = [np.searchsorted(items, flat(one)) for one in (strict(borda(rankings)), *rankings)]
    order = min(starts, key=lambda start: _total(start, cost))
    while (better := _moved(order, cost)) is not None:
        order = better
    return tuple(items[at] for at in order)


def _total(order: Matrix, cost: Matrix) -> int:
    """Return the summed cost of all pairs as an order puts them."""
    return int(np.triu(cost[np.ix_(order, order)], 1).sum())


def _costs(items: Window, rankings: Sequence[Levels]) -> Matrix:
    """Return what it costs to put item a before b, (a, b).

    The pairs against it count first. The order of the numbers only breaks ties: all pairs out of it
    weigh less than one that is against a ranking.
    """
    numbers = np.tril(np.ones((len(items), len(items)), dtype=np.int64), -1)
    return _against(items, rankings) * len(items) ** 2 + numbers


def _against(items: Window, rankings: Sequence[Levels]) -> Matrix:
    """Return how many rankings put item b above a, (a, b)."""
    against = np.zeros((len(items), len(items)), dtype=np.int64)
    for heights in _heights(items, rankings):
        against += heights[None, :] < heights[:, None]
    return against


def _heights(items: Window, rankings: Sequence[Levels]) -> Iterator[Matrix]:
    """Yield for each ranking the number of each item's level."""
    for ranked in rankings:
        height = {i: at for at, level in enumerate(ranked) for i in level}
        yield np.array([height[i] for i in items], dtype=np.int64)


def _moved(order: Matrix, cost: Matrix) -> Matrix | None:
    """Return the order after the one move that saves the most, None where none saves anything."""
    if not len(order):
        return None
    there = cost[np.ix_(order, order)]
    gain = there - there.T  # of standing before the other rather than behind it
    before = np.concatenate([np.zeros((len(order), 1), np.int64), gain.cumsum(axis=1)], axis=1)
    at = np.arange(len(order))
    upwards = before[at, at][:, None] - before[:, :-1]
    downwards = before[at, at][:, None] - before[:, 1:]
    change = np.where(at[None, :] <= at[:, None], upwards, downwards)
    source, target = np.unravel_index(int(change.argmin()), change.shape)
    if change[source, target] >= 0:
        return None
    return np.insert(np.delete(order, source), int(target), order[source])
