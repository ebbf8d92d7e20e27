"""The guard: a reranker's order is fused with the first stage's, so that it cannot do much harm.

A language model can destroy a strong first stage (on BRIGHT, FIRST-7B loses 12 points of nDCG@10 to
its own retriever), and a passage can be written to win. Fusion bounds the harm: how far a passage
can fall, whatever the reranker says, is known beforehand (`worst_ranks`). The cap on jumps bounds
it by a number of ranks.

The usual fusion is a logarithmic pool of both ranks, in which the reranker is heard as far as it
agrees with the first stage: one that has no idea, or contradicts it throughout, changes little. One
that agrees on the whole may correct the details. What the pool is worth beside the other fusions:
`docs/reranking.md`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation
from typing import Literal

from rag.fuse import FUSIONS
from rag.values import Frozen, Hit, Ranking, ranked
from rerankers.ordering import Ordering

GuardFusion = Literal["pool", "rrf", "convex"]

USUAL_WEIGHT: Mapping[GuardFusion, float] = {"pool": 0.7, "rrf": 0.4, "convex": 0.3}
"""The reranker's share by fusion: one rule for all collections (docs/reranking.md)."""

RRF_K = 60  # Cormack, Clarke & Büttcher, SIGIR 2009
FLAT = 7  # added to the reranker's rank in the pool: its first few places differ little
HEARD = 2.0  # a correlation of a half or more is full agreement
_ROUNDING = 1e-12  # sums of floats may come out on either side of a tie
_FIRST, _RERANK = "first", "rerank"


@dataclass(frozen=True, slots=True)
class Guard(Frozen):
    """How the reranked order is fused with the first stage's.

    `weight` is the reranker's share, 0..1, the first stage has the rest; None is the fusion's usual
    one. `jump` is the most ranks that a passage may rise or fall, 0 for any number.
    """

    fusion: GuardFusion = "pool"
    weight: float | None = None
    jump: int = 0

    @property
    def share(self) -> float:
        """The reranker's share."""
        return USUAL_WEIGHT[self.fusion] if self.weight is None else self.weight


@dataclass(frozen=True, slots=True)
class Fused(Frozen):
    """Passages by number, best first, and a score for each place that never rises."""

    order: tuple[int, ...]
    scores: tuple[float, ...]


def guarded(first: Sequence[float], ordering: Ordering, guard: Guard) -> Fused:
    """Return the reranked order fused with the first stage's.

    Args:
        first: the first stage's scores, best first.
        ordering: the reranker's order.
        guard: how.

    >>> guarded([9.0, 8.0, 1.0], Ordering((2, 0, 1)), Guard("rrf", 0.25)).order
    (0, 1, 2)
    """
    hits = _FUSED[guard.fusion](first, ordering, guard.share)
    order = tuple(int(hit.chunk_id) for hit in hits)
    scores = tuple(hit.score for hit in hits)
    return Fused(capped(order, guard.jump) if guard.jump else order, scores)


def capped(order: Sequence[int], jump: int) -> tuple[int, ...]:
    """Return the order with every number at most `jump` places from where it came from.

    From the first place on: the number whose last chance it is, or else the best that may stand
    there. No two numbers have their last chance at the same place, so it always works out.

    >>> capped([3, 2, 1, 0], 1)
    (1, 0, 3, 2)
    """
    left = list(order)
    found: list[int] = []
    for place in range(len(order)):
        last = place - jump
        fitting = last if last in left else next(i for i in left if i <= place + jump)
        left.remove(fitting)
        found.append(fitting)
    return tuple(found)


def worst_ranks(first: Sequence[float], guard: Guard) -> tuple[int, ...]:
    """Return the lowest rank (from 1) to which any reranker could push each passage.

    Args:
        first: the first stage's scores, best first.
        guard: how its order is fused with the reranker's.

    >>> worst_ranks([5.0, 4.0, 3.0], Guard("rrf", 0.0))
    (1, 2, 3)
    >>> worst_ranks([5.0, 4.0, 3.0], Guard("rrf", 1.0, jump=1))
    (2, 3, 3)
    """
    overtaking, n = _OVERTAKING[guard.fusion], len(first)
    most = guard.jump or n
    return tuple(i + 1 + min(most, n - 1 - i, overtaking(first, i, guard.share)) for i in range(n))


