"""A whole report as sections, in the order in which it is read."""

from collections.abc import Iterator

from eval.reports.blocks import Banner, Block, Section, Table, Text
from eval.reports.figures import UNKNOWN, count, money, percent
from eval.reports.schema import CollectionReport, Report
from eval.reports.sections.comparing import comparing
from eval.reports.sections.diagnosing import diagnosing
from eval.reports.sections.judging import judging
from eval.reports.sections.queries import by_query
from eval.reports.sections.standing import standing


def subtitle(report: Report) -> str:
    """Return what was compared on what."""
    systems = len({system.name for of in report.collections for system in of.systems})
    names = ", ".join(f"{c.name} ({count(len(c.queries))} queries)" for c in report.collections)
    return f"{count(systems)} systems on {names}; {report.primary} decides"


def sections(report: Report) -> Iterator[Section]:
    """Yield all sections of a report."""
    yield Section("", list(_summary(report)))
    said = 1 if len(report.collections) == 1 else 0  # verdicts that stand in the summary
    for of in report.collections:
        yield Section(f"{of.name} ({of.split})", [*_facts(of, said), *standing(report, of)])
        yield from comparing(report, of)
        yield from by_query(report, of)
        yield from diagnosing(report, of)
    yield from judging(report)
    yield Section("Provenance", list(_provenance(report)))


def _summary(report: Report) -> Iterator[Block]:
    for tone in ("red", "amber"):
        lines = tuple(notice.text for notice in report.notices if notice.level == tone)
        if lines:
            yield Banner(tone, lines)
    many = len(report.collections) > 1
    for of in report.collections:
        yield Text((f"{of.name}: " if many else "") + of.verdicts[0], verdict=True)


def _facts(of: CollectionReport, said: int) -> Iterator[Text]:
    left_out = ""
    if of.left_out:
        shown = ", ".join(f"{key} ({why})" for key, why in list(of.left_out.items())[:5])
        more = f" and {count(len(of.left_out) - 5)} more" if len(of.left_out) > 5 else ""
        left_out = f" Not asked: {shown}{more}."
    without = (
        f" {count(of.without_relevant)} further queries have no relevant document: they are in no "
        "mean."
        if of.without_relevant
        else ""
    )
    for verdict in of.verdicts[said:]:
        yield Text(verdict)
    yield Text(
        f"{count(of.documents)} documents, {count(len(of.queries))} queries, {count(of.judgments)} "
        f"judgments by {of.source}.{without}{left_out} An unanswered query counts 0."
    )


def _provenance(report: Report) -> Iterator[Block]:
    analysis = report.analysis
    yield Text(
        f"Test: {analysis.test}, {count(analysis.draws)} draws, seed {analysis.seed}; correction: "
        f"{analysis.correction}; intervals of {percent(1 - analysis.alpha)} by bootstrap over "
        "queries (BCa). nDCG has linear gain, as in trec_eval."
    )
    if report.prices:
        rows = tuple(
            (p.model, money(p.tokens_in), money(p.tokens_out), p.currency, p.date or UNKNOWN)
            for p in report.prices
        )
        head = ("model", "per million read", "per million written", "currency", "as of")
        yield Table("Prices", head, rows)
    for part in report.provenance:
        yield Table(part.name, ("what", "is"), part.rows, labels=2)
