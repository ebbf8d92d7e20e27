"""Two reports beside each other: the same systems on the same collections, paired by query."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eval.experiments.record import Analysis
from eval.reports.blocks import Block, Section, Text
from eval.reports.comparing import Values, corrected, paired
from eval.reports.schema import CollectionReport, Compared, Report
from eval.reports.sections.comparing import comparisons
from eval.reports.wording import verdicts
from rag.errors import BadInput
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Beside(Frozen):
    """A collection of both reports: the candidate's systems beside the baseline's own.

    `only_baseline` and `only_candidate` say what has no partner: systems, queries and measures.
    """

    collection: str
    compared: tuple[Compared, ...]
    only_baseline: tuple[str, ...]
    only_candidate: tuple[str, ...]


def compare(
    baseline: Report, candidate: Report, measure: str = "", systems: Sequence[str] = ()
) -> tuple[Beside, ...]:
    """Return the systems of a name in both reports, on every collection in both, p corrected.

    `measure` is the baseline's primary unless another is named; the baseline's analysis counts.

    Raises:
        BadInput: nothing is in both, or other qrels or judges graded them.
    """
    measure = measure or baseline.primary
    _same_judges(baseline, candidate)
    found = [
        _beside(ours, theirs, measure, systems, baseline.analysis)
        for ours, theirs in _collections(baseline, candidate)
    ]
    every = iter(corrected([c for each in found for c in each.compared], baseline.analysis))
    return tuple(
        Beside(
            each.collection,
            tuple(next(every) for _ in each.compared),
            each.only_baseline,
            each.only_candidate,
        )
        for each in found
    )


def _same_judges(baseline: Report, candidate: Report) -> None:
    for name in sorted(baseline.judges.keys() & candidate.judges.keys()):
        ours, theirs = baseline.judges[name], candidate.judges[name]
        if ours != theirs:
            raise BadInput(
                f"judge '{name}' is {ours.model} (prompt {ours.prompt[:12] or 'unknown'}) in the "
                f"one report and {theirs.model} (prompt {theirs.prompt[:12] or 'unknown'}) in the "
                "other: judge the baseline anew with the candidate's judge"
            )


def _collections(
    baseline: Report, candidate: Report
) -> Iterator[tuple[CollectionReport, CollectionReport]]:
    theirs = {(c.name, c.split): c for c in candidate.collections}
    common = [c for c in baseline.collections if (c.name, c.split) in theirs]
    if not common:
        raise BadInput(
            f"the reports have no collection in common: {_named(baseline)} and {_named(candidate)}"
        )
    for ours in common:
        other = theirs[ours.name, ours.split]
        if ours.fingerprint != other.fingerprint:
            raise BadInput(
                f"{ours.name}: the reports are of different documents ({ours.fingerprint[:12]} and "
                f"{other.fingerprint[:12]}): make both over the same collection"
            )
        if (ours.source, ours.qrels[ours.source]) != (other.source, other.qrels[other.source]):
            raise BadInput(
                f"{ours.name}: the reports were graded differently ({ours.source} "
                f"{ours.qrels[ours.source][:12]} and {other.source} "
                f"{other.qrels[other.source][:12]}): report both again with the same qrels"
            )
        yield ours, other


def _named(report: Report) -> str:
    return ", ".join(f"{c.name} ({c.split})" for c in report.collections) or "none"


def _beside(
    ours: CollectionReport,
    theirs: CollectionReport,
    measure: str,
    systems: Sequence[str],
    analysis: Analysis,
) -> Beside:
    for name, of in (("baseline", ours), ("candidate", theirs)):
        if measure not in of.values:
            raise BadInput(f"{of.name}: the {name} has no {measure}; it has {', '.join(of.values)}")
    mine, yours = ours.values[measure], theirs.values[measure]
    common = [s for s in mine if s in yours and (not systems or s in systems)]
    missing = [s for s in systems if s not in common]
    if missing or not common:
        raise BadInput(
            f"{ours.name}: {', '.join(missing) or 'no system'} is in both reports: the one has "
            f"{', '.join(mine)}, the other {', '.join(yours)}"
        )
    there = set(theirs.queries)
    queries = [q for q in ours.queries if q in there]
    if not queries:
        raise BadInput(f"{ours.name}: the reports have no query in common")
    return Beside(
        ours.name,
        tuple(
            paired(
                [
                    (_at(mine[s], ours.queries, queries), _at(yours[s], theirs.queries, queries))
                    for s in common
                ],
                [(measure, s, f"{s} before") for s in common],
                analysis,
            )
        ),
        tuple(_only(ours, theirs)),
        tuple(_only(theirs, ours)),
    )


def _at(values: Sequence[float | None], queries: Sequence[str], wanted: Sequence[str]) -> Values:
    known = dict(zip(queries, values, strict=True))
    return np.array([known[query] for query in wanted], dtype=np.float64)  # None is NaN


def _only(one: CollectionReport, other: CollectionReport) -> Iterator[str]:
    names = {s.name for s in other.systems}
    for system in one.systems:
        if system.name not in names:
            yield f"system {system.name}"
    for measure in one.values:
        if measure not in other.values:
            yield f"measure {measure}"
    there = set(other.queries)
    alone = [q for q in one.queries if q not in there]
    if alone:
        yield f"{len(alone)} queries, such as '{alone[0]}'"


def shown(found: Sequence[Beside], baseline: Report) -> Iterator[Section]:
    """Yield what was found as sections of a report."""
    for each in found:
        said = verdicts(each.compared, "", baseline.analysis.alpha, baseline.analysis.correction)
        blocks: list[Block] = [Text(text) for text in said]
        blocks.append(comparisons("Candidate − baseline, paired by query", each.compared, baseline))
        for name, only in (("baseline", each.only_baseline), ("candidate", each.only_candidate)):
            if only:
                blocks.append(Text(f"Only in the {name}: {'; '.join(only)}."))
        yield Section(each.collection, blocks)