def _pooled(first: Sequence[float], ordering: Ordering, weight: float) -> Ranking:
    """Return −(1 − w) · ln rank − w · t · ln(7 + reranked rank), t being the agreement of both."""
    ranks = {i: rank for rank, i in enumerate(ordering.order, start=1)}
    prior = [math.log(1 / rank) for rank, _ in enumerate(first, start=1)]
    said = [-math.log(FLAT + ranks[i]) for i in range(len(first))]
    heard = weight * _agreement(prior, said)
    pairs = enumerate(zip(prior, said, strict=True))
    return ranked({_id(i): (1 - weight) * p + heard * s for i, (p, s) in pairs})


def _agreement(prior: Sequence[float], said: Sequence[float]) -> float:
    """Return 0 where the two are not correlated, 1 where they clearly are."""
    try:
        return min(1.0, max(0.0, HEARD * correlation(prior, said)))
    except StatisticsError:  # of fewer than two
        return 0.0


def _by_rank(first: Sequence[float], ordering: Ordering, weight: float) -> Ranking:
    return FUSIONS["rrf"](_rankings(first, ordering), _weights(weight))


def _by_score(first: Sequence[float], ordering: Ordering, weight: float) -> Ranking:
    return FUSIONS["convex"](_rankings(first, ordering), _weights(weight))


def _weights(weight: float) -> Mapping[str, float]:
    return {_FIRST: 1 - weight, _RERANK: weight}


def _rankings(first: Sequence[float], ordering: Ordering) -> Mapping[str, Ranking]:
    """Return both rankings; that of a reranker without scores has 1 / rank."""
    own = [ordering.scores[i] for i in ordering.order] if ordering.scores else None
    reciprocal = [1 / rank for rank, _ in enumerate(ordering.order, start=1)]
    return {
        _FIRST: _ranking(range(len(first)), first),
        _RERANK: _ranking(ordering.order, own or reciprocal),
    }


def _ranking(order: Sequence[int], scores: Sequence[float]) -> Ranking:
    return tuple(Hit(_id(i), score) for i, score in zip(order, scores, strict=True))


def _id(number: int) -> str:
    """Return an id that sorts as the number does, for fusion breaks ties by id."""
    return f"{number:09d}"


def _overtaking_in_pool(first: Sequence[float], i: int, weight: float) -> int:
    """Return how many can overtake passage i: the reranker gives it the last place."""
    n = len(first)
    moved = weight * math.log((FLAT + n) / (FLAT + 1)) + _ROUNDING
    return sum((1 - weight) * math.log((j + 1) / (i + 1)) < moved for j in range(i + 1, n))


def _overtaking_by_rank(first: Sequence[float], i: int, weight: float) -> int:
    """Return how many can overtake passage i: the m next ones do, on the reranker's ranks 1 to m.

    The farther one stands behind, the better a rank it needs: so the m-th behind has rank 1.
    """
    n = len(first)
    beaten = (1 - weight) / (RRF_K + i + 1) + weight / (RRF_K + n)

    def overtake(m: int) -> bool:
        return all(
            (1 - weight) / (RRF_K + i + 1 + t) + weight / (RRF_K + m - t + 1) > beaten - _ROUNDING
            for t in range(1, m + 1)
        )

    return max((m for m in range(1, n - i) if overtake(m)), default=0)


def _overtaking_by_score(first: Sequence[float], i: int, weight: float) -> int:
    """Return how many can overtake passage i: the reranker gives it 0 and all those 1."""
    low, high = min(first), max(first)
    scale = high - low or 1.0
    return sum(
        (1 - weight) * (first[i] - first[j]) / scale < weight + _ROUNDING
        for j in range(i + 1, len(first))
    )


_FUSED: Mapping[GuardFusion, Callable[[Sequence[float], Ordering, float], Ranking]] = {
    "pool": _pooled,
    "rrf": _by_rank,
    "convex": _by_score,
}
_OVERTAKING: Mapping[GuardFusion, Callable[[Sequence[float], int, float], int]] = {
    "pool": _overtaking_in_pool,
    "rrf": _overtaking_by_rank,
    "convex": _overtaking_by_score,
}
