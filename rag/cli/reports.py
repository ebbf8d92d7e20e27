"""`firstcite eval report`, `compare` and `gate`: what a record says, and what two reports say."""

from pathlib import Path

import click

from rag.cli.evaluate import eval_group
from rag.cli.root import current_settings
from rag.errors import BadInput, RagError

_FILE = click.Path(path_type=Path, dir_okay=False)


@eval_group.command("report")
@click.argument("record", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False, writable=True),
    help="Folder for the report; by default the record's own.",
)
@click.option(
    "--judge-check",
    type=_FILE,
    help="judge-check.json of `firstcite eval judge-check`, shown whole.",
)
def report_command(record: Path, out: Path | None, judge_check: Path | None) -> None:
    """Report on RECORD, a folder that `firstcite eval run` wrote, anew.

    For when `firstcite eval judge` has filled holes, or a check of a judge is to be shown.

    Writes report.json, and from it report.html, one file that needs nothing else, and report.md.
    """
    from eval.experiments.record import open_record
    from eval.reports.summary import summary
    from eval.reports.writing import write_report

    current_settings()
    written = write_report(open_record(record), out or record, judge_check)
    click.echo(summary(written))


@eval_group.command("compare")
@click.argument("baseline", type=_FILE)
@click.argument("candidate", type=_FILE)
@click.option("--measure", default="", help="By default the measure that decides in BASELINE.")
def compare_command(baseline: Path, candidate: Path, measure: str) -> None:
    """Compare two report.json, system by system, paired by query.

    Reports that other qrels or another judge graded are refused.
    """
    from eval.compare import compare, shown
    from eval.reports.markdown import document
    from eval.reports.schema import read_report

    current_settings()
    before, after = read_report(baseline), read_report(candidate)
    found = shown(compare(before, after, measure), before)
    click.echo(
        document(f"{after.name} beside {before.name}", "Δ is candidate − baseline", list(found))
    )


@eval_group.command("gate")
@click.argument("baseline", type=_FILE)
@click.argument("candidate", type=_FILE)
@click.option(
    "--margin",
    type=click.FloatRange(min=0, min_open=True),
    help="The loss that is still none; by default the margin in BASELINE.",
)
@click.option(
    "--floor", "floors", multiple=True, metavar="MEASURE=VALUE", help="The least mean; repeatable."
)
@click.option("--system", "systems", multiple=True, help="Only these; by default all in both.")
@click.option(
    "--judge-failures",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="The largest share of pairs that a judge may leave without a grade.",
)
@click.option("--strict", is_flag=True, help="Exit with 2, not 0, where nothing can be told.")
def gate_command(
    baseline: Path,
    candidate: Path,
    margin: float | None,
    floors: tuple[str, ...],
    systems: tuple[str, ...],
    judge_failures: float,
    *,
    strict: bool,
) -> None:
    """Say whether the report CANDIDATE is worse than BASELINE, for continuous integration.

    Exit codes: 0 it is not, or (without --strict) it cannot be told; 1 it is worse; 2 it cannot be
    told; 3 the reports cannot be compared; 4 the judge failed too often.
    """
    from eval.gate import Outcome, Rule, gate, overall
    from eval.reports.schema import read_report

    current_settings()
    least = dict(map(_floor, floors))
    try:
        before, after = read_report(baseline), read_report(candidate)
        rule = Rule(margin or before.analysis.margin, least, systems, judge_failures)
        lines = gate(before, after, rule)
    except RagError as error:
        click.echo(f"bad data: {error}", err=True)
        raise SystemExit(int(Outcome.BAD_DATA)) from None
    for line in lines:
        click.echo(f"{line.outcome.name.lower().replace('_', ' ')}: {line.text}")
    outcome = overall(lines)
    click.echo(f"gate: {outcome.name.lower().replace('_', ' ')}")
    if outcome is not Outcome.INCONCLUSIVE or strict:
        raise SystemExit(int(outcome))


def _floor(text: str) -> tuple[str, float]:
    measure, _, value = text.rpartition("=")
    try:
        return measure, float(value)
    except ValueError:
        raise BadInput(f"--floor {text}: wanted is a measure and a number, nDCG@10=.70") from None
