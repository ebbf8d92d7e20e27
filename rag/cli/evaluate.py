"""`firstcite eval …`: offline evaluation."""

import tempfile
from pathlib import Path

import click
import msgspec
from rich.console import Console

from rag.cli.progress import showing
from rag.cli.root import SKIPPED, cli, current_settings, run
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
    help="bm25, dense, fused (the settings' fusion), rrf, dbsf, convex, each with expansions: "
    "fused+rocchio; repeat the option.",
)
@click.option(
    "--splitter",
    type=click.Choice(["none", "recursive"]),
    default="none",
    show_default=True,
    help="none: one chunk per document; recursive: documents count by their best chunk.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, writable=True),
    help="Folder for runs and reports.",
)
def retrieval_command(
    folder: Path, split: str, systems: tuple[str, ...], splitter: str, out: Path
) -> None:
    """Index the BEIR collection in FOLDER, run systems over its queries, and report.

    Writes <system>.trec, report.json and report.md. The index lies in a temporary folder, or on the
    Qdrant server of store.url. Documents that cannot be read are reported and skipped; then the
    exit code is 3.
    """
    settings = current_settings()
    out.mkdir(parents=True, exist_ok=True)  # fails now, not after an hour of work
    index = msgspec.structs.replace(
        settings.index, splitter="none" if splitter == "none" else "recursive"
    )
    with tempfile.TemporaryDirectory(prefix="firstcite-eval-") as scratch:
        store = msgspec.structs.replace(settings.store, path=scratch)
        settings = msgspec.structs.replace(settings, store=store, index=index)
        if run(_retrieval(settings, folder, split, systems, out)):
            raise SystemExit(SKIPPED)


async def _retrieval(
    settings: Settings, folder: Path, split: str, systems: tuple[str, ...], out: Path
) -> int:
    """Evaluate, print the report, and return the number of faults."""
    from eval.collection import read_collection
    from eval.report import write_report
    from eval.retrieval import choose, evaluate
    from rag.wiring import build

    chosen, collection = choose(systems), read_collection(folder, split)
    engine = build(settings)
    try:
        with showing(Console(stderr=True, soft_wrap=True)) as show:
            experiment = await evaluate(collection, chosen, engine, show)
    finally:
        await engine.close()
    for fault in experiment.index.faults:
        click.echo(f"skipped {fault}", err=True)
    click.echo(write_report(experiment, out).read_text(encoding="utf-8"))
    return len(experiment.index.faults)
