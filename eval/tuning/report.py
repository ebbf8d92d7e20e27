"""The report of a study: JSON first, Markdown made from the JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from eval.markdown import made_by, table
from eval.provenance import provenance
from eval.statistics import FEWEST
from eval.tuning.choosing import RULE, Verdict, versus
from eval.tuning.definition import Study
from eval.tuning.halves import HALVES, Halves
from eval.tuning.objectives import standard_error
from eval.tuning.proposing import chosen_sampler
from eval.tuning.searching import BASELINE, front
from eval.tuning.space import in_effect, written
from eval.tuning.values import Figures, Found, Trial

SCHEMA = "firstcite-tuning/1"
_ROUND = 6

NOTE = (
    "± is the standard error over queries. Differences are to the baseline, paired by query, with "
    "95 % BCa intervals. The figures of the tuning queries are those the points were searched by: "
    "the best of many is too good there (the winner's curse). Those of the held-out queries are "
    "not. Latency is the sum of a query's stages, one query at a time."
)


def write_report(out: Path, study: Study, split: Halves, found: Found, verdict: Verdict) -> Path:
    """Write `tuning.json` and `tuning.md` into a folder; return the Markdown."""
    report = to_json(study, split, found, verdict)
    (out / "tuning.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    markdown = out / "tuning.md"
    markdown.write_text(to_markdown(report), encoding="utf-8")
    return markdown


def to_json(study: Study, split: Halves, found: Found, verdict: Verdict) -> dict[str, Any]:
    """Return the report as JSON-able data: all that the Markdown says."""
    of = study.table
    best = {trial.number for trial in front(study, found.trials)}
    _, instead = chosen_sampler(of.sampler)
    return {
        "schema": SCHEMA,
        "name": of.name,
        "objectives": msgspec.to_builtins(of.objectives),
        "limits": msgspec.to_builtins(of.limits),
        "seed": of.seed,
        "sampler": of.sampler,
        "ended": found.ended,
        "collections": [one.name for one in of.collections],
        "queries": {half: split.count(half) for half in HALVES},
        "left_out": split.left_out,
        "axes": [axis.name for axis in study.space],
        "rows": [
            _row(study, found, trial, on_front=trial.number in best) for trial in found.trials
        ],
        "rule": RULE,
        "written": verdict.trial.number if verdict.trial else None,
        "why": verdict.why,
        "warnings": [*([instead] if instead else []), *_warnings(split)],
        "provenance": provenance(),
    }


def to_markdown(report: Mapping[str, Any]) -> str:
    """Return the report as Markdown: verdict, Pareto table, all other points."""
    rows = report["rows"]
    shown = [row for row in rows if row["number"] == BASELINE or row["front"]]
    others = [row for row in rows if row not in shown]
    wrote = report["written"]
    verdict = "Nothing is written" if wrote is None else f"Trial {wrote} is in `tuned.toml`"
    counts = report["queries"]
    measure = report["objectives"]["quality"]
    told = (
        f"{len(rows) - 1:,} points beside the baseline, {report['ended']}. "
        f"{counts['tuning']:,} tuning and {counts['held out']:,} held-out queries of "
        f"{', '.join(report['collections'])}; {report['left_out']:,} without a relevant document "
        "are left out."
    )
    lines = [
        f"# {report['name']}",
        "",
        f"**{verdict}: {report['why']}.**",
        "",
        *(f"- {warning}" for warning in report["warnings"]),
        *([""] if report["warnings"] else []),
        told,
        "",
        "## The baseline, and the points that no other dominates",
        "",
        *_table(report, shown, "held out"),
        "",
        f"## The same points on the tuning queries, by {measure}",
        "",
        *_table(report, shown, "tuning"),
        "",
    ]
    if others:
        lines += ["## Dominated points, on the tuning queries", ""]
        lines += [*_table(report, others, "tuning"), ""]
    lines += [NOTE, "", f"The rule: {report['rule']}", "", made_by(report["provenance"]), ""]
    return "\n".join(lines)


def _row(study: Study, found: Found, trial: Trial, *, on_front: bool) -> dict[str, Any]:
    first = found.trials[BASELINE].figures
    row = {
        "number": trial.number,
        "by": trial.by,
        "point": trial.point if trial.number else in_effect(study.space, study.settings),
        "front": on_front,
        "seconds": trial.seconds,
        "tuning": _figures(study, trial.figures, first),
    }
    if trial.number in found.held_out:
        figures = found.held_out[trial.number]
        row["held out"] = _figures(study, figures, found.held_out[BASELINE])
    return row


def _figures(study: Study, figures: Figures, baseline: Figures) -> dict[str, Any]:
    if figures.error:
        return {"error": figures.error}
    against = versus(study, baseline, figures)
    return {
        "quality": round(figures.mean_quality, _ROUND),
        "standard_error": round(standard_error(figures.quality), _ROUND),
        "difference": round(against.difference, _ROUND),
        "low": round(against.low, _ROUND),
        "high": round(against.high, _ROUND),
        "p": round(against.p, _ROUND),
        "p95_ms": round(figures.p95_ms, 2),
        "cost_per_1000": round(figures.cost_per_1000, _ROUND),
        "per_query": [round(value, _ROUND) for value in figures.quality],
    }


def _table(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], half: str) -> list[str]:
    """Return rows by falling quality, the baseline first."""
    costs = report["objectives"]["cost"] or report["limits"]["cost"]
    head = ["trial", *report["axes"], report["objectives"]["quality"], "difference", "p95 ms"]
    found = []
    ordered = sorted(rows, key=lambda row: (row["number"] != BASELINE, -_quality(row, half)))
    for row in ordered:
        figures = row.get(half, {"error": "not evaluated"})
        found.append([_name(row), *_settings(report, row), *_cells(figures, costs=bool(costs))])
    return table([*head, *(["cost of 1,000"] if costs else [])], found)


def _quality(row: Mapping[str, Any], half: str) -> float:
    return float(row.get(half, {}).get("quality", -1.0))


def _name(row: Mapping[str, Any]) -> str:
    if row["number"] == BASELINE:
        return "baseline" if row["front"] else "baseline (dominated)"
    return str(row["number"])


def _settings(report: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
    point = row["point"]
    return [
        written(tuple(value) if isinstance(value := point[name], list) else value)
        for name in report["axes"]
    ]


def _cells(figures: Mapping[str, Any], *, costs: bool) -> list[str]:
    if "error" in figures:
        return [figures["error"], "", "", *([""] if costs else [])]
    cells = [
        f"{figures['quality']:.4f} ± {figures['standard_error']:.4f}",
        f"{figures['difference']:+.4f} [{figures['low']:+.4f}, {figures['high']:+.4f}]",
        f"{figures['p95_ms']:,.1f}",
    ]
    return [*cells, f"{figures['cost_per_1000']:.4g}"] if costs else cells


def _warnings(split: Halves) -> list[str]:
    return [
        f"only {split.count(half)} queries are {half}: intervals of fewer than {FEWEST} are narrow "
        "by chance as often as not"
        for half in HALVES
        if split.count(half) < FEWEST
    ]
