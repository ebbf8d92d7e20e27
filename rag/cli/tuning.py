"""`firstcite eval tune`: settings searched for quality, latency and cost."""

from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console

from rag.cli.evaluate import collections_option, eval_group
from rag.cli.progress import showing
from rag.cli.root import current_settings, run
from rag.errors import ModelUnavailable
from rag.settings import Settings


@eval_group.command("tune")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, writable=True),
    help="Folder for journal, report and tuned.toml, and in work/ for what is kept between runs.",
)
@collections_option
def tune_command(file: Path, out: Path, collections: Path | None) -> None:
    """Search the settings that FILE names for quality, latency and cost together.

    The settings in effect are the baseline. Writes tuning.json, tuning.md and, where a point is
    better than the baseline beyond noise on queries it was not chosen by, tuned.toml. What was
    evaluated is not evaluated again: run it once more to go on after an interruption.
    """
    if find_spec("optuna") is None:
        raise ModelUnavailable("tuning needs Optuna: pip install 'firstcite[tune]'")
    settings = current_settings()
    out.mkdir(parents=True, exist_ok=True)
    click.echo(run(_tune(file, out, collections, settings)))


async def _tune(file: Path, out: Path, collections: Path | None, settings: Settings) -> str:
    """Search, write what was found, and return the report."""
    from eval.experiments.reading import read_tested
    from eval.tuning.choosing import choose
    from eval.tuning.definition import read_study
    from eval.tuning.halves import halves
    from eval.tuning.report import write_report
    from eval.tuning.searching import run_study
    from eval.tuning.writing import write_settings
    from rag.wiring import build, open_llm

    study = read_study(file, settings, collections)
    split = halves([read_tested(one) for one in study.table.collections])
    with showing(Console(stderr=True, soft_wrap=True)) as show:
        found = await run_study(study, split, out, build, open_llm, show)
    verdict = choose(study, found)
    write_settings(out, study, verdict)
    return write_report(out, study, split, found, verdict).read_text(encoding="utf-8")
