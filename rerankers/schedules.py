"""Schedules that move windows over a ranking: sliding, one for all, heap and bubble sort.

Every one of them keeps the first stage's order where the model sees no difference, reaches the head
of any number of passages, and returns what it has where it is interrupted.
"""

from collections.abc import Generator, Sequence
from contextlib import suppress

from rag.errors import RagError
from rerankers.asking import Schedule
from rerankers.ordering import Levels, Window, flat


def head(n: int, size: int = 20) -> Schedule:
    """Return the first `size` passages ranked in one window, the others as they came."""
    order = yield from single(min(n, size))
    return (*order, *range(len(order), n))


def single(n: int) -> Schedule:
    """Return the order of one window that holds all passages."""
    order = tuple(range(n))
    if n > 1:
        with suppress(RagError):
            (ranked,) = yield (order,)
            order = flat(ranked)
    return order


def starts(n: int, size: int, step: int) -> tuple[int, ...]:
    """Return where windows begin that slide from the tail to the head: 1 + ceil((n − size) / step).

    The last begins at the head whatever n is.

    Raises:
        ValueError: a step that would skip passages, or does not move.

    >>> starts(100, 20, 10)
    (80, 70, 60, 50, 40, 30, 20, 10, 0)
    >>> starts(25, 20, 10), starts(3, 20, 10), starts(1, 20, 10)
    ((5, 0), (0,), ())
    """
    if not 1 <= step <= size:
        raise ValueError(f"windows of {size} cannot move by {step}: choose a step of 1 to {size}")
    if n < 2:
        return ()
    return (*range(n - size, 0, -step), 0)


def sliding(n: int, size: int = 20, step: int = 10) -> Schedule:
    """Return the order after one pass of a window from the tail to the head.

    RankGPT's and FIRST's schedule with their numbers. The best size − step passages of all end up
    in front, if the model can tell them.
    """
    order = list(range(n))
    with suppress(RagError):
        for start in starts(n, size, step):
            (ranked,) = yield (tuple(order[start : start + size]),)
            order[start : start + size] = flat(ranked)
    return tuple(order)


def bubble(n: int, size: int = 3, k: int = 10) -> Schedule:
    """Return the order after k passes of bubble sort, each of which brings one passage forward.

    Setwise's bubble sort, arXiv 2310.09497: a window moves from the tail up by size − 1, its best
    passage goes to its front, the others keep their order; pass i ends at place i.

    Raises:
        ValueError: a window of fewer than two passages.
    """
    _check(size)
    order = list(range(n))
    with suppress(RagError):
        for place in range(min(k, n - 1)):
            for end in range(n, place + 1, 1 - size):
                start = max(place, end - size)
                window = tuple(order[start:end])
                best = _best((yield (window,)))
                order[start:end] = [best, *(i for i in window if i != best)]
    return tuple(order)


def heap(n: int, size: int = 3, k: int = 10) -> Schedule:
    """Return the k best passages of a heap sort, then all others in the first stage's order.

    Setwise's heap sort, arXiv 2310.09497: each node has size − 1 children, and a window shows a
    node with its children. While the heap is built, the nodes of a level sink side by side. Unlike
    in the reference code, ties go to the smaller number, so that none of them moves anything.

    Raises:
        ValueError: a window of fewer than two passages.
    """
    _check(size)
    nodes, best = list(range(n)), list[int]()
    with suppress(RagError):
        for level in _inner_levels(n, size - 1):
            yield from _sink(nodes, level, size - 1)
        while nodes and len(best) < k:
            best.append(nodes[0])
            nodes[0] = nodes[-1]
            nodes.pop()
            if len(best) < k:
                yield from _sink(nodes, (0,), size - 1)
    return (*best, *(i for i in range(n) if i not in set(best)))


def _check(size: int) -> None:
    if size < 2:
        raise ValueError(f"a window of {size} compares nothing: choose at least 2 passages")


def _best(ranked: Sequence[Levels]) -> int:
    return ranked[0][0][0]


def _inner_levels(n: int, arity: int) -> list[range]:
    """Return the nodes of a heap that have children, level by level, the deepest first.

    >>> _inner_levels(8, 2)
    [range(3, 4), range(1, 3), range(0, 1)]
    """
    levels, first, width = [], 0, 1
    while first * arity + 1 < n:
        levels.append(range(first, min(first + width, (n - 2) // arity + 1)))
        first, width = first + width, width * arity
    return levels[::-1]


def _sink(
    nodes: list[int], places: Sequence[int], arity: int
) -> Generator[Sequence[Window], Sequence[Levels], None]:
    """Let the passages at some places of one level sink, side by side, to where they belong."""
    families = [range(at * arity + 1, min(at * arity + arity + 1, len(nodes))) for at in places]
    sinking = [(at, children) for at, children in zip(places, families, strict=True) if children]
    if not sinking:
        return
    windows = [tuple(sorted(nodes[place] for place in (at, *children))) for at, children in sinking]
    moved = []
    for (at, children), ranked in zip(sinking, (yield windows), strict=True):
        for child in children:
            if nodes[child] == ranked[0][0]:
                nodes[at], nodes[child] = nodes[child], nodes[at]
                moved.append(child)
                break
    yield from _sink(nodes, moved, arity)
