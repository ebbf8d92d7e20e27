"""Log-probabilities of wanted tokens in few forward passes, whatever computes the passes.

One pass reads many rows: left-padded, with a mask and positions that count from each row's first
token. What rows share at the start goes through the model once, and its keys and values are kept.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from rag.lanes import Crew
from rag.llms.batching import Row, batches, group
from rag.values import Frozen

LogProbs = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
Past = TypeVar("Past")

BATCH_TOKENS = 1_024  # measured on 2 cores: 512 to 2,048 are equal, 4,096 leaves the caches
OUTPUT_BYTES = 2**27  # logits of one pass in fp32
PREFIXES = 8  # beginnings whose keys and values are kept


@dataclass(frozen=True, slots=True)
class Batch(Frozen):
    """Rows that go through the model together, and what is wanted of them.

    `mask` covers the shared beginning, too. Of each row, something is wanted at its last positions,
    at most at `keep` of them.
    """

    ids: Ids  # (n, t)
    mask: Ids  # (n, before + t)
    positions: Ids  # (n, t)
    wanted: tuple[tuple[tuple[int, ...], ...], ...]

    @property
    def keep(self) -> int:
        """After how many of the last tokens logits are needed."""
        return max(map(len, self.wanted))


class Engine(Protocol[Past]):
    """Computes the passes of one model; for one thread at a time. A past is never changed."""

    @property
    def vocabulary(self) -> int:
        """How many logits the model gives after a token."""
        ...

    def begin(self, ids: Sequence[int], past: Past | None) -> Past:
        """Return the keys and values of a past and the ids after it, in memory of their own."""
        ...

    def forward(self, batch: Batch, past: Past | None) -> Sequence[LogProbs]:
        """Return, per row, log-probabilities of the wanted ids, shape (positions, ids)."""
        ...


class RowReader(Generic[Past]):
    """Reads rows with an engine. For one thread at a time.

    Args:
        engine: the model.
        reuse: whether beginnings that rows share are computed once.
        crew: threads that compute a batch each where there are several; the engine must allow that.
    """

    def __init__(
        self, engine: Engine[Past], *, reuse: bool = True, crew: Crew | None = None
    ) -> None:
        self._engine = engine
        self._reuse = reuse
        self._crew = crew
        self._prefixes: OrderedDict[tuple[int, ...], Past] = OrderedDict()

    def read(self, rows: Sequence[Row]) -> list[LogProbs]:
        """Return, per row, log-probabilities of the wanted ids, shape (positions, ids)."""
        found: dict[int, LogProbs] = {}
        outputs = max(1, OUTPUT_BYTES // (4 * self._engine.vocabulary))
        for members, prefix in self._groups(rows):
            past = self._past(prefix) if prefix else None
            rest = [rows[i].ids[len(prefix) :] for i in members]
            wanted = [len(rows[i].wanted) for i in members]
            lengths = [len(ids) for ids in rest]
            parts = list(batches(lengths, len(prefix), wanted, BATCH_TOKENS, outputs))
            padded_parts = [
                padded(
                    [rest[j] for j in numbers],
                    [rows[members[j]].wanted for j in numbers],
                    len(prefix),
                )
                for numbers in parts
            ]
            for numbers, read in zip(parts, self._forward(padded_parts, past), strict=True):
                found |= {members[j]: one for j, one in zip(numbers, read, strict=True)}
        return [found[i] for i in range(len(rows))]

    def _forward(self, parts: Sequence[Batch], past: Past | None) -> Sequence[Sequence[LogProbs]]:
        if self._crew is None or len(parts) == 1:
            return [self._engine.forward(batch, past) for batch in parts]
        return self._crew.map(lambda batch: self._engine.forward(batch, past), parts)

    def _groups(self, rows: Sequence[Row]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Return the members and the shared beginning of each group; a kept one where it fits."""
        if not self._reuse:
            return [(tuple(range(len(rows))), ())]
        found: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
        known: dict[tuple[int, ...], list[int]] = {}
        for one in group(rows):
            if one.prefix:
                found.append((one.members, rows[one.members[0]].ids[: one.prefix]))
                continue
            for i in one.members:
                known.setdefault(self._kept(rows[i].ids[: -len(rows[i].wanted)]), []).append(i)
        return found + [(tuple(members), prefix) for prefix, members in known.items()]

    def _kept(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        """Return the longest kept beginning of a row, or ()."""
        fitting = [key for key in self._prefixes if key == ids[: len(key)]]
        return max(fitting, key=len, default=())

    def _past(self, prefix: tuple[int, ...]) -> Past:
        """Return the keys and values of a beginning, computed where they are not kept."""
        past = self._prefixes.pop(prefix, None)
        if past is None:
            start = self._kept(prefix)
            past = self._engine.begin(prefix[len(start) :], self._prefixes.get(start))
        self._prefixes[prefix] = past
        while len(self._prefixes) > PREFIXES:
            self._prefixes.popitem(last=False)
        return past


def padded(
    rest: Sequence[Sequence[int]],
    wanted: Sequence[tuple[tuple[int, ...], ...]],
    before: int,
) -> Batch:
    """Return rows as one batch: zeros on the left, masked, positions from each first token.

    Args:
        rest: the tokens of each row after the shared beginning.
        wanted: what is wanted of each row.
        before: tokens of the shared beginning.

    >>> batch = padded([[7], [8, 9]], [((1,),), ((2,),)], 1)
    >>> batch.ids.tolist(), batch.mask.tolist(), batch.positions.tolist()
    ([[0, 7], [8, 9]], [[1, 0, 1], [1, 1, 1]], [[0, 1], [1, 2]])
    """
    longest = max(map(len, rest))
    ids = np.zeros((len(rest), longest), np.int64)
    mask = np.ones((len(rest), before + longest), np.int64)
    for i, row in enumerate(rest):
        ids[i, longest - len(row) :] = row
        mask[i, before : before + longest - len(row)] = 0
    positions = np.maximum(mask.cumsum(axis=1) - 1, 0)[:, before:]
    return Batch(ids, mask, positions, tuple(wanted))
