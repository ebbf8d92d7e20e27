"""`firstcite eval run`: an experiment, as a file describes it, or over a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
from rich.console import Console

from rag.cli.evaluate import collections_option, eval_group
from rag.cli.progress import showing
from rag.cli.root import SKIPPED, current_settings, run
from rag.errors import BadInput
from rag.sections import Splitters
from rag.settings import Settings

if TYPE_CHECKING:
    from eval.experiments.definition import Definition


@eval_group.command("run")
@click.argument("what", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, writable=True),
    help="Folder for the report and its record, and in work/ for what is kept between runs.",
)
@click.option(
    "--system",
    "systems",
    multiple=True,
    help="Of a folder: bm25, dense, fused (the settings' fusion), rrf, dbsf, convex, each with "
    "expansions: fused+rocchio; repeat the option.  [default: bm25, dense, fused]",
)
@click.option("--split", help="Of a folder: qrels/<split>.tsv.  [default: test]")
@click.option(
    "--splitter",
    type=click.Choice(get_args(Splitters)),
    help="Of a folder: none is one chunk per document; with others documents count by their best "
    "chunk.  [default: none]",
)
@collections_option
@click.option("--dry-run", is_flag=True, help="Only say what would be run.")
def run_command(
    what: Path,
    out: Path,
    systems: tuple[str, ...],
    split: str | None,
    splitter: str | None,
    collections: Path | None,
    *,
    dry_run: bool,
) -> None:
    """Run systems over collections, and report on them.

    WHAT is a file that describes an experiment, or a BEIR folder. Writes report.html, report.md and
    report.json, beside all that they are made from. What is done is not done again: run it once
    more to go on after an interruption, or with another system. The exit code is 3 where documents
    were skipped or queries failed.
    """
    from eval.experiments.definition import read_definition
    from eval.experiments.named import USUAL, over

    settings = current_settings()
    if what.is_dir() and collections:
        raise BadInput(f"--collections is for files: {what} is a folder, and the only collection")
    if what.is_dir():
        definition = over(what, split or "test", systems or USUAL, splitter or "none")
    elif systems or split or splitter:
        raise BadInput(f"--system, --split and --splitter are for folders: write them into {what}")
    else:
        definition = read_definition(what, collections)
    if dry_run:
        from eval.experiments.summary import listing

        click.echo(listing(definition, settings))
        return
    out.mkdir(parents=True, exist_ok=True)
    if run(_run(None if what.is_dir() else what, definition, out, settings)):
        raise SystemExit(SKIPPED)


async def _run(file: Path | None, definition: "Definition", out: Path, settings: Settings) -> int:
    """Run the experiment, report, and return how much was left out."""
    from eval.experiments.running import run_experiment
    from eval.experiments.summary import notes, troubles
    from eval.experiments.writing import write_experiment
    from eval.reports.summary import summary
    from eval.reports.writing import write_report
    from rag.wiring import build, open_llm

    with showing(Console(stderr=True, soft_wrap=True)) as show:
        runs = await run_experiment(definition, settings, out / "work", build, open_llm, show)
    record = write_experiment(out, file, definition, settings, runs)
    left_out = troubles(runs)
    for line in (*notes(runs), *left_out):
        click.echo(line, err=True)
    report = write_report(record, out)
    click.echo(summary(report))
    click.echo(f"The report: {out / 'report.html'}")
    return len(left_out)
