"""`firstcite eval run`: an experiment, as a file describes it."""

from pathlib import Path

import click
from rich.console import Console

from rag.cli.evaluate import eval_group
from rag.cli.progress import showing
from rag.cli.root import SKIPPED, current_settings, run
from rag.settings import Settings


@eval_group.command("run")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, writable=True),
    help="Folder for the report and its record, and in work/ for what is kept between runs.",
)
@click.option(
    "--collections",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="What {collections} stands for in the file's paths.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be run.")
def run_command(file: Path, out: Path, collections: Path | None, dry_run: bool) -> None:
    """Run the systems over the collections that FILE describes, and report on them.

    Writes report.html, report.md and report.json, beside all that they are made from. What is done
    is not done again: run it once more to go on after an interruption, or with another system. The
    exit code is 3 where documents were skipped or queries failed.
    """
    from eval.experiments.definition import read_definition

    settings = current_settings()
    definition = read_definition(file, collections)
    if dry_run:
        from eval.experiments.summary import listing

        click.echo(listing(definition, settings))
        return
    out.mkdir(parents=True, exist_ok=True)
    if run(_run(file, out, collections, settings)):
        raise SystemExit(SKIPPED)


async def _run(file: Path, out: Path, collections: Path | None, settings: Settings) -> int:
    """Run the experiment, report, and return how much was left out."""
    from eval.experiments.definition import read_definition
    from eval.experiments.running import run_experiment
    from eval.experiments.summary import notes, troubles
    from eval.experiments.writing import write_experiment
    from eval.reports.summary import summary
    from eval.reports.writing import write_report
    from rag.wiring import build, open_llm

    definition, work = read_definition(file, collections), out / "work"
    with showing(Console(stderr=True, soft_wrap=True)) as show:
        runs = await run_experiment(definition, settings, work, build, open_llm, show)
    record = write_experiment(out, file, definition, settings, runs)
    left_out = troubles(runs)
    for line in (*notes(runs), *left_out):
        click.echo(line, err=True)
    report = write_report(record, out)
    click.echo(summary(report))
    click.echo(f"The report: {out / 'report.html'}")
    return len(left_out)
