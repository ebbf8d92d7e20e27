"""The page of the judges: who they are, and how far their grades can stand for people's."""

from collections.abc import Iterator

from eval.reports.blocks import Block, Section, Table
from eval.reports.figures import UNKNOWN, percent
from eval.reports.schema import Report


def judging(report: Report) -> Iterator[Section]:
    """Yield the section of the judges, where there are any."""
    blocks: list[Block] = []
    if report.judges:
        blocks.append(_lineages(report))
    if blocks:
        yield Section("Judges", blocks)


def _lineages(report: Report) -> Table:
    return Table(
        "Models that judged",
        ("source", "model", "family", "prompt", "without a valid grade"),
        tuple(
            (
                source,
                judge.model,
                judge.family,
                judge.prompt[:12] or UNKNOWN,
                percent(report.judge_failures[source])
                if source in report.judge_failures
                else UNKNOWN,
            )
            for source, judge in report.judges.items()
        ),
        labels=4,
    )
