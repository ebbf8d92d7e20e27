"""`firstcite eval …`: offline evaluation."""

import tempfile
from pathlib import Path

import click
import msgspec
from rich.console import Console

from rag.cli.progress import showing
from rag.cli.root import cli, current_settings, run
from rag.settings import Settings


@cli.group("eval")
def eval_group() -> None:
    """Measure retrieval offline, on a collection with judged queries."""


@eval_group.command("retrieval")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--split", default="test", show_default=True, help="qrels/<split>.tsv.")
@click.option(
    "--system",
    "systems",
    multiple=True,
    default=("bm25", "dense", "fused"),
    show_default=True,
    help="bm25, dense, fused (the settings' fusion), rrf, dbsf, convex; repeat the option.",
)
@click.option(
    "--splitter",
    type=click.Choice(["none", "recursive"]),
    default="none",
    show_default=True,
    help="none: one chunk per document; recursive: documents count by their best chunk.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder for runs and reports."
)
def retrieval_command(
    folder: Path, split: str, systems: tuple[str, ...], splitter: str, out: Path
) -> None:
    """Index the BEIR collection in FOLDER, run systems over its queries, and report.

    Writes <system>.trec, report.json and report.md. The index lies in a temporary folder, or on the
    Qdrant server of store.url.
    """
    settings = current_settings()
    with tempfile.TemporaryDirectory(prefix="firstcite-eval-") as scratch:
        store = msgspec.structs.replace(settings.store, path=scratch)
        settings = msgspec.structs.replace(settings, store=store)
        run(_retrieval(settings, folder, split, systems, splitter, out))


async def _retrieval(
    settings: Settings, folder: Path, split: str, systems: tuple[str, ...], splitter: str, out: Path
) -> None:
    from eval.collection import read_collection
    from eval.report import write_report
    from eval.retrieval import evaluate

    collection = read_collection(folder, split)
    with showing(Console(stderr=True, soft_wrap=True)) as show:
        experiment = await evaluate(
            collection, systems, "none" if splitter == "none" else "recursive", settings, show
        )
    for fault in experiment.index.faults:
        click.echo(f"skipped {fault}", err=True)
    click.echo(write_report(experiment, out).read_text(encoding="utf-8"))
