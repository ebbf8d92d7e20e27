"""The figures of judged answers: on two axes, diagnosed by claims, with what is missing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import msgspec

from eval.answers.abstaining import Rate, abstention
from eval.answers.citations import Quality
from eval.answers.intervals import interval
from eval.answers.nuggets import NuggetScores
from eval.answers.ragas import known_as
from eval.answers.scoring import Judged, Scores
from eval.markdown import table
from rag.values import Frozen

Figures: TypeAlias = dict[str, Any]
Axis: TypeAlias = Literal["coverage", "groundedness", "correctness", "search", "origin"]

_ROUND = 6


@dataclass(frozen=True, slots=True)
class Metric(Frozen):
    """A figure of one answer, None where there is none, and what of it nobody could say."""

    axis: Axis
    of: Callable[[Scores], float | None]
    failed: Callable[[Scores], int]


def _nuggets(of: Callable[[NuggetScores], float | None]) -> Metric:
    return Metric(
        "coverage",
        lambda one: None if one.nuggets is None else of(one.nuggets),
        lambda one: one.unmade + (one.nuggets.failed if one.nuggets else 0),
    )


def _citations(quality: Callable[[Scores], Quality], of: Callable[[Quality], float]) -> Metric:
    def value(one: Scores) -> float | None:
        found = quality(one)
        return of(found) if one.answered and found.answers else None

    return Metric("groundedness", value, lambda one: quality(one).failed)


def _claims(axis: Axis, name: str) -> Metric:
    def value(one: Scores) -> float | None:
        found: float | None = getattr(one.claims, name)
        return found

    return Metric(axis, value, lambda one: one.claims.failed)


METRICS: Mapping[str, Metric] = {
    "V_strict": _nuggets(lambda one: one.v_strict),
    "V": _nuggets(lambda one: one.v),
    "W_strict": _nuggets(lambda one: one.w_strict),
    "W": _nuggets(lambda one: one.w),
    "A_strict": _nuggets(lambda one: one.a_strict),
    "A": _nuggets(lambda one: one.a),
    "WP first": _citations(lambda one: one.citations.first, lambda q: q.precision),
    "WR first": _citations(lambda one: one.citations.first, lambda q: q.recall),
    "WP all": _citations(lambda one: one.citations.every, lambda q: q.precision),
    "WR all": _citations(lambda one: one.citations.every, lambda q: q.recall),
    "ALCE precision": _citations(lambda one: one.citations.alce, lambda q: q.precision),
    "ALCE recall": _citations(lambda one: one.citations.alce, lambda q: q.recall),
    "faithfulness": _claims("groundedness", "faithfulness"),
    "precision": _claims("correctness", "precision"),
    "recall": _claims("correctness", "recall"),
    "F1": _claims("correctness", "f1"),
    "claim recall": _claims("search", "claim_recall"),
    "context precision": _claims("search", "context_precision"),
    "context utilisation": _claims("origin", "utilisation"),
    "noise, relevant": _claims("origin", "noise_relevant"),
    "noise, irrelevant": _claims("origin", "noise_irrelevant"),
    "hallucination": _claims("origin", "hallucination"),
    "self-knowledge": _claims("origin", "self_knowledge"),
}
"""All figures by their names in reports, those of claims by RAGChecker's."""

COVERAGE, GROUNDEDNESS = "W", "WR all"
"""What stands for an axis where two answers are compared without a model."""


def values(one: Scores) -> dict[str, float | None]:
    """Return all figures of one answer."""
    return {name: _rounded(metric.of(one)) for name, metric in METRICS.items()}


def figures(judged: Judged) -> Figures:
    """Return the means of one judge's figures, with intervals, and the table of abstentions."""
    return {
        "metrics": {
            name: {**_mean(metric, judged.scores), "ragas": known_as(name)}
            for name, metric in METRICS.items()
        },
        "abstention": _abstentions(judged.scores),
        "nuggets_made": sum(len(one.nuggets) for one in judged.made.values()),
        "cost": msgspec.to_builtins(judged.cost),
    }


def _mean(metric: Metric, scores: Sequence[Scores]) -> Figures:
    found = [value for value in map(metric.of, scores) if value is not None]
    low, high = interval(found) if found else (None, None)
    return {
        "axis": metric.axis,
        "mean": _rounded(sum(found) / len(found) if found else None),
        "low": _rounded(low),
        "high": _rounded(high),
        "answers": len(found),
        "without": len(scores) - len(found),
        "failed": sum(map(metric.failed, scores)),
    }


def _abstentions(scores: Iterable[Scores]) -> Figures:
    found = abstention([(one.answerable, one.answered) for one in scores])
    return {
        **asdict(found),
        "answered": _rate(found.answered),
        "refused": _rate(found.refused),
    }


def _rate(rate: Rate) -> Figures:
    return {name: _rounded(value) for name, value in asdict(rate).items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _ROUND)


def shown(judge: str, found: Figures) -> list[str]:
    """Return the Markdown of one judge's figures: a table of the axes, one of abstentions."""
    rows = [
        [
            f"{one['axis']}: {name}",
            *(_cell(one["mean"], one["low"], one["high"])),
            str(one["answers"]),
            str(one["without"]),
            str(one["failed"]),
        ]
        for name, one in found["metrics"].items()
        if one["answers"] or one["failed"]
    ]
    head = [f"judged by {judge}", "mean", "95 %", "answers", "without", "not judged"]
    cost = found["cost"]
    asked = [
        f"{cost['calls']:,} calls of the judge, {cost['cached']:,} of them from the cache.",
        "",
    ]
    return [
        *table(head, rows),
        "",
        *(asked if cost["calls"] else []),
        *_refusals(found["abstention"]),
    ]


def _refusals(found: Figures) -> list[str]:
    """Return the table of abstentions; nothing where nobody knows what can be answered."""
    cells = [
        found[f"{did}_{kind}"]
        for kind in ("answerable", "other")
        for did in ("answered", "refused")
    ]
    if not any(cells):
        return []
    rows = [
        ["answerable", *map(str, cells[:2]), *_share("answered", found["answered"])],
        ["not answerable", *map(str, cells[2:]), *_share("refused", found["refused"])],
    ]
    unknown = [f"Of {found['unknown']:,} questions nobody said whether they can be answered.", ""]
    return [
        *table(["questions", "answered", "refused", "right", "95 %"], rows),
        "",
        *(unknown if found["unknown"] else []),
    ]


def _share(did: str, rate: Figures) -> list[str]:
    mean, between = _cell(rate["share"], rate["low"], rate["high"])
    return [f"{mean} {did}", between]


def _cell(mean: float | None, low: float | None, high: float | None) -> tuple[str, str]:
    if mean is None or low is None or high is None:
        return "–", "–"
    return f"{mean:.3f}", f"{low:.3f} to {high:.3f}"
