"""Passages of several parts as one row of tokens, with the place of each part in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from indexers.encoders.reading import Cut
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Parted(Frozen):
    """Tokens, and the half-open span of each part in them but the first."""

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]


def pieces(tokenizer: Tokenizer, passage: Sequence[str]) -> list[list[int]]:
    """Return the tokens of each part, without those that the tokenizer puts around a text."""
    encoded = tokenizer.encode_batch_fast(list(passage), add_special_tokens=False)
    return [one.ids for one in encoded]


def parted(parts: Sequence[Sequence[int]], marked: Cut, most: int) -> Parted:
    """Return the parts as one row of at most so many tokens, the first cut before the last.

    Args:
        parts: tokens of each; the first is only read.
        marked: an empty text with all that the encoder puts before and after a text.
        most: tokens in the row.

    >>> parted([[7], [1, 2], [3]], Cut((101, 102), (True, True)), 10)
    Parted(ids=(101, 7, 1, 2, 3, 102), spans=((2, 4), (4, 5)))
    >>> parted([[7, 7], [1, 2], [3]], Cut((101, 102), (True, True)), 4)
    Parted(ids=(101, 1, 2, 102), spans=((1, 3), (0, 4)))
    """
    tail = 0
    while tail < len(marked.special) and marked.special[-1 - tail]:
        tail += 1
    tail = min(tail, len(marked.ids) // 2 if all(marked.special) else tail)
    before, after = marked.ids[: len(marked.ids) - tail], marked.ids[len(marked.ids) - tail :]
    lead, *rest = parts
    room = max(0, most - len(marked.ids))
    ids = [*before, *lead[: max(0, room - sum(map(len, rest)))]]
    end = len(before) + room
    spans = []
    for part in rest:
        start = min(len(ids), end)
        ids += part[: end - start]
        spans.append((start, len(ids)))
    ids += after
    whole = (0, len(ids))
    return Parted(tuple(ids), tuple(span if span[0] < span[1] else whole for span in spans))
