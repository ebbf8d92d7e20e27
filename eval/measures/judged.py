"""Judgments in columns: what measures ask of the qrels, whatever the run."""

from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from eval.data.collection import Qrels
from eval.data.run_table import Integers, RunTable, starts
from rag.values import Frozen

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Grades = NDArray[np.int32]
UNJUDGED = np.iinfo(np.int32).min
"""Stands for the grade of a document that has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged(Frozen):
    """The grades of each query, best first, one query after the other.

    Those of query i stand at `offsets[i]:offsets[i + 1]`. A grade below 0 says "pooled, and not
    judged". `largest` is the largest grade of the whole collection.
    """

    offsets: Integers  # (q + 1,)
    falling: Grades  # (n,)
    largest: int

    def count(self, least: int, below: int | None = None) -> Integers:
        """Return how many grades of each query are at least `least`, and below `below`."""
        wanted = self.falling >= least
        if below is not None:
            wanted &= self.falling < below
        return np.bincount(self._owners()[wanted], minlength=len(self.offsets) - 1)

    def best(self, k: int | None) -> Grades:
        """Return the k best grades of each query that are above 0, filled up with 0.  # (q, k)."""
        lengths = np.diff(self.offsets)
        rank = np.arange(len(self.falling)) - np.repeat(self.offsets[:-1], lengths)
        wanted = self.falling > 0
        if k is not None:
            wanted &= rank < k
        found = np.zeros((len(lengths), int(rank[wanted].max(initial=-1)) + 1), np.int32)
        found[self._owners()[wanted], rank[wanted]] = self.falling[wanted]
        return found

    def part(self, start: int, stop: int) -> "Judged":
        """Return the grades of some of the queries."""
        offsets = self.offsets[start : stop + 1]
        return Judged(offsets - offsets[0], self.falling[offsets[0] : offsets[-1]], self.largest)

    def _owners(self) -> Integers:
        lengths = np.diff(self.offsets)
        return np.repeat(np.arange(len(lengths)), lengths)


@dataclass(frozen=True, slots=True, eq=False)
class QrelsTable(Frozen):
    """Qrels that runs are joined to: made once for all runs of a collection.

    `documents` are the ids that are judged, each once; a judgment is found by its key, the number
    of its query × the number of ids + the number of its document. Keys rise.
    """

    queries: tuple[str, ...]
    judged: Judged
    documents: Any  # (ids,)
    keys: Integers  # (n,)
    grades: Grades  # (n,)
    _number: dict[str, int] = field(repr=False)

    @classmethod
    def of(cls, qrels: Qrels) -> "QrelsTable":
        """Return the qrels as a table."""
        ids = pa.array(list(chain.from_iterable(qrels.values())), pa.string()).dictionary_encode()
        grades: Grades = np.fromiter(
            chain.from_iterable(of.values() for of in qrels.values()), np.int32, len(ids)
        )
        lengths = [len(of) for of in qrels.values()]
        owners = np.repeat(np.arange(len(lengths)), lengths)
        judged = Judged(
            starts(lengths),
            grades[np.lexsort((-grades, owners))],
            int(grades.max(initial=1)),
        )
        keys = owners * len(ids.dictionary) + ids.indices.to_numpy()
        number = {query_id: i for i, query_id in enumerate(qrels)}
        order = np.argsort(keys)
        return cls(tuple(qrels), judged, ids.dictionary, keys[order], grades[order], number)

    def rows(self, run: RunTable) -> Integers:
        """Return the number that each query of a run has here, -1 for one that has no judgment."""
        return np.array([self._number.get(query_id, -1) for query_id in run.places], np.int64)

    def grades_of(self, run: RunTable) -> Grades:
        """Return the grade of every line of a run, `UNJUDGED` where there is none."""
        codes = pc.index_in(run.documents.dictionary, value_set=self.documents)
        code = codes.fill_null(-1).to_numpy()[run.documents.indices.to_numpy()]
        row = np.repeat(self.rows(run), np.diff(run.offsets))
        known = np.flatnonzero((code >= 0) & (row >= 0))
        keys = row[known] * len(self.documents) + code[known]
        place = np.searchsorted(self.keys[:-1], keys)  # the last one stands for those beyond it
        found = np.full(len(run), UNJUDGED, np.int32)
        if len(known):
            found[known] = np.where(self.keys[place] == keys, self.grades[place], UNJUDGED)
        return found
