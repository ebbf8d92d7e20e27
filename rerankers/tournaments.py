"""Schedules that ask about many passages side by side: TourRank and top-down partitioning."""

import random
from collections.abc import Sequence
from contextlib import suppress
from math import ceil

from rag.errors import RagError
from rerankers.asking import Schedule
from rerankers.ordering import Window, flat

_HALVED = 50  # more passages than that are halved, in groups of 20; fewer meet in groups of 10
_FINALS = (20, 10, 5, 2)  # how many survive the stages after that; 20 and fewer are one group


def survivors(n: int) -> tuple[int, ...]:
    """Return how many passages survive each stage of a tournament.

    TourRank's numbers for 100 (arXiv 2406.11678); more than 50 are halved until they are not, so
    that any number ends in the same finals. Of two, one survives.

    >>> survivors(100), survivors(300), survivors(8), survivors(2)
    ((50, 20, 10, 5, 2), (150, 75, 38, 20, 10, 5, 2), (5, 2), (1,))
    """
    if n == 2:
        return (1,)
    halves, left = [], n
    while left > _HALVED:
        left = ceil(left / 2)
        halves.append(left)
    return (*halves, *(final for final in _FINALS if final < left))


def tourrank(n: int, rounds: int = 1, seed: int = 0) -> Schedule:
    """Return the passages by the stages they survive in some tournaments, together.

    Chen et al., WWW 2025 (arXiv 2406.11678): groups of at most 20 keep their best half, then groups
    of at most 10 keep 20 in all, then single groups keep 10, 5 and 2; each stage survived is a
    point. For 100 passages that is 13 windows in 5 steps per tournament, and the tournaments run
    side by side. Groups are dealt like cards from the first stage's order, each row of the deal
    shuffled, so that every group is about as strong and a tie keeps the first stage's order.
    """
    points = [0] * n
    chance = random.Random(seed)  # noqa: S311  not for secrets
    alive = [tuple(range(n)) for _ in range(rounds)]
    with suppress(RagError):
        for target in survivors(n):
            draws = [_draw(passages, target, chance) for passages in alive]
            ranked = iter((yield [group for draw in draws for group, _ in draw]))
            kept = [[flat(next(ranked))[:keep] for _, keep in draw] for draw in draws]
            alive = [tuple(sorted(i for group in groups for i in group)) for groups in kept]
            for passage in (i for passages in alive for i in passages):
                points[passage] += 1
    return tuple(sorted(range(n), key=lambda i: (-points[i], i)))


def _draw(
    passages: Sequence[int], target: int, chance: random.Random
) -> tuple[tuple[Window, int], ...]:
    """Return the groups of a stage, each with how many of it survive.

    If every group keeps the first of its passages, the survivors are the first `target` of all.
    """
    count = _groups(len(passages))
    groups: list[list[int]] = [[] for _ in range(count)]
    keep = [target // count] * count
    for first in range(0, len(passages), count):
        dealt = chance.sample(range(count), count)
        for group, passage in zip(dealt, passages[first : first + count], strict=False):
            groups[group].append(passage)
        if first // count == target // count:  # the row that not all groups keep
            for group in dealt[: target % count]:
                keep[group] += 1
    return tuple((tuple(group), kept) for group, kept in zip(groups, keep, strict=True))


def _groups(n: int) -> int:
    if n > _HALVED:
        return ceil(n / 20)
    return ceil(n / 10) if n > _FINALS[0] else 1


def top_down(n: int, size: int = 20) -> Schedule:
    """Return the order found by comparing all others with a pivot of the first window.

    Top-down partitioning, Parry et al., arXiv 2405.14589:

    1. Rank the first `size` passages. The pivot is the one in place size / 2.
    2. Split all others into groups of size − 1, put the pivot before each, rank the groups side by
       side. What stands strictly above the pivot is a candidate, what does not stays behind it:
       first the rest of the first window, then each group's in its order.
    3. If there are candidates, begin again with the upper half of the first window and them. If
       there are none, the first window was right about the upper half, and that is the order.

    That is 7 windows in 3 steps for 100 passages, where at most size / 2 candidates are found, and
    9 in 9 steps for a sliding window.

    Raises:
        ValueError: a window of fewer than two passages.
    """
    if size < 2:
        raise ValueError(f"a window of {size} compares nothing: choose at least 2 passages")
    upper, lower = tuple(range(n)), tuple[int, ...]()
    with suppress(RagError):
        while len(upper) > 1:
            (ranked,) = yield (upper[:size],)
            first, others = flat(ranked), upper[size:]
            upper = (*first, *others)
            if not others:
                break
            pivot = first[size // 2 - 1]
            groups = [others[at : at + size - 1] for at in range(0, len(others), size - 1)]
            candidates, behind = list[int](), list(first[size // 2 :])
            for ranked in (yield [(pivot, *group) for group in groups]):
                order = flat(ranked)
                at = order.index(pivot)
                candidates += order[:at]
                behind += order[at + 1 :]
            upper, lower = (*first[: size // 2 - 1], *candidates), (pivot, *behind, *lower)
            if not candidates:
                break
    return (*upper, *lower)
