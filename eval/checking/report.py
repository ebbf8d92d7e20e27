"""The check of a judge put together: figures, probes, conflicts, gates, verdict."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from eval.agreement.alternative import alt_test, negative_rmse
from eval.agreement.resampling import FEW, Interval
from eval.checking.circularity import conflicts
from eval.checking.comparing import Compared, Labels, agreement, among, compare, consensus, kappas
from eval.checking.gates import gates
from eval.checking.judged import Judged
from eval.checking.ordering import estimates, order
from eval.checking.record import CUT, TOP, Annotator, Failures, JudgeCheck, Probes
from eval.checking.sampling import Sample
from eval.data.collection import Qrels
from eval.experiments.record import Lineage, SystemRecord
from eval.provenance import provenance
from rag.errors import BadInput
from rag.values import Frozen

T = TypeVar("T")
EPSILON = 0.1  # the paper's for crowd workers, the strictest: a judge must be nearly as good


@dataclass(frozen=True, slots=True)
class People(Frozen):
    """What people said: grades by annotator, and what was left without one.

    `blank` are pairs that each left empty. `whole` says that all pairs of a run's pool were judged,
    as qrels are: then systems can be ordered by them.
    """

    labels: Mapping[str, Labels]
    blank: Mapping[str, int] = field(default_factory=dict)
    sample: Sample | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Beside(Frozen):
    """What a check looks at beside labels: probes, runs, and who the systems are made of."""

    probes: Probes | None = None
    runs: Mapping[str, Path] = field(default_factory=dict)
    systems: tuple[SystemRecord, ...] = ()
    lineage: Lineage | None = None


def check(
    people: People,
    judged: Judged,
    beside: Beside | None = None,
    *,
    top: int = TOP,
    cut: int = CUT,
    epsilon: float = EPSILON,
) -> JudgeCheck:
    """Return the check of a judge against people.

    What cannot be computed is None, and `missing` says why; a gate that rests on it is not passed.

    Raises:
        BadInput: the cut is not on the scale.
        BadCollection: the judge was asked about no pair that people labelled.
    """
    if not 1 <= cut <= top:
        raise BadInput(f"--cut {cut} parts no scale of 0 to {top}: 1 to {top} do")
    beside = beside or Beside()
    labels = consensus(people.labels)
    of = compare(labels, judged, people.sample)
    found, failures = agreement(of, top=top, cut=cut), _failures(judged)
    probed = beside.probes.lineage if beside.probes else None
    lineage = beside.lineage or judged.lineage or probed
    missing: dict[str, str] = {}

    def attempt(name: str, compute: Callable[[], T]) -> T | None:
        try:
            return compute()
        except BadInput as error:
            missing[name] = str(error)
            return None

    alternative = attempt(
        "alt_test",
        lambda: alt_test(_by_id(judged.grades), _people(people), negative_rmse, epsilon=epsilon),
    )
    shares = attempt("estimates", lambda: estimates(of, judged, cut))
    systems = attempt("systems", lambda: order(*_ordered(people, judged, beside.runs)))
    if beside.probes is None:
        missing["probes"] = "no probes: run `firstcite eval judge-check probe`"
    if lineage is None:
        missing["conflicts"] = "who the judge is was not said"
    elif not beside.systems:
        missing["conflicts"] = "no systems were named: give their --experiment"
    clashes = () if lineage is None else conflicts(lineage, beside.systems)
    every = gates(found, failures, beside.probes)
    return JudgeCheck(
        judge=judged.name,
        lineage=lineage,
        top=top,
        cut=cut,
        pairs=len(of.pairs),
        queries=of.query_count,
        left_out={**_blank(people), **of.left_out},
        annotators=_annotators(people, judged, top, cut),
        agreement=found,
        failures=failures,
        gates=every,
        verdict="GO" if all(gate.passed for gate in every) else "NO-GO",
        among_people=among(people.labels, top) if len(people.labels) > 1 else None,
        alt_test=alternative,
        estimates=shares or {},
        systems=systems,
        probes=beside.probes,
        conflicts=clashes,
        missing=missing,
        warnings=_warnings(of, people, beside.probes, judged),
        provenance=provenance(),
    )


def _failures(judged: Judged) -> Failures:
    failed, asked = len(judged.failed), len(judged.failed) + len(judged.grades)
    if judged.tells or failed:
        return Failures(failed / asked, failed, asked)
    return Failures(
        None,
        failed,
        asked,
        f"{judged.name} holds qrels, which do not tell what failed: name the judge's JSON lines",
    )


def _ordered(
    people: People, judged: Judged, runs: Mapping[str, Path]
) -> tuple[Mapping[str, Path], Qrels, Qrels]:
    if not runs:
        raise BadInput("no runs were named: give --run or --experiment")
    if not people.whole:
        raise BadInput(
            "a sample of pairs does not order systems: people's qrels of whole rankings do"
        )
    whole = Judged("people", consensus(people.labels), frozenset(), tells=True)
    return runs, whole.qrels, judged.qrels


def _people(people: People) -> dict[str, dict[str, float]]:
    return {name: _by_id(labels) for name, labels in people.labels.items()}


def _by_id(labels: Labels) -> dict[str, float]:
    return {f"{query} {document}": float(grade) for (query, document), grade in labels.items()}


def _annotators(people: People, judged: Judged, top: int, cut: int) -> tuple[Annotator, ...]:
    """Return each person beside the judge; who shares no pair with it has no figures."""
    none = Interval(None, None, None, "no pair in common")
    found = []
    for name, labels in people.labels.items():
        shared = any(pair in judged.grades for pair in labels)
        four, two = kappas(compare(labels, judged), top=top, cut=cut) if shared else (none, none)
        found.append(Annotator(name, len(labels), people.blank.get(name, 0), four, two))
    return tuple(found)


def _blank(people: People) -> dict[str, int]:
    """Return how many pairs nobody graded."""
    if people.sample is not None:
        left = len(people.sample.pairs) - len(consensus(people.labels))
        return {"nobody graded it": left} if left else {}
    left = sum(people.blank.values())
    return {"people pooled it and did not judge it": left} if left else {}


def _warnings(
    of: Compared, people: People, probes: Probes | None, judged: Judged
) -> tuple[str, ...]:
    found = []
    if 0 < of.query_count < FEW:
        found.append(
            f"{of.query_count} queries: under {FEW}, intervals are plain percentiles and too "
            "narrow; label pairs of more queries"
        )
    if probes and probes.judge != judged.name and _others(probes, judged):
        found.append(f"the probes are of {probes.judge}, the labels of {judged.name}")
    if len(people.labels) == 1:
        found.append(
            "one annotator: how far people agree among themselves is not known, and the judge "
            "may be held to one person's taste"
        )
    return tuple(found)


def _others(probes: Probes, judged: Judged) -> bool:
    """Whether probes and labels say that they are of two models."""
    mine, its = judged.lineage, probes.lineage
    return mine is None or its is None or (mine.model, mine.prompt) != (its.model, its.prompt)
