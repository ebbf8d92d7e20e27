"""The guard: a reranker's order is fused with the first stage's, so that it cannot do much harm.

A language model can destroy a strong first stage (on BRIGHT, FIRST-7B loses 12 points of nDCG@10 to
its own retriever), and a passage can be written to win. Fusion bounds the harm, by the weight: how
far a passage can fall, whatever the reranker says, is known beforehand (`worst_ranks`). The cap on
jumps bounds it by a number of ranks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.fuse import FUSIONS
from rag.values import Frozen, Hit, Ranking
from rerankers.ordering import Ordering

GuardFusion = Literal["rrf", "convex"]

RRF_K = 60  # Cormack, Clarke & Büttcher, SIGIR 2009
_ROUNDING = 1e-12  # sums of floats may come out on either side of a tie
_FIRST, _RERANK = "first", "rerank"


@dataclass(frozen=True, slots=True)
class Guard(Frozen):
    """How the reranked order is fused with the first stage's.

    `weight` is the reranker's share, 0..1; the first stage has the rest. `jump` is the most ranks
    that a passage may rise or fall, 0 for any number.
    """

    fusion: GuardFusion = "rrf"
    weight: float = 0.5
    jump: int = 0


@dataclass(frozen=True, slots=True)
class Fused(Frozen):
    """Passages by number, best first, and a score for each place that never rises."""

    order: tuple[int, ...]
    scores: tuple[float, ...]


def guarded(first: Sequence[float], ordering: Ordering, guard: Guard) -> Fused:
    """Return the reranked order fused with the first stage's.

    Args:
        first: the first stage's scores, best first.
        ordering: the reranker's order; where it has no scores, convex fusion takes 1 / rank.
        guard: how.

    >>> guarded([9.0, 8.0, 1.0], Ordering((2, 0, 1)), Guard(weight=0.25)).order
    (0, 1, 2)
    """
    rankings = {_FIRST: _ranking(range(len(first)), first), _RERANK: _reranked(ordering)}
    weights = {_FIRST: 1 - guard.weight, _RERANK: guard.weight}
    hits = FUSIONS[guard.fusion](rankings, weights)
    order = tuple(int(hit.chunk_id) for hit in hits)
    scores = tuple(hit.score for hit in hits)
    if not guard.jump:
        return Fused(order, scores)
    return Fused(capped(order, guard.jump), scores)


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

    >>> worst_ranks([5.0, 4.0, 3.0], Guard(weight=0.0))
    (1, 2, 3)
    >>> worst_ranks([5.0, 4.0, 3.0], Guard(weight=1.0, jump=1))
    (2, 3, 3)
    """
    overtaking = _OVERTAKING[guard.fusion]
    n = len(first)
    most = guard.jump or n
    return tuple(i + 1 + min(most, n - 1 - i, overtaking(first, i, guard.weight)) for i in range(n))


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


_OVERTAKING: Mapping[str, Callable[[Sequence[float], int, float], int]] = {
    "rrf": _overtaking_by_rank,
    "convex": _overtaking_by_score,
}


def _reranked(ordering: Ordering) -> Ranking:
    scores = ordering.scores
    if scores:
        return _ranking(ordering.order, [scores[i] for i in ordering.order])
    return _ranking(ordering.order, [1 / rank for rank, _ in enumerate(ordering.order, start=1)])


def _ranking(order: Sequence[int], scores: Sequence[float]) -> Ranking:
    """Return a ranking whose ids sort as the numbers do, for fusion breaks ties by id."""
    return tuple(Hit(f"{i:09d}", score) for i, score in zip(order, scores, strict=True))
