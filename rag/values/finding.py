"""Plan ─find→ Found ─fuse→ Fused ─fetch→ Results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple, Self, TypeAlias

from rag.values.documents import Access, Chunk, SparseVector
from rag.values.frozen import Frozen, Vector
from rag.values.queries import Plan, Query, Where
from rag.values.stages import Trace


@dataclass(frozen=True, slots=True)
class Probe(Frozen):
    """An encoded branch: the vector a store searches with."""

    name: str
    vector: Vector | SparseVector
    depth: int


@dataclass(frozen=True, slots=True)
class FeedbackProbe(Frozen):
    """A dense vector, and vectors of what was found before with scores of their relevance.

    A point x scores a·cos(vector, x) + Σ c·(sᵢ − sⱼ)ᵇ·(cos(pᵢ, x) − cos(pⱼ, x)) over the pairs of
    `feedback` with scores sᵢ > sⱼ; `weights` are (a, b, c), b at least 0. It is Qdrant's "naive"
    strategy of relevance feedback.
    """

    name: str
    vector: Vector
    depth: int
    feedback: tuple[tuple[Vector, float], ...]
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Lookup(Frozen):
    """What a store is asked: every probe, each under the same access and conditions.

    With an `as_of` (an `instant`), only what holds then is found (`Validity.holds`).
    """

    probes: tuple[Probe | FeedbackProbe, ...]
    access: Access = field(default=Access())
    where: Where = ()
    as_of: str = ""


class Hit(NamedTuple):
    """A chunk id with a score of whoever ranked it.

    A tuple, for it is made 400 times per query: a frozen dataclass takes three times as long.
    """

    chunk_id: str
    score: float

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


Ranking: TypeAlias = tuple[Hit, ...]
"""Hits, best first; ties stand in the order of their chunk ids."""


def ranked(scores: Mapping[str, float]) -> Ranking:
    """Return the scores as a ranking: highest first, ties by chunk id.

    >>> ranked({"b": 1.0, "a": 1.0, "c": 2.0})
    (Hit(chunk_id='c', score=2.0), Hit(chunk_id='a', score=1.0), Hit(chunk_id='b', score=1.0))
    """
    ordered = sorted(scores.items(), key=itemgetter(0))
    ordered.sort(key=itemgetter(1), reverse=True)  # stable: equal scores stay in the order of ids
    return tuple(map(Hit._make, ordered))


@dataclass(frozen=True, slots=True)
class Found(Frozen):
    """One ranking per branch of the plan."""

    plan: Plan
    rankings: Mapping[str, Ranking]
    trace: Trace = ()


@dataclass(frozen=True, slots=True)
class Fused(Frozen):
    """One ranking for the whole query; `rankings` are the branches' it was made from."""

    query: Query
    ranking: Ranking
    rankings: Mapping[str, Ranking]
    trace: Trace = ()


@dataclass(frozen=True, slots=True)
class Candidate(Frozen):
    """A chunk with its score, and its rank (from 1) in every branch that found it.

    After reranking, `ranks` also holds its rank before ("first") and by the reranker alone
    ("rerank"), and `flags` says what was suspicious about its text.
    """

    chunk: Chunk
    score: float
    ranks: Mapping[str, int]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Results(Frozen):
    """The answer to a search: candidates, best first."""

    query: Query
    candidates: tuple[Candidate, ...]
    trace: Trace = ()
