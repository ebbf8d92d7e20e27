"""What a report says beside its means, as values: examples, orders, and sources of grades."""

from dataclasses import dataclass

from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Shown(Frozen):
    """A document of a ranking; `grade` is None where nobody judged it."""

    document_id: str
    title: str
    text: str
    grade: int | None


@dataclass(frozen=True, slots=True)
class Example(Frozen):
    """A query that two systems answer most differently, with the top of both rankings."""

    query_id: str
    query: str
    difference: float
    system: str
    against: str
    ours: tuple[Shown, ...]
    theirs: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Reordering(Frozen):
    """What a reranker did to what it was given.

    `moves` counts documents by how many ranks they rose (negative: fell), ends gathered at
    ±`reach`. `changed` is the share of queries whose first ten are others or in another order,
    `entered` the mean number of the first ten that stood below them. `malformed` and `missing` are
    per query.
    """

    system: str
    queries: int
    moves: tuple[tuple[int, int], ...]
    reach: int
    changed: float
    entered: float
    malformed: float
    missing: float


@dataclass(frozen=True, slots=True)
class Shuffled(Frozen):
    """What becomes of a reranker's order where it is given its documents in other orders.

    Over the `queries` that are measured and were reranked in all `orders`: the primary measure as
    they were given (`usual`), its mean over the orders with the standard deviation between them
    (None of one order), and the mean rank-biased overlap (.9) of each ranking with the usual one.
    """

    system: str
    orders: int
    queries: int
    usual: float
    mean: float
    deviation: float | None
    overlap: float


@dataclass(frozen=True, slots=True)
class Overlap(Frozen):
    """Mean rank-biased overlap between runs over `queries` queries, in the order of the systems."""

    persistence: float
    depth: int
    queries: int
    values: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Filled(Frozen):
    """A system's primary measure by who judged.

    `condensed` leaves out what people did not judge; `filled` takes the judge's grade there.
    """

    system: str
    judge: str
    human: float
    condensed: float
    filled: float
    unjudged: float


@dataclass(frozen=True, slots=True)
class Unique(Frozen):
    """nDCG@10 over `queries` queries with, and without, the labels of what only this run found."""

    system: str
    with_own: float
    without_own: float
    labels: int
    queries: int


@dataclass(frozen=True, slots=True)
class Sources(Frozen):
    """What figures owe to who judged, and to which runs were pooled."""

    filled: tuple[Filled, ...]
    uniques: tuple[Unique, ...]
