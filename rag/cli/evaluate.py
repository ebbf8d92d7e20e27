"""`firstcite eval …`: offline evaluation."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import click
import msgspec
from rich.console import Console

from rag.cli.progress import showing
from rag.cli.root import SKIPPED, cli, current_settings, run
from rag.sections import Splitters
from rag.settings import Settings


@cli.group("eval")
def eval_group() -> None:
    """Measure retrieval and cited answers offline, on a folder with queries."""


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
    type=click.Choice(get_args(Splitters)),
    default="none",
    show_default=True,
    help="none: one chunk per document; with others documents count by their best chunk.",
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
    with scratch(settings, splitter) as within:
        if run(_retrieval(within, folder, split, systems, out)):
            raise SystemExit(SKIPPED)


@contextmanager
def scratch(settings: Settings, splitter: str, *, keep: bool = False) -> Iterator[Settings]:
    """Give the settings with a splitter and, unless it is kept, a store in a temporary folder."""
    index = msgspec.structs.replace(settings.index, splitter=splitter)
    settings = msgspec.structs.replace(settings, index=index)
    if keep:
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="firstcite-eval-") as folder:
        store = msgspec.structs.replace(settings.store, path=folder)
        yield msgspec.structs.replace(settings, store=store)


async def _retrieval(
    settings: Settings, folder: Path, split: str, systems: tuple[str, ...], out: Path
) -> int:
    """Evaluate, print the report, and return the number of faults."""
    from eval.data.collection import read_collection
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
    return experiment.index.fault_count
