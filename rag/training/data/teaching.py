"""A teacher's scores for the passages of a group: any reranker of ours, or the first stage."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from rag.training.data.shelf import Made
from rag.training.values import Group
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Told(Frozen):
    """What a teacher says of passages: a score of each, higher is better, and the calls it took."""

    scores: tuple[float, ...]
    calls: int = 0


Teacher: TypeAlias = Callable[[str, Sequence[str]], Awaitable[Told]]


async def taught(group: Group, teacher: Teacher, top: int) -> Made[Group]:
    """Return a group's first passages with their scores, its relevant ones first among them.

    Args:
        group: relevant passages first, then negatives, the hardest first.
        teacher: scores the passages; those it is shown stand in that order.
        top: how many of them it is asked about.
    """
    shown = group.passages[:top]
    if len(shown) < 2:
        return Made((), "fewer than two passages")
    told = await teacher(group.query, [p.text for p in shown])
    scored = tuple(replace(p, score=s) for p, s in zip(shown, told.scores, strict=True))
    return Made((replace(group, passages=scored),))


def of_order(order: Sequence[int]) -> tuple[float, ...]:
    """Return scores that say nothing but an order: of n, the best has n.

    >>> of_order([2, 0, 1])
    (2.0, 1.0, 3.0)
    """
    scores = [0.0] * len(order)
    for rank, i in enumerate(order):
        scores[i] = float(len(order) - rank)
    return tuple(scores)
