"""What stands behind the means: rerankers, overlap of runs, and who judged."""

from collections.abc import Iterator

from eval.reports.blocks import Block, Figure, Section, Table
from eval.reports.charts.bars import histogram
from eval.reports.diagnoses import Filled, Overlap, Reordering, Sources
from eval.reports.figures import count, percent, share, signed
from eval.reports.schema import CollectionReport, Report


def diagnosing(report: Report, of: CollectionReport) -> Iterator[Section]:
    """Yield a section for each diagnosis that there are figures for."""
    if of.reordering:
        blocks: list[Block] = [_orders(of)]
        if of.shuffled:
            blocks.append(_shuffled(report, of))
        yield Section("Reranking", [*blocks, *map(_moves, of.reordering)], 3)
    if of.overlap is not None:
        yield Section("How alike runs are", [_overlap(of, of.overlap)], 3)
    if of.sources is not None and of.sources.filled:
        yield Section("Who judged", [_filled(report, of.sources)], 3)
    if of.sources is not None and of.sources.uniques:
        yield Section("Leave out uniques", [_uniques(of.sources)], 3)


def _orders(of: CollectionReport) -> Table:
    return Table(
        "What rerankers changed",
        ("system", "queries", "other first ten", "entered the first ten", "malformed", "missing"),
        tuple(
            (
                r.system,
                count(r.queries),
                percent(r.changed),
                f"{r.entered:.2f}",
                f"{r.malformed:.2f}",
                f"{r.missing:.2f}",
            )
            for r in of.reordering
        ),
        note="Other first ten: the share of queries whose first ten changed. Entered: documents a "
        "query that stood below. Malformed and missing: replies, and documents that replies "
        "lacked, a query.",
    )


def _shuffled(report: Report, of: CollectionReport) -> Table:
    return Table(
        "Rerankers given their documents in other orders",
        ("system", "orders", "queries", report.primary, "shuffled", "± between orders", "overlap"),
        tuple(
            (
                s.system,
                count(s.orders),
                count(s.queries),
                share(s.usual),
                share(s.mean),
                "" if s.deviation is None else share(s.deviation),
                share(s.overlap),
            )
            for s in of.shuffled
        ),
        note="A reranker that judges documents by what they say ranks them alike in any order. "
        "Overlap: mean rank-biased overlap with the usual ranking, 1 where they are the same.",
    )


def _moves(found: Reordering) -> Figure:
    caption = f"{found.system}: ranks that documents rose (right) or fell (left)"
    whole = max(1, sum(n for _, n in found.moves))
    rows = tuple(
        (_rank(number, found.reach), count(n), percent(n / whole)) for number, n in found.moves
    )
    return Figure(
        histogram(caption, found.moves, found.reach, "ranks risen"),
        caption,
        Table(caption, ("ranks risen", "documents", "share"), rows),
    )


def _rank(number: int, reach: int) -> str:
    bound = {reach: "≥ ", -reach: "≤ "}.get(number, "")
    return f"{bound}{number:+d}".replace("-", "−").replace("+0", "0")


def _overlap(of: CollectionReport, overlap: Overlap) -> Table:
    numbers = tuple(map(str, range(1, len(of.systems) + 1)))
    rows = tuple(
        (f"{i} {system.name}", *map(share, row))
        for i, (system, row) in enumerate(zip(of.systems, overlap.values, strict=True), 1)
    )
    return Table(
        f"Mean rank-biased overlap (persistence {share(overlap.persistence)}) of the first "
        f"{overlap.depth}, over {count(overlap.queries)} queries",
        ("system", *numbers),
        rows,
        note="1 is the same order, 0 nothing in common.",
    )


def _filled(report: Report, sources: Sources) -> Table:
    return Table(
        f"{report.primary} by who judged",
        (
            "system",
            "judge",
            "people only",
            "condensed list",
            "people + judge",
            "Δ",
            "change",
            "unjudged",
        ),
        tuple(
            (
                f.system,
                f.judge,
                share(f.human),
                share(f.condensed),
                share(f.filled),
                signed(f.filled - f.human),
                in_words(f),
                percent(f.unjudged),
            )
            for f in sources.filled
        ),
        labels=2,
        note="Condensed: what people did not judge is left out of the list. People + judge: a "
        "model's grade where people gave none. The words are a rule of thumb: below .01 "
        "negligible, to .05 moderate, above material.",
    )


def in_words(filled: Filled) -> str:
    """Return how much filling holes changes a figure.

    >>> in_words(Filled("a", "j", .5, .5, .56, .1))
    'material'
    """
    change = abs(filled.filled - filled.human)
    return "negligible" if change < 0.01 else "moderate" if change <= 0.05 else "material"


def _uniques(sources: Sources) -> Table:
    return Table(
        "nDCG@10 without the labels of what only this run has in its first ten",
        ("system", "with", "without", "Δ", "labels", "queries"),
        tuple(
            (
                u.system,
                share(u.with_own),
                share(u.without_own),
                signed(u.without_own - u.with_own),
                count(u.labels),
                count(u.queries),
            )
            for u in sources.uniques
        ),
        note="A large loss says that the judgments favour this run: a new system, whose finds "
        "nobody judged, would lose as much.",
    )
