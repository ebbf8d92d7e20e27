"""A run joined to qrels: one matrix of grades, by query and rank, for all measures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eval.data.collection import Qrels
from eval.data.run_table import Integers, RunTable
from eval.data.runs import ScoredDocument
from eval.measures.judged import UNJUDGED, Grades, Judged, QrelsTable
from rag.values import Frozen

Run = Mapping[str, Sequence[str]]
"""Query id → document ids, best first, none twice."""

_CELLS = 1 << 22  # chosen: of a part, so that a number for each takes 32 MB


@dataclass(frozen=True, slots=True, eq=False)
class Packed(Frozen):
    """What a run returned for every query of the qrels, in their order, as grades by rank.

    `grades` is `UNJUDGED` for a document without a judgment, and behind the last one returned.
    """

    queries: tuple[str, ...]
    grades: Grades  # (q, depth)
    returned: Integers  # (q,)
    judged: Judged

    @property
    def unanswered(self) -> int:
        """How many queries the run returned nothing for."""
        return int((self.returned == 0).sum())

    def parts(self, cells: int = _CELLS) -> Iterator[tuple[slice, "Packed"]]:
        """Yield the whole, some queries at a time, so that matrices of it stay small."""
        rows = max(1, cells // max(1, self.grades.shape[1]))
        for start in range(0, len(self.queries), rows):
            stop = min(start + rows, len(self.queries))
            part = slice(start, stop)
            yield (
                part,
                Packed(
                    self.queries[part],
                    self.grades[part],
                    self.returned[part],
                    self.judged.part(start, stop),
                ),
            )


def pack(run: RunTable | Run, qrels: QrelsTable | Qrels) -> Packed:
    """Return a run beside its judgments; queries that are not in the qrels are not looked at.

    Raises:
        ValueError: a document stands twice in one ranking.

    >>> pack({"q": ["d2", "d1"]}, {"q": {"d1": 3, "d2": 0}}).grades.tolist()
    [[0, 3]]
    """
    pool = qrels if isinstance(qrels, QrelsTable) else QrelsTable.of(qrels)
    table = run if isinstance(run, RunTable) else _tabled(run)
    rows, lengths = pool.rows(table), np.diff(table.offsets)
    here = rows >= 0
    returned = np.zeros(len(pool.queries), np.int64)
    returned[rows[here]] = lengths[here]
    rank = np.arange(len(table)) - np.repeat(table.offsets[:-1], lengths)
    row = np.repeat(rows, lengths)
    kept = row >= 0
    grades = np.full((len(pool.queries), int(returned.max(initial=0))), UNJUDGED, np.int32)
    grades[row[kept], rank[kept]] = pool.grades_of(table)[kept]
    return Packed(pool.queries, grades, returned, pool.judged)


def _tabled(run: Run) -> RunTable:
    for query_id, ranking in run.items():
        if len(set(ranking)) != len(ranking):
            raise ValueError(f"query '{query_id}': a document stands twice in the ranking")
    return RunTable.of(
        {q: [ScoredDocument(d, -float(i)) for i, d in enumerate(ds)] for q, ds in run.items()}
    )


def condensed(packed: Packed) -> Packed:
    """Return the rankings without the documents that nobody judged (Sakai, SIGIR 2007).

    >>> condensed(pack({"q": ["?", "d"]}, {"q": {"d": 1}})).grades.tolist()
    [[1, -2147483648]]
    """
    missing = packed.grades < 0
    order = np.argsort(missing, axis=1, kind="stable")  # (q, depth)
    grades = np.where(missing, np.int32(UNJUDGED), packed.grades)
    return replace(
        packed,
        grades=np.take_along_axis(grades, order, axis=1),
        returned=(~missing).sum(axis=1),
    )


def oracle(packed: Packed) -> Packed:
    """Return what was returned in the best order: what a reranker could reach at most.

    >>> oracle(pack({"q": ["a", "b"]}, {"q": {"b": 1}})).grades.tolist()
    [[1, -2147483648]]
    """
    return replace(packed, grades=np.sort(packed.grades, axis=1)[:, ::-1])
