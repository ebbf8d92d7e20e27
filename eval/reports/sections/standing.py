"""Where the systems stand: means with intervals, what is significant, what a query costs."""

from collections.abc import Iterator, Sequence

from eval.reports.blocks import Block, Cell, Figure, Table
from eval.reports.charts.rows import Interval, intervals
from eval.reports.figures import UNKNOWN, count, interval, money, ms, percent, share
from eval.reports.schema import CollectionReport, Compared, Cost, Report, System

_FEW = 1000


def standing(report: Report, of: CollectionReport) -> Iterator[Block]:
    """Yield the chart and the tables of the systems."""
    yield _main(report, of)
    yield _chart(report, of)
    known = [(system, system.cost) for system in of.systems if system.cost is not None]
    if known:
        yield _costs(known)
        yield _stages(known)


def columns(measures: Sequence[str]) -> list[str]:
    """Return measures in the order of columns: Judged@k stands beside nDCG@k.

    >>> columns(["nDCG@10", "AP", "Judged@10", "Judged@5"])
    ['nDCG@10', 'Judged@10', 'AP', 'Judged@5']
    """
    placed: list[str] = []
    for name in measures:
        beside = f"Judged@{name.rpartition('@')[2]}" if name.startswith("nDCG") else ""
        placed += [n for n in (name, beside) if n in measures and n not in placed]
    return placed


def _main(report: Report, of: CollectionReport) -> Table:
    measures = columns(list(of.values))
    best = {m: max(system.means[m].mean for system in of.systems) for m in measures}
    against = {c.system: c for c in of.comparisons if c.measure == report.primary}
    rows: list[tuple[str | Cell, ...]] = []
    letters = of.pairs.letters if of.pairs is not None else [""] * len(of.systems)
    for system, letter in zip(of.systems, letters, strict=True):
        first = system.means[report.primary]
        others = [
            Cell(share(system.means[m].mean), strong=system.means[m].mean == best[m])
            for m in measures[1:]
        ]
        rows.append(
            (
                system.name,
                Cell(share(first.mean), letter, strong=first.mean == best[report.primary]),
                interval(first.low, first.high),
                *others,
                _record(against.get(system.name)),
                count(system.unanswered),
                count(system.failed),
            )
        )
    head = ("system", measures[0], "95 % interval", *measures[1:], "W/T/L", "unanswered", "failed")
    return Table(
        f"Means over {count(len(of.queries))} queries, graded by {of.source}",
        _head(report, head),
        tuple(rows),
        note=_letters(report, of),
    )


def _head(report: Report, head: tuple[str, ...]) -> tuple[str, ...]:
    level = percent(1 - report.analysis.alpha)
    return tuple(name.replace("95 %", level) for name in head)


def _letters(report: Report, of: CollectionReport) -> str:
    wins = (
        f" W/T/L: queries won, tied and lost against {report.baseline}." if of.comparisons else ""
    )
    if of.pairs is None:
        return f"No letters of significance: there are too few queries, or one system.{wins}"
    return (
        "Systems that share no raised letter differ significantly "
        f"({of.pairs.method}, α = {share(report.analysis.alpha)}).{wins}"
    )


def _record(compared: Compared | None) -> str:
    return UNKNOWN if compared is None else f"{compared.wins}/{compared.ties}/{compared.losses}"


def _chart(report: Report, of: CollectionReport) -> Figure:
    primary = report.primary
    rows = [
        Interval(
            s.name,
            s.means[primary].mean,
            s.means[primary].low,
            s.means[primary].high,
            s.name == of.featured,
        )
        for s in of.systems
    ]
    line = next((row.value for row in rows if row.name == report.baseline), None)
    caption = f"{primary} with {percent(1 - report.analysis.alpha)} intervals over queries"
    if line is not None:
        caption += f"; the dashed line is {report.baseline}"
    return Figure(
        intervals(caption, rows, share, primary, line),
        caption,
        Table(
            caption,
            ("system", primary, "low", "high"),
            tuple((row.name, share(row.value), share(row.low), share(row.high)) for row in rows),
        ),
    )


def _costs(known: Sequence[tuple[System, Cost]]) -> Table:
    rows = []
    for system, cost in known:
        total = cost.latency[0]
        rows.append(
            (
                system.name,
                *_percentiles(total.n, total.p50, total.p95, total.p99),
                count(cost.calls),
                count(cost.tokens_in),
                count(cost.tokens_out),
                percent(cost.cached),
                money(cost.price),
            )
        )
    currency = known[0][1].currency
    head = (
        "system",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "calls",
        "tokens read",
        "tokens written",
        "cached",
        f"{currency} per 1,000 queries",
    )
    return Table(
        "What a query costs: latency as the sum of its stages, model calls and tokens in the mean",
        head,
        tuple(rows),
        note=f"p99 needs {count(_FEW)} queries. Queries that a cache answered in part are in no "
        "latency; “cached” is the share of calls. Prices are of tokens that were really read and "
        "written.",
    )


def _stages(known: Sequence[tuple[System, Cost]]) -> Table:
    rows = tuple(
        (
            system.name,
            latency.stage,
            count(latency.n),
            ms(latency.p50) if latency.n else UNKNOWN,
            ms(latency.p90) if latency.n else UNKNOWN,
            *_percentiles(latency.n, latency.p50, latency.p95, latency.p99)[1:],
        )
        for system, cost in known
        for latency in cost.latency[1:]
    )
    head = ("system", "stage", "queries", "p50 ms", "p90 ms", "p95 ms", "p99 ms")
    return Table("Latency by stage", head, rows, labels=2, folded=True)


def _percentiles(n: int, p50: float, p95: float, p99: float | None) -> tuple[str, str, str]:
    if not n:
        return UNKNOWN, UNKNOWN, UNKNOWN
    return ms(p50), ms(p95), "n too small" if p99 is None else ms(p99)
