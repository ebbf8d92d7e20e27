"""AcuRank: windows go only to passages that may or may not belong among the best k.

Yoon et al., NeurIPS 2025 (arXiv 2505.18512): each passage has a belief about how good it is, and
each ranking of a window refines those of its passages.
"""

from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate, pairwise
from math import ceil

from rag.errors import RagError
from rerankers.asking import Schedule
from rerankers.ordering import Window
from rerankers.schedules import single
from rerankers.skill import MEAN, Belief, learned

_DOUBT = 0.01  # the paper's: from there to 1 less it, a passage is uncertain
_FEW = 10  # the paper's: with fewer uncertain ones it stops
_HALVINGS = 60  # chosen: a double has no more digits


def acurank(
    n: int,
    scores: Sequence[float] = (),
    size: int = 20,
    k: int = 10,
    max_windows: int = 40,
) -> Schedule:
    """Return the passages by the mean of what is believed about them.

    In each round a threshold is set so that k passages are expected above it; those above it with
    a probability between 0.01 and 0.99 are ranked in groups of similar means, side by side. It ends
    when fewer than 10 are uncertain, when all groups were asked before (what was asked taught
    nothing), or at `max_windows` (chosen; the paper needed 20 on average). Up to `size` passages
    are one window.

    Args:
        n: how many passages.
        scores: the first stage's, falling and finite; only their differences matter. Evenly
            spread if empty.
        size: the most passages of a group.
        k: how many of the passages matter; at most half of them are taken for it.
        max_windows: how many windows may be asked.

    Raises:
        ValueError: a score is missing.
    """
    if n <= size:
        return (yield from single(n))
    beliefs = prior_beliefs(scores or range(n, 0, -1))
    if len(beliefs) != n:
        raise ValueError(f"{len(beliefs)} scores for {n} passages")
    seen = set[Window]()
    with suppress(RagError):
        while windows := _uncertain(beliefs, size, min(k, n // 2), seen)[: max_windows - len(seen)]:
            seen.update(windows)
            before = list(beliefs)
            for ranked in (yield windows):
                for passage, belief in learned(before, ranked).items():
                    beliefs[passage] = belief
    return _by_mean(beliefs, range(n))


def prior_beliefs(scores: Sequence[float]) -> list[Belief]:
    """Return what is believed before anything is asked: means of 25 for the best down to 12.5.

    As in the paper the deviation is a third of the mean, so that low scores are believed more
    firmly. It takes a first stage's scores as they are; ours have other scales, so they are spread
    over this range (chosen: at first about 3 of 4 passages are uncertain). A score that rises
    counts as the one before it: the order of the first stage breaks ties.

    >>> [belief.mean for belief in prior_beliefs([0.9, 0.6, 0.3])]
    [25.0, 18.75, 12.5]
    """
    falling = list(accumulate(scores, min))
    spread = (falling[0] - falling[-1]) or 1.0
    means = [MEAN * (1 - (falling[0] - score) / spread / 2) for score in falling]
    return [Belief(mean, mean / 3) for mean in means]


def threshold(beliefs: Sequence[Belief], k: int) -> float:
    """Return the skill above which k of the passages are expected.

    >>> round(threshold([Belief(25.0, 8.0), Belief(15.0, 8.0)], 1), 6)
    20.0
    """
    low = min(belief.mean - 10 * belief.deviation for belief in beliefs)
    high = max(belief.mean + 10 * belief.deviation for belief in beliefs)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if sum(belief.above(middle) for belief in beliefs) > k:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _uncertain(beliefs: Sequence[Belief], size: int, k: int, seen: set[Window]) -> list[Window]:
    """Return the uncertain passages in groups of about equal size that were not yet asked."""
    limit = threshold(beliefs, k)
    doubtful = [i for i, b in enumerate(beliefs) if _DOUBT < b.above(limit) < 1 - _DOUBT]
    if len(doubtful) < _FEW:
        return []
    order = _by_mean(beliefs, doubtful)
    count = ceil(len(order) / size)
    ends = [len(order) * at // count for at in range(count + 1)]
    groups = [order[a:b] for a, b in pairwise(ends)]
    return [group for group in groups if len(group) > 1 and group not in seen]


def _by_mean(beliefs: Sequence[Belief], passages: Sequence[int]) -> Window:
    return tuple(sorted(passages, key=lambda i: (-beliefs[i].mean, i)))
