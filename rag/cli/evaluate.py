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
    with _scratch(settings, splitter) as scratch:
        if run(_retrieval(scratch, folder, split, systems, out)):
            raise SystemExit(SKIPPED)


@eval_group.command("answers")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--queries", type=click.IntRange(min=1), help="The first N; by default all.")
@click.option(
    "--splitter",
    type=click.Choice(get_args(Splitters)),
    help="none: one chunk per document; by default index.splitter.",
)
@click.option(
    "--collection",
    "-c",
    default="",
    help="Index into this collection of the settings' store and keep it for the next run; by "
    "default into a temporary folder.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False, writable=True),
    help="Folder for answers and reports.",
)
def answers_command(
    folder: Path, queries: int | None, splitter: str | None, collection: str, out: Path
) -> None:
    """Index the BEIR folder FOLDER, answer its queries as the settings say, and check the answers.

    Writes answers.jsonl (TREC RAG 2024), report.json and report.md. The exit code is 1 where a
    quote does not stand in its document or a citation has no reference, and 3 where documents were
    skipped or queries failed.
    """
    settings = current_settings()
    out.mkdir(parents=True, exist_ok=True)
    splitter = splitter or settings.index.splitter
    with _scratch(settings, splitter, keep=bool(collection)) as scratch:
        if code := run(_answers(scratch, folder, queries or 0, collection, out)):
            raise SystemExit(code)


@contextmanager
def _scratch(settings: Settings, splitter: str, *, keep: bool = False) -> Iterator[Settings]:
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


async def _answers(
    settings: Settings, folder: Path, queries: int, collection: str, out: Path
) -> int:
    """Measure, print the report, and return the exit code."""
    from eval.answers.asking import answers
    from eval.answers.report import write_answers, write_report
    from eval.data.collection import read_questions
    from rag.wiring import build

    asked = read_questions(folder, queries)
    engine = build(settings)
    try:
        with showing(Console(stderr=True, soft_wrap=True)) as show:
            found = await answers(folder, asked, engine, show, collection)
    finally:
        await engine.close()
    for fault in found.index.faults:
        click.echo(f"skipped {fault}", err=True)
    for query_id, why in found.failed.items():
        click.echo(f"no answer to {query_id}: {why}", err=True)
    click.echo(write_report([found], settings, out).read_text(encoding="utf-8"))
    write_answers(found, settings, out / "answers.jsonl")
    return exit_code(sound=found.sound, whole=found.whole)


def exit_code(*, sound: bool, whole: bool) -> int:
    """Return 1 where a quote or a reference is wrong, 3 where something was left out, else 0."""
    if not sound:
        return 1
    return 0 if whole else SKIPPED
