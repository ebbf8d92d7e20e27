"""What is said of a report on the command line."""

from eval.markdown import table
from eval.reports.schema import Report


def summary(report: Report) -> str:
    """Return the notices, and of every collection the verdict and the means, as Markdown."""
    lines = [f"# {report.name}", ""]
    for notice in report.notices:
        lines += [f"{notice.level}: {notice.text}", ""]
    for one in report.collections:
        measures = list(one.values)
        rows = [[s.name, *(f"{s.means[m].mean:.4f}" for m in measures)] for s in one.systems]
        lines += [f"## {one.name}, {len(one.queries):,} queries", ""]
        lines += [one.verdicts[0], "", *table(["system", *measures], rows), ""]
    return "\n".join(lines)
