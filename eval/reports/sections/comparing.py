"""Systems against each other: the baseline, all pairs, the ladder, and quality against cost."""

from collections.abc import Callable, Iterator, Sequence

from eval.reports.blocks import Block, Cell, Figure, Section, Table
from eval.reports.charts.pareto import Dot, pareto
from eval.reports.charts.rows import Interval, intervals
from eval.reports.figures import UNKNOWN, count, interval, money, ms, p_value, share, signed
from eval.reports.schema import CollectionReport, Compared, Point, Report


def comparing(report: Report, of: CollectionReport) -> Iterator[Section]:
    """Yield a section for each way of comparing that there are figures for."""
    if of.comparisons:
        yield Section(f"Against {report.baseline}", list(_against(report, of)), 3)
    if of.pairs is not None:
        yield Section("All pairs", [_pairs(of)], 3)
    if of.ladder:
        yield Section("Step by step", list(_ladder(report, of)), 3)
    if of.by_latency or of.by_price:
        yield Section("Quality against cost", list(_fronts(report, of)), 3)


def _against(report: Report, of: CollectionReport) -> Iterator[Block]:
    first = [c for c in of.comparisons if c.measure == report.primary]
    caption = f"Difference in {report.primary} from {report.baseline}, paired by query"
    yield Figure(
        intervals(
            caption,
            [
                Interval(c.system, c.difference, c.low, c.high, c.adjusted <= report.analysis.alpha)
                for c in first
            ],
            signed,
            f"Δ {report.primary}",
            0.0,
        ),
        f"{caption}; dark where p (adjusted) ≤ {share(report.analysis.alpha)}",
        comparisons(caption, first, report),
    )
    others = [c for c in of.comparisons if c.measure != report.primary]
    if others:
        yield comparisons("The same on the other measures", others, report, folded=True)


def comparisons(
    caption: str, rows: Sequence[Compared], report: Report, *, folded: bool = False
) -> Table:
    """Return comparisons as a table."""
    return Table(
        caption,
        (
            "system",
            "measure",
            "Δ",
            "interval",
            "p",
            f"p ({report.analysis.correction})",
            "d_z",
            "W/T/L",
            "MDE",
            "queries",
        ),
        tuple(
            (
                c.system,
                c.measure,
                Cell(signed(c.difference), strong=c.adjusted <= report.analysis.alpha),
                interval(c.low, c.high),
                p_value(c.p),
                p_value(c.adjusted),
                f"{c.d_z:.2f}".replace("-", "−"),
                f"{c.wins}/{c.ties}/{c.losses}",
                share(c.mde),
                count(c.n),
            )
            for c in rows
        ),
        labels=2,
        folded=folded,
        note="d_z: mean difference in its standard deviations. MDE: the smallest difference that a "
        "test of so many queries shows four times out of five; smaller ones may be there unseen.",
    )


def _pairs(of: CollectionReport) -> Table:
    assert of.pairs is not None  # noqa: S101 - the caller asked
    numbers = map(str, range(1, len(of.systems) + 1))
    rows = tuple(
        (
            f"{i} {system.name}",
            *("" if i == j else p_value(p) for j, p in enumerate(row, 1)),
        )
        for i, (system, row) in enumerate(zip(of.systems, of.pairs.p, strict=True), 1)
    )
    return Table(f"p of all pairs at once: {of.pairs.method}", ("system", *numbers), rows)


def _ladder(report: Report, of: CollectionReport) -> Iterator[Block]:
    caption = "Each system against the one before it in the experiment's file"
    rows = [
        Interval(
            r.compared.system,
            r.compared.difference,
            r.compared.low,
            r.compared.high,
            r.compared.low > 0 or r.compared.high < 0,
        )
        for r in of.ladder
    ]
    table = Table(
        caption,
        (
            "system",
            "after",
            f"Δ {report.primary}",
            "interval",
            "p",
            "Δ p95 ms",
            "Δ price",
            f"R@{of.depth} (ceiling)",
            f"oracle {report.primary}",
        ),
        tuple(
            (
                r.compared.system,
                r.compared.against,
                signed(r.compared.difference),
                interval(r.compared.low, r.compared.high),
                p_value(r.compared.adjusted),
                _change(r.p95, ms),
                _change(r.price, money),
                share(r.ceiling),
                share(r.oracle),
            )
            for r in of.ladder
        ),
        labels=2,
        note="Ceiling: the recall of all that a system returned. Oracle: the same documents in the "
        "best order, which no reranker of them can pass. p is adjusted "
        f"({report.analysis.correction}) over the steps.",
    )
    yield Figure(intervals(caption, rows, signed, f"Δ {report.primary}", 0.0), caption, table)


def _change(value: float | None, shown: Callable[[float], str]) -> str:
    if value is None:
        return UNKNOWN
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + shown(abs(value))


def _fronts(report: Report, of: CollectionReport) -> Iterator[Block]:
    yield from _front(report, of.by_latency, "p95 latency, ms", ms)
    yield from _front(report, of.by_price, "price of 1,000 queries", money)


def _front(
    report: Report, points: Sequence[Point], axis: str, shown: Callable[[float], str]
) -> Iterator[Figure]:
    if not points:
        return
    caption = f"{report.primary} against {axis}; the line joins systems that none beats on both"
    dots = [Dot(p.system, p.cost, p.quality.mean, p.dominated) for p in points]
    rows = tuple(
        (
            p.system,
            shown(p.cost),
            share(p.quality.mean),
            interval(p.quality.low, p.quality.high),
            "dominated" if p.dominated else "frontier",
        )
        for p in sorted(points, key=lambda p: (p.cost, -p.quality.mean))
    )
    head = ("system", axis, report.primary, "interval", "stands")
    yield Figure(
        pareto(caption, dots, shown, (axis, report.primary)), caption, Table(caption, head, rows)
    )
