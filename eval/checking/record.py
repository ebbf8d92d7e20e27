"""What a check of a judge found, as it is kept: `judge-check.json`, and probes in `probes.json`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from eval.agreement.alternative import AltTest
from eval.agreement.prediction import Estimate
from eval.agreement.resampling import Interval
from eval.agreement.systems import SystemAgreement
from eval.checking.circularity import Conflict
from eval.experiments.record import Lineage
from rag.errors import BadCollection
from rag.values import Frozen

SCHEMA = "firstcite-judge-check/1"
PROBES_SCHEMA = "firstcite-judge-probes/1"
TOP = 3
"""The best grade of TREC's scale for passages: 0 nothing, 1 related, 2 an answer, 3 perfect."""
CUT = 2
"""The grade from which on a passage is relevant; what TREC's Deep Learning tracks take."""

T = TypeVar("T", "JudgeCheck", "Probes")


@dataclass(frozen=True, slots=True)
class Kept(Frozen):
    """How far grades stay what they were when something changed that should not matter.

    `same` is the share of equal grades, `shift` the mean of after − before, both over the cases
    that were graded twice; None where there was none. `failed` got no grade one time or the other.
    """

    name: str
    about: str
    cases: int
    failed: int
    same: float | None
    shift: float | None


@dataclass(frozen=True, slots=True)
class Fooled(Frozen):
    """How a judge grades texts that answer nothing; all of them are worth 0.

    `above_0` and `relevant` (at the cut) are shares of the graded. `attack` says that the text was
    made to please.
    """

    name: str
    about: str
    attack: bool
    cases: int
    failed: int
    above_0: float | None
    relevant: float | None


@dataclass(frozen=True, slots=True)
class Probes(Frozen):
    """What a judge does with texts that were made to tell. `failed` is of all `asked`."""

    judge: str
    lineage: Lineage | None
    seed: int
    top: int
    cut: int
    asked: int
    failed: int
    kept: tuple[Kept, ...]
    fooled: tuple[Fooled, ...]
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, object] = field(default_factory=dict)
    schema: str = PROBES_SCHEMA


@dataclass(frozen=True, slots=True)
class Annotator(Frozen):
    """A person: how many pairs they graded, how many they left blank, κ with the judge."""

    name: str
    labelled: int
    blank: int
    kappa: Interval
    kappa_binary: Interval


@dataclass(frozen=True, slots=True)
class GradeFigures(Frozen):
    """One grade: how often people and the judge gave it, and how far they mean the same pairs.

    `people` and `judge` are shares of all pairs.
    """

    grade: int
    people: float
    judge: float
    precision: Interval
    recall: Interval


@dataclass(frozen=True, slots=True)
class Agreement(Frozen):
    """How a judge's grades agree with people's.

    `table` counts pairs by people's grade (row) and the judge's (column). `weighted` says that
    figures weigh pairs back from a sample that was drawn by the judge's grade; the table does not.
    """

    kappa: Interval
    kappa_binary: Interval
    kappa_linear: Interval
    kappa_quadratic: Interval
    alpha_ordinal: Interval
    bias: Interval
    absolute_error: Interval
    exact: Interval
    limits: tuple[Interval, Interval]
    grades: tuple[GradeFigures, ...]
    table: tuple[tuple[int, ...], ...]
    weighted: bool


@dataclass(frozen=True, slots=True)
class Failures(Frozen):
    """How often a judge gave no valid grade; `share` is None where its file does not tell."""

    share: float | None
    failed: int
    asked: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class SystemEstimate(Frozen):
    """A system's mean by people's labels, corrected from queries that only the judge labelled."""

    system: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Systems(Frozen):
    """How people's and the judge's labels order systems by a measure.

    `left_out` are queries where people found nothing relevant.
    """

    measure: str
    agreement: SystemAgreement
    left_out: int
    estimates: tuple[SystemEstimate, ...]


@dataclass(frozen=True, slots=True)
class Gate(Frozen):
    """One thing that a judge must be able to do.

    What could not be computed is not `known`, and no pass.
    """

    name: str
    wanted: str
    found: str
    passed: bool
    known: bool = True


@dataclass(frozen=True, slots=True)
class JudgeCheck(Frozen):
    """A check of a judge: its figures, its gates, and whether it may be used.

    `left_out` says of pairs why they are not compared, and how many. What could not be computed is
    None, and `missing` says why, by name.
    """

    judge: str
    lineage: Lineage | None
    top: int
    cut: int
    pairs: int
    queries: int
    left_out: Mapping[str, int]
    annotators: tuple[Annotator, ...]
    agreement: Agreement
    failures: Failures
    gates: tuple[Gate, ...]
    verdict: Literal["GO", "NO-GO"]
    among_people: Interval | None = None
    alt_test: AltTest | None = None
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    systems: Systems | None = None
    probes: Probes | None = None
    conflicts: tuple[Conflict, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    provenance: Mapping[str, object] = field(default_factory=dict)
    schema: str = SCHEMA


def open_check(file: Path) -> JudgeCheck:
    """Return a check.

    Raises:
        BadCollection: no file, a damaged one, or one of another version.
    """
    return _opened(file, JudgeCheck, SCHEMA, "`firstcite eval judge-check report` writes one")


def open_probes(file: Path) -> Probes:
    """Return what probes found.

    Raises:
        BadCollection: no file, a damaged one, or one of another version.
    """
    return _opened(file, Probes, PROBES_SCHEMA, "`firstcite eval judge-check probe` writes one")


def write(found: JudgeCheck | Probes, file: Path) -> None:
    """Write a check or probes."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


def _opened(file: Path, kind: type[T], schema: str, remedy: str) -> T:
    try:
        found = msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadCollection(f"{file} cannot be read: {error}; {remedy}") from None
    if found.schema != schema:
        raise BadCollection(f"{file} is {found.schema}; this version reads {schema}; {remedy}")
    return found
