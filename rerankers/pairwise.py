"""Pairwise ranking: a schedule of comparisons over margins that are asked once.

PRP of Qin et al. (arXiv 2306.17563), with both orders settled into one margin, and the fusion of
several schedules of Zeng et al. (LLM-RankFusion, arXiv 2406.00231).
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from rag.errors import RagError
from rag.flows import Flow, Reply, Request
from rerankers.comparing import WAYS, Mode
from rerankers.consistency import antisymmetric
from rerankers.demonstrations import Demonstration
from rerankers.ordering import Ordering, Ranker, completed
from rerankers.pairs import Pairs
from rerankers.sorting import Pair, PairSchedule, allpair, heapsort, sliding

Schedule: TypeAlias = Callable[[int], PairSchedule]
"""Starts a schedule for so many passages."""

Merge: TypeAlias = Callable[[Sequence[Sequence[int]]], tuple[int, ...]]
"""Makes one order of several, all of the same passages."""


def pairwise(
    query: str,
    passages: Sequence[str],
    schedule: Schedule = sliding,
    *,
    mode: Mode = "scoring",
    both: bool = True,
    forced: bool = True,
    demonstrations: Sequence[Demonstration] = (),
) -> Ranker:
    """Return the order that a schedule of comparisons makes of the passages.

    Scores are given where every pair was compared: `win_probabilities`.

    Args:
        query: what the passages are compared for.
        passages: in the order of the first stage, safe and short as prompts need them.
        schedule: which pairs are compared, such as `allpair` or `partial(heapsort, k=5)`.
        mode: read the letters' probabilities, or what the model writes.
        both: ask each pair in both orders; in one order only, a preference for a letter stays in.
        forced: whether the answer can be begun for the model.
        demonstrations: put before every question, each in both orders.
    """
    pairs = Pairs(query, passages, WAYS[mode, forced], both=both, demonstrations=demonstrations)
    order, _ = yield from _run(schedule(len(passages)), pairs)
    return _ordering(order, pairs)


def llm_rankfusion(
    query: str,
    passages: Sequence[str],
    merge: Merge,
    schedules: Sequence[Schedule] = (allpair, sliding, heapsort),
    *,
    mode: Mode = "scoring",
    both: bool = True,
    forced: bool = True,
    demonstrations: Sequence[Demonstration] = (),
) -> Ranker:
    """Return the merged order of several schedules that share what was asked.

    After `allpair` the others cost nothing. A schedule that is cut short ends it: only those
    that came to their end are merged; if none did, the order of the one cut short is the result.

    Args:
        query: as in `pairwise`, like all others that are not named here.
        passages: see there.
        merge: makes one order of several, such as Borda's.
        schedules: in the order in which they are run.
        mode: see there.
        both: see there.
        forced: see there.
        demonstrations: see there.
    """
    n = len(passages)
    pairs = Pairs(query, passages, WAYS[mode, forced], both=both, demonstrations=demonstrations)
    orders: list[tuple[int, ...]] = []
    for schedule in schedules:
        order, whole = yield from _run(schedule(n), pairs)
        if not whole:
            orders = orders or [order]
            break
        orders.append(order)
    merged = merge(orders) if len(orders) > 1 and n else (*orders, ())[0]
    return _ordering(completed(merged, tuple(range(n))), pairs)


def _run(schedule: PairSchedule, pairs: Pairs) -> Flow[tuple[tuple[int, ...], bool]]:
    """Run a schedule; return its order, and whether everything it wanted was answered."""
    whole = True
    try:
        wanted = next(schedule)
        while True:
            try:
                margins = yield from _margins(wanted, pairs)
            except RagError as error:
                whole = False
                wanted = schedule.throw(error)
            else:
                wanted = schedule.send(margins)
    except StopIteration as stop:
        return stop.value, whole


def _margins(
    wanted: Sequence[Pair], pairs: Pairs
) -> Generator[Sequence[Request], Sequence[Reply], tuple[float, ...]]:
    """Ask for those not known."""
    requests = pairs.requests(wanted)
    if requests:
        pairs.learn(wanted, (yield requests))
    return pairs.margins(wanted)


def _ordering(order: tuple[int, ...], pairs: Pairs) -> Ordering:
    known, n = pairs.known(), len(order)
    whole = n > 1 and 2 * len(known) == n * (n - 1)
    scores = win_probabilities(order, known) if whole else ()
    return Ordering(order, scores, pairs.missing, pairs.malformed, pairs.findings())


def win_probabilities(order: Sequence[int], margins: Mapping[Pair, float]) -> tuple[float, ...]:
    """Return each passage's probability to be better than another one of these, by its number.

    A margin d is read as log-odds (Bradley and Terry): the mean of σ(d) over the others. It does
    not depend on how many others there are. Where the order contradicts it, as Copeland's can, the
    passages concerned share their mean (isotonic regression): scores never rise along the order.
    An answer on which two generated texts agree counts as a margin of 1.

    Args:
        order: of at least two passages.
        margins: of every pair once.

    >>> [round(p, 3) for p in win_probabilities((1, 0), {(0, 1): -2.0})]
    [0.119, 0.881]
    """
    margin = antisymmetric(len(order), margins)  # (n, n)
    wins = np.nanmean((1 + np.tanh(margin / 2)) / 2, axis=1)  # (n,), σ that cannot overflow
    fallen = _never_rising([float(wins[i]) for i in order])
    return tuple(score for _, score in sorted(zip(order, fallen, strict=True)))


def _never_rising(values: Sequence[float]) -> list[float]:
    """Pool neighbours that rise into their mean, until none does."""
    pools: list[tuple[float, int]] = []
    for value in values:
        total, count = value, 1
        while pools and pools[-1][0] / pools[-1][1] < total / count:
            before = pools.pop()
            total, count = total + before[0], count + before[1]
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]
