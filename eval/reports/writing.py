"""A report on disk: JSON first, HTML and Markdown from it."""

from pathlib import Path

from eval.checking.record import open_check
from eval.experiments.record import Record
from eval.reports.building import build
from eval.reports.html import page
from eval.reports.markdown import document
from eval.reports.schema import Report, encode, read_report
from eval.reports.sections.whole import sections, subtitle


def write_report(record: Record, out: Path, judge_check: Path | None = None) -> Report:
    """Write `report.json`, and from it `report.html` and `report.md`; return what was written.

    Raises:
        BadInput: as `build`.
        BadCollection: as `build`; the judge's file cannot be read.
    """
    report = build(record, open_check(judge_check) if judge_check is not None else None)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_bytes(encode(report))
    return render(out / "report.json")


def render(file: Path) -> Report:
    """Write a `report.json` as HTML and Markdown beside it; return what it holds."""
    report = read_report(file)
    parts = list(sections(report))
    for suffix, shown in ((".html", page), (".md", document)):
        text = shown(report.name, subtitle(report), parts)
        file.with_suffix(suffix).write_text(text, encoding="utf-8")
    return report
