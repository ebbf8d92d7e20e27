"""Which rows of tokens go through a model together: pure functions, no model in sight.

Prompts of one request share their beginning (instruction, query). Rows are grouped so that what
they share is computed once; within a group, rows of like length form batches up to a budget of
padded tokens, so that next to nothing is padding and memory is bounded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.values import Frozen

MIN_SHARED = 16  # chosen: a shorter beginning is not worth a forward pass of its own
PASS_COST = 32  # what one more forward pass costs, in tokens; chosen


@dataclass(frozen=True, slots=True)
class Row(Frozen):
    """Tokens to read, and the ids whose log-probabilities are wanted after the last of them.

    `wanted[-1]` are ids of the token that follows the last one, `wanted[-2]` of the last one
    itself, and so on; all of the same number. No ids, (), are all of the vocabulary.
    """

    ids: tuple[int, ...]
    wanted: tuple[tuple[int, ...], ...]


def continuing(ids: Sequence[int], after: Sequence[int]) -> Row:
    """Return the row that reads each token of a continuation from those before it.

    >>> continuing([1, 2], [3, 4])
    Row(ids=(1, 2, 3), wanted=((3,), (4,)))
    """
    return Row((*ids, *after[:-1]), tuple((id_,) for id_ in after))


@dataclass(frozen=True, slots=True)
class Group(Frozen):
    """Rows, by their number, that share their first `prefix` tokens."""

    prefix: int
    members: tuple[int, ...]


def shared(a: Sequence[object], b: Sequence[object]) -> int:
    """Return how many tokens two rows, or characters two texts, have in common at the start.

    >>> shared((1, 2, 3), (1, 2, 4, 5))
    2
    """
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return i
    return min(len(a), len(b))


def group(rows: Sequence[Row]) -> list[Group]:
    """Return groups that hold every row once and together cost the fewest tokens, or nearly.

    A prefix leaves each of its rows at least the tokens after which something is wanted.

    >>> rows = [Row((*range(40), i), ((0,),)) for i in range(3)] + [Row((7, 7), ((0,),))]
    >>> group(rows)
    [Group(prefix=40, members=(0, 1, 2)), Group(prefix=0, members=(3,))]
    """
    order = sorted(range(len(rows)), key=lambda i: rows[i].ids)
    heads = [rows[i].ids[: len(rows[i].ids) - len(rows[i].wanted)] for i in order]
    common = [shared(a, b) for a, b in pairwise(heads)]
    found: list[Group] = []
    alone: list[int] = []
    for prefix, first, last in _split(heads, common, 0, len(order)):
        members = tuple(sorted(order[first:last]))
        if prefix:
            found.append(Group(prefix, members))
        else:
            alone.extend(members)
    return [*found, *([Group(0, tuple(sorted(alone)))] if alone else [])]


def _split(
    heads: Sequence[tuple[int, ...]], common: Sequence[int], first: int, last: int
) -> list[tuple[int, int, int]]:
    """Return (prefix, first, last) for the sorted rows first … last − 1.

    One group, or the groups of its parts where the rows have the least in common: what is cheaper.
    """
    if last - first <= 1:
        return [(0, first, last)]
    least = min(common[first : last - 1])
    whole = [(least if least >= MIN_SHARED else 0, first, last)]
    if least == max(common[first : last - 1]):
        return whole
    cuts = [i + 1 for i in range(first, last - 1) if common[i] == least]
    borders = [first, *cuts, last]
    parts = [part for a, b in pairwise(borders) for part in _split(heads, common, a, b)]
    return min(whole, parts, key=_saved)


def _saved(groups: Sequence[tuple[int, int, int]]) -> int:
    """Return the tokens of the groups' passes, less those of reading every row whole."""
    return sum(PASS_COST - prefix * (last - first - 1) for prefix, first, last in groups if prefix)


def batches(
    lengths: Sequence[int], prefix: int, wanted: Sequence[int], tokens: int, outputs: int
) -> Iterator[list[int]]:
    """Yield numbers of rows that go through the model together, long ones first.

    Args:
        lengths: tokens of each row after the prefix.
        prefix: tokens of the prefix, which every row of a batch holds in memory.
        wanted: positions of each row at which something is wanted.
        tokens: budget of rows × longest row, prefix included at a quarter (it is not computed).
        outputs: budget of rows × most positions wanted.

    >>> list(batches([2, 9, 8, 1], 0, [1, 1, 1, 1], 18, 4))
    [[1, 2], [0, 3]]
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    batch: list[int] = []
    most = 0
    for i in order:
        most = max(most, wanted[i])
        longest = lengths[batch[0]] if batch else 0
        size = len(batch) + 1
        full = size * (longest + prefix // 4) > tokens or size * most > outputs
        if batch and full:
            yield batch
            batch, most = [], wanted[i]
        batch.append(i)
    if batch:
        yield batch
