"""Log-probabilities of wanted tokens in few forward passes, whatever computes the passes.

One pass reads many rows: left-padded, with a mask and positions that count from each row's first
token. What rows share at the start goes through the model once, and its keys and values are kept.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from rag.lanes import Crew
from rag.llms.batching import MIN_SHARED, Row, batches, group, shared
from rag.llms.decoding import Branching
from rag.values import Frozen

LogProbs = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
Past = TypeVar("Past")
In = TypeVar("In")
Out = TypeVar("Out")

BATCH_TOKENS = 512  # measured on 2 cores: 256 is slower, 1,024 equal but for faults of pages
LEAST_TOKENS = 128  # chosen: what is less is not split between threads
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


class Reader(Protocol):
    """Reads rows of tokens and writes texts; for one thread at a time."""

    def read(self, rows: Sequence[Row]) -> Sequence[LogProbs]:
        """Return, per row, log-probabilities of the wanted ids, shape (positions, ids)."""
        ...

    def session(self) -> Branching:
        """Return a session that has read nothing yet."""
        ...


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


@dataclass(frozen=True, slots=True)
class _Job(Generic[Past]):
    """A batch, what was read before it, and the numbers of its rows."""

    batch: Batch
    past: Past | None
    members: tuple[int, ...]


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
        groups = self._groups(rows)
        jobs = self._jobs(rows, groups, self._pasts([prefix for _, prefix in groups]))
        read = self._map(lambda job: self._engine.forward(job.batch, job.past), jobs)
        found: dict[int, LogProbs] = {}
        for job, logprobs in zip(jobs, read, strict=True):
            found |= dict(zip(job.members, logprobs, strict=True))
        return [found[i] for i in range(len(rows))]

    def _jobs(
        self,
        rows: Sequence[Row],
        groups: Sequence[tuple[tuple[int, ...], tuple[int, ...]]],
        pasts: Sequence[Past | None],
    ) -> list[_Job[Past]]:
        """Return batches of all groups, the largest first, so that no thread ends long after."""
        outputs = max(1, OUTPUT_BYTES // (4 * self._engine.vocabulary))
        whole = sum(len(rows[i].ids) - len(prefix) for members, prefix in groups for i in members)
        tokens = min(BATCH_TOKENS, max(LEAST_TOKENS, math.ceil(whole / self._threads)))
        jobs = []
        for (members, prefix), past in zip(groups, pasts, strict=True):
            rest = [rows[i].ids[len(prefix) :] for i in members]
            wanted = [rows[i].wanted for i in members]
            sizes = [len(ids) for ids in rest], len(prefix), [len(w) for w in wanted]
            for part in batches(*sizes, tokens, outputs):
                batch = padded([rest[j] for j in part], [wanted[j] for j in part], len(prefix))
                jobs.append(_Job(batch, past, tuple(members[j] for j in part)))
        return sorted(jobs, key=lambda job: -job.batch.ids.size)

    @property
    def _threads(self) -> int:
        return self._crew.size if self._crew else 1

    def _map(self, call: Callable[[In], Out], items: Sequence[In]) -> list[Out]:
        """Call for each item: on the crew where there are several."""
        if self._crew is None or len(items) == 1:
            return [call(item) for item in items]
        return self._crew.map(call, items)

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

    def _pasts(self, prefixes: Sequence[tuple[int, ...]]) -> list[Past | None]:
        """Return the keys and values of each beginning, computed where they are not kept."""
        wanted = [prefix for prefix in dict.fromkeys(prefixes) if prefix]
        found = {prefix: self._prefixes[prefix] for prefix in wanted if prefix in self._prefixes}
        new = [prefix for prefix in wanted if prefix not in found]
        common = new[0][: min(shared(new[0], other) for other in new)] if new else ()
        if len(new) > 1 and len(common) > max(MIN_SHARED, len(self._kept(common))):
            self._keep([common], [self._begun(common)])
        found |= dict(zip(new, self._map(self._begun, new), strict=True))
        self._keep(wanted, [found[prefix] for prefix in wanted])
        return [found[prefix] if prefix else None for prefix in prefixes]

    def _begun(self, prefix: tuple[int, ...]) -> Past:
        start = self._kept(prefix)
        return self._engine.begin(prefix[len(start) :], self._prefixes.get(start))

    def _keep(self, prefixes: Sequence[tuple[int, ...]], pasts: Sequence[Past]) -> None:
        """Keep these beginnings, and the latest of those before."""
        for prefix, past in zip(prefixes, pasts, strict=True):
            self._prefixes.pop(prefix, None)
            self._prefixes[prefix] = past
        while len(self._prefixes) > PREFIXES:
            self._prefixes.popitem(last=False)


def padded(
    rest: Sequence[Sequence[int]],
    wanted: Sequence[tuple[tuple[int, ...], ...]],
    before: int,
    gaps: Sequence[int] = (),
) -> Batch:
    """Return rows as one batch: zeros on the left, masked, positions from each first token.

    Args:
        rest: the tokens of each row after the shared beginning.
        wanted: what is wanted of each row.
        before: tokens of the shared beginning.
        gaps: how much of what is before each row is padding, too; none by default.

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
    for i, gap in enumerate(gaps):
        mask[i, :gap] = 0
    positions = np.maximum(mask.cumsum(axis=1) - 1, 0)[:, before:]
    return Batch(ids, mask, positions, tuple(wanted))
