"""Query by query: how differences are spread, and the queries where they are largest."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from eval.reports.blocks import Block, Figure, Ranked, Section, SideBySide, Table
from eval.reports.charts.queries import scatter, waterfall
from eval.reports.diagnoses import Example, Shown
from eval.reports.figures import count, share, signed
from eval.reports.schema import CollectionReport, Report

_QUANTILES = (
    ("largest gain", 1.0),
    ("90 %", 0.9),
    ("75 %", 0.75),
    ("median", 0.5),
    ("25 %", 0.25),
    ("10 %", 0.1),
    ("largest loss", 0.0),
)
_BANDS = 5


def by_query(report: Report, of: CollectionReport) -> Iterator[Section]:
    """Yield the charts of the featured system against the baseline, and examples."""
    if not of.featured or not of.queries:
        return
    values = of.values[report.primary]
    pairs = [
        (theirs, ours)
        for theirs, ours in zip(values[report.baseline], values[of.featured], strict=True)
        if theirs is not None and ours is not None
    ]
    blocks: list[Block] = [
        _waterfall(report, of, [ours - theirs for theirs, ours in pairs]),
        _scatter(report, of, pairs),
    ]
    yield Section(f"Query by query: {of.featured} and {report.baseline}", blocks, 3)
    for title, chosen in (
        ("Largest gains", [e for e in of.examples if e.difference > 0]),
        ("Largest losses", [e for e in of.examples if e.difference < 0]),
    ):
        if chosen:
            yield Section(title, [_side_by_side(example, report) for example in chosen], 3)


def _waterfall(report: Report, of: CollectionReport, differences: Sequence[float]) -> Figure:
    caption = f"{of.featured} − {report.baseline}: {report.primary} of every query, best first"
    rows = [(name, signed(float(np.quantile(differences, q)))) for name, q in _QUANTILES]
    table = Table(f"{caption} (quantiles)", ("quantile", "Δ"), tuple(rows))
    return Figure(waterfall(caption, differences, report.primary), caption, table)


def _scatter(report: Report, of: CollectionReport, pairs: Sequence[tuple[float, float]]) -> Figure:
    caption = f"{report.primary} of every query, {of.featured} upward and {report.baseline} across"
    bands = Counter((_band(a), _band(b)) for a, b in pairs)
    head = (f"{of.featured} ↓ {report.baseline} →", *(_named(i) for i in range(_BANDS)))
    rows = tuple(
        (_named(b), *(count(bands[a, b]) for a in range(_BANDS))) for b in reversed(range(_BANDS))
    )
    return Figure(
        scatter(caption, pairs, (report.baseline, of.featured)),
        f"{caption}; above the line {of.featured} is better, larger dots are more queries",
        Table(f"{caption} (number of queries)", head, rows),
    )


def _band(value: float) -> int:
    return min(_BANDS - 1, max(0, int(value * _BANDS)))


def _named(band: int) -> str:
    return f"{share(band / _BANDS)}–{share((band + 1) / _BANDS)}"


def _side_by_side(example: Example, report: Report) -> SideBySide:
    return SideBySide(
        example.query,
        f"{signed(example.difference)} {report.primary}, query {example.query_id}",
        Ranked(example.system, tuple(map(_item, example.ours))),
        Ranked(example.against, tuple(map(_item, example.theirs))),
    )


def _item(shown: Shown) -> tuple[str, str, str]:
    mark = "unjudged" if shown.grade is None else f"grade {shown.grade}".replace("-", "−")
    return mark, shown.title or shown.document_id, shown.text
