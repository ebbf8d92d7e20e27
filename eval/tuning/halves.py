"""The queries of a study in two halves: one to search with, one that nothing was chosen by."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from eval.experiments.reading import Tested
from rag.errors import BadCollection
from rag.values import Frozen

Half: TypeAlias = Literal["tuning", "held out"]
HALVES: tuple[Half, Half] = ("tuning", "held out")

FEWEST = 2  # queries of a half: one has no interval
NO_RELEVANT = "no relevant document"


@dataclass(frozen=True, slots=True)
class Halves(Frozen):
    """Collections by half, each with some of its queries; `left_out` counts what no half has."""

    of: Mapping[Half, tuple[Tested, ...]]
    left_out: int

    def count(self, half: Half) -> int:
        """Return how many queries a half has."""
        return sum(len(one.queries) for one in self.of[half])


def half_of(collection: str, query_id: str) -> Half:
    """Return the half of a query: by its name alone, so that other queries do not move it.

    >>> [half_of("handbook", f"q0{i}") for i in range(1, 5)]
    ['held out', 'held out', 'tuning', 'held out']
    """
    said = hashlib.sha256(f"{collection}\0{query_id}".encode()).digest()
    return HALVES[said[0] % 2]


def halves(tested: Sequence[Tested]) -> Halves:
    """Return the queries in two halves; those without a relevant document tell nothing.

    Raises:
        BadCollection: a half has too few.
    """
    split: dict[Half, tuple[Tested, ...]] = dict.fromkeys(HALVES, ())
    left_out = 0
    for one in tested:
        useful = {q for q, grades in one.qrels.items() if max(grades.values(), default=0) > 0}
        left_out += len(one.queries) - len(useful)
        for half in HALVES:
            ids = [q for q in one.queries if q in useful and half_of(one.name, q) == half]
            if ids:
                queries = {q: one.queries[q] for q in ids}
                part = replace(one, queries=queries, qrels={q: one.qrels[q] for q in ids})
                split[half] += (part,)
    found = Halves(split, left_out)
    for half in HALVES:
        if found.count(half) < FEWEST:
            raise BadCollection(
                f"{found.count(half)} queries with a relevant document are {half}, at least "
                f"{FEWEST} are needed: name a collection with more"
            )
    return found
