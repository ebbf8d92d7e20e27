"""The report of a training: how loss and looks went, on what, and with which command."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from eval.reports.blocks import Block, Figure, Section, Table, Text
from eval.reports.charts.curve import curve
from eval.reports.html import page
from rag.errors import BadInput

REPORT = "training.json"
POINTS = 120  # chosen: points of the loss's line; each is the mean of the updates around it


def write_training_report(folder: Path) -> Path:
    """Write `training.html` beside the `training.json` of a trained model; return it.

    Raises:
        BadInput: there is none, or it cannot be read.
    """
    file = folder / REPORT
    try:
        report = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}") from None
    made = file.with_suffix(".html")
    made.write_text(training_page(report), encoding="utf-8")
    return made


def training_page(report: Mapping[str, Any]) -> str:
    """Return the report as one HTML file."""
    history = report["history"]
    blocks: list[Block] = [Text(_verdict(report), verdict=True), _losses(history["losses"])]
    if history["looks"]:
        blocks.append(_looks(history["looks"]))
    where = [Text(f"{report['provenance']['command']}; commit {report['provenance']['commit']}.")]
    sections = [
        Section("", blocks),
        Section("Recipe", [_facts("The recipe", report["recipe"])]),
        Section("Data", [_facts("What was learnt from", _data(report))]),
        Section("Where", where),
    ]
    return page(f"Training: {report['kind']}", str(report["base"]), sections)


def smoothed(losses: Sequence[float], points: int = POINTS) -> list[tuple[float, float]]:
    """Return at most so many points, each the mean of as many updates, at their last one.

    >>> smoothed([4.0, 2.0, 1.0, 0.0], points=2)
    [(2, 3.0), (4, 0.5)]
    """
    size = max(1, -(-len(losses) // points))
    return [
        (min(start + size, len(losses)), statistics.mean(losses[start : start + size]))
        for start in range(0, len(losses), size)
    ]


def _verdict(report: Mapping[str, Any]) -> str:
    history = report["history"]
    made, seconds = len(history["losses"]), history["seconds"]
    told = f"{made:,} updates in {seconds:,.0f} s, {history['ended']}."
    if not history["looks"]:
        return f"{told} Nothing was held out to look at."
    update, figure = max(history["looks"], key=lambda look: look[1])
    first = history["looks"][0][1]
    return f"{told} The best look was {figure:.4f} after {update:,} updates, the first {first:.4f}."


def _losses(losses: Sequence[float]) -> Figure:
    points = smoothed(losses)
    rows = tuple((f"{update:,.0f}", f"{loss:.4f}") for update, loss in points)
    table = Table("Loss", ("updates", "mean loss since the row before"), rows, folded=True)
    return Figure(curve("Loss by updates", points), "The loss, a mean of some updates", table)


def _looks(looks: Sequence[tuple[int, float]]) -> Figure:
    rows = tuple((f"{update:,}", f"{figure:.4f}") for update, figure in looks)
    table = Table("Looks", ("updates", "nDCG@10 of what was held out"), rows, folded=True)
    points = [(float(update), figure) for update, figure in looks]
    drawn = curve("Looks by updates", points, dots=True)
    return Figure(drawn, "nDCG@10 of what was held out", table)


def _facts(caption: str, facts: Mapping[str, Any]) -> Table:
    rows = tuple((name, str(value)) for name, value in _flat(facts))
    return Table(caption, ("what", "value"), rows, labels=2)


def _flat(facts: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in facts.items():
        path = f"{above}{name}"
        found += _flat(value, f"{path}.") if isinstance(value, dict) else [(path, value)]
    return found


def _data(report: Mapping[str, Any]) -> dict[str, Any]:
    data = report["data"]
    manifest = data.get("manifest") or {}
    sources = "; ".join(f"{s['name']} ({s['licence']})" for s in manifest.get("sources", ()))
    return {
        "folder": data["name"],
        "sha256": data["sha256"],
        "sources": sources or "not known",
        **{f"count of {what}": n for what, n in manifest.get("counts", {}).items()},
        **{f"excluded {what}": told for what, told in report["excluded"].items()},
    }
