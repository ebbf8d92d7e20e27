"""What a report says, as values: written as JSON, which all else is made from.

Only what `SCHEMA` names is read: a change of meaning is another version.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from eval.checking.record import JudgeCheck
from eval.experiments.record import Analysis, Lineage, Price
from eval.reports.diagnoses import Example, Overlap, Reordering, Shuffled, Sources
from rag.errors import BadInput
from rag.values import Frozen

SCHEMA = "firstcite-report/1"

Level: TypeAlias = Literal["red", "amber"]


@dataclass(frozen=True, slots=True)
class Notice(Frozen):
    """A line of the banner: red forbids a decision, amber asks for care."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Mean(Frozen):
    """A mean over queries, and its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Latency(Frozen):
    """Milliseconds of a stage over the `n` queries that no cache answered; 0 queries have none.

    `p99` is None under 1,000 queries: too few lie above it.
    """

    stage: str
    n: int
    p50: float = 0
    p90: float = 0
    p95: float = 0
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Cost(Frozen):
    """What a query costs a system in the mean.

    `latency` begins with "total", the sum of a query's stages. `cached` is the share of calls that
    a cache answered. `price` is for 1,000 queries, None where a price is missing.
    """

    latency: tuple[Latency, ...]
    calls: float
    tokens_in: float
    tokens_out: float
    cached: float
    price: float | None
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class System(Frozen):
    """A row of the main table. `cost` is None where nothing is known of it."""

    name: str
    means: Mapping[str, Mean]
    unanswered: int
    failed: int
    malformed: float
    missing: float
    cost: Cost | None
    foreign: str = ""


@dataclass(frozen=True, slots=True)
class Compared(Frozen):
    """A system against another on one measure, paired by query; `difference` is system − against.

    `adjusted` is `p` corrected for all systems compared on that measure. `mde` is the smallest
    difference that a test of this many queries shows four times out of five; None for too few.
    """

    measure: str
    system: str
    against: str
    n: int
    difference: float
    low: float
    high: float
    p: float
    adjusted: float
    d_z: float
    wins: int
    ties: int
    losses: int
    mde: float | None
    test: str


@dataclass(frozen=True, slots=True)
class Pairs(Frozen):
    """p of all pairs of systems at once, in the order of the systems.

    Systems that share none of their `letters` differ significantly; the best has an a.
    """

    method: str
    p: tuple[tuple[float, ...], ...]
    letters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rung(Frozen):
    """A system against the one before it in the experiment's file.

    `ceiling` is the recall of its whole list, `oracle` the primary measure of that list in the best
    order: what no reranker can pass.
    """

    compared: Compared
    p95: float | None
    price: float | None
    ceiling: float
    oracle: float


@dataclass(frozen=True, slots=True)
class Point(Frozen):
    """A system by quality and what it costs; not dominated where none is better and cheaper."""

    system: str
    quality: Mean
    cost: float
    dominated: bool


@dataclass(frozen=True, slots=True)
class CollectionReport(Frozen):
    """What is known of the systems on one collection, by the qrels of `source`.

    `queries` are those with a relevant document, which the means are over; `values` are theirs, by
    measure and system, in that order; None where a measure has none. `qrels` are the SHA-256 of the
    sources' grades.
    """

    name: str
    split: str
    documents: int
    fingerprint: str
    source: str
    qrels: Mapping[str, str]
    judgments: int
    without_relevant: int
    left_out: Mapping[str, str]
    depth: int
    verdicts: tuple[str, ...]
    systems: tuple[System, ...]
    comparisons: tuple[Compared, ...]
    pairs: Pairs | None
    ladder: tuple[Rung, ...]
    by_latency: tuple[Point, ...]
    by_price: tuple[Point, ...]
    queries: tuple[str, ...]
    values: Mapping[str, Mapping[str, tuple[float | None, ...]]]
    featured: str
    examples: tuple[Example, ...]
    reordering: tuple[Reordering, ...]
    shuffled: tuple[Shuffled, ...]
    overlap: Overlap | None
    sources: Sources | None


@dataclass(frozen=True, slots=True)
class Part(Frozen):
    """A part of PRIMAD (ir_metadata): what was done, by name."""

    name: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Report(Frozen):
    """All that is said of an experiment.

    `judge_check` is what `firstcite eval judge-check` wrote, whole; `judge_failures` the share
    of pairs that a source's judge gave no valid grade.
    """

    name: str
    analysis: Analysis
    baseline: str
    notices: tuple[Notice, ...]
    collections: tuple[CollectionReport, ...]
    provenance: tuple[Part, ...]
    judges: Mapping[str, Lineage] = field(default_factory=dict)
    judge_failures: Mapping[str, float] = field(default_factory=dict)
    prices: tuple[Price, ...] = ()
    judge_check: JudgeCheck | None = None
    schema: str = SCHEMA

    @property
    def primary(self) -> str:
        """The measure that decides."""
        return self.analysis.measures[0]


class _Version(msgspec.Struct):
    schema: str = ""


def read_report(file: Path) -> Report:
    """Return the report in a JSON file.

    Raises:
        BadInput: it cannot be read, is damaged, or another version wrote it.
    """
    remedy = "name a report.json that `firstcite eval report` wrote"
    try:
        encoded = file.read_bytes()
        version = msgspec.json.decode(encoded, type=_Version).schema
        if version != SCHEMA:
            raise BadInput(
                f"{file} is {version or 'no report'}; this version reads {SCHEMA}: {remedy}"
            )
        return msgspec.json.decode(encoded, type=Report)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{file} cannot be read as a report: {error}: {remedy}") from None


def encode(report: Report) -> bytes:
    """Return a report as JSON, a line for each of its parts."""
    fields = msgspec.to_builtins(report)
    lines = [b'"%s": %s' % (name.encode(), msgspec.json.encode(v)) for name, v in fields.items()]
    return b"{\n" + b",\n".join(lines) + b"\n}\n"
