"""What stands where: a token, its log-probability, its rank, and the likeliest in its place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.llms.decoding import Logits, Session
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Place(Frozen):
    """A token in its place; `rank` counts from 1, `top` is best first, ties by id.

    `ends` says that the token ends the text and is no part of it.
    """

    id: int
    logprob: float
    rank: int
    top: tuple[tuple[int, float], ...] = ()
    ends: bool = False


def place(row: Logits, id_: int, most: int, *, ends: bool = False) -> Place:
    """Return the place of a token, with the likeliest `most`, from one row of logits.

    >>> found = place(np.log(np.array([1.0, 4.0, 3.0], np.float32)), 2, 1)
    >>> found.id, found.rank, round(float(np.exp(found.logprob)), 3), found.top[0][0]
    (2, 2, 0.375, 1)
    """
    exact = row.astype(np.float64)
    highest = exact.max()
    logprobs = exact - highest - np.log(np.exp(exact - highest).sum())
    best: list[int] = []
    if most:
        bar = np.partition(logprobs, -min(most, len(row)))[-min(most, len(row))]
        near = np.flatnonzero(logprobs >= bar)  # in the order of ids, which the sort keeps
        best = near[np.argsort(-logprobs[near], kind="stable")][:most].tolist()
    return Place(
        id=id_,
        logprob=float(logprobs[id_]),
        rank=1 + int((logprobs > logprobs[id_]).sum()),
        top=tuple((i, float(logprobs[i])) for i in best),
        ends=ends,
    )


def rated(
    session: Session, piece: Sequence[int], following: Sequence[int], most: int
) -> list[Place]:
    """Read a piece of a text and return the places of the tokens that follow each of its own."""
    rows = session.feed(piece, len(piece))
    return [place(row, id_, most) for row, id_ in zip(rows, following, strict=False)]


class Witness:
    """A session whose latest logits can be looked up by the number of tokens they were made of."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: dict[int, Logits] = {}
        self._read = 0

    def feed(self, ids: Sequence[int], keep: int) -> Logits:
        """Read more tokens; return the logits after each of the last `keep`, shape (keep, v)."""
        rows = self._session.feed(ids, keep)
        self._read += len(ids)
        for i, row in enumerate(rows, self._read - keep + 1):
            self._rows[i] = row
        return rows

    def rewind(self, count: int) -> None:
        """Forget the last `count` tokens; their logits are overwritten by what is read instead."""
        self._session.rewind(count)
        self._read -= count

    def after(self, count: int) -> Logits:
        """Return the logits after the first `count` tokens; those of fewer are forgotten."""
        self._rows = {i: row for i, row in self._rows.items() if i >= count}
        return self._rows[count]
