"""`firstcite rerank`: a run, or JSON lines of queries with documents, in a better order."""

import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from rag.cli.progress import showing
from rag.cli.remote.where import check_options
from rag.cli.root import SKIPPED, cli, current_settings, run
from rag.errors import BadInput
from rag.seams import Reranker
from rag.settings import Settings
from rag.values import Candidate, Chunk

_PATH = click.Path(path_type=Path, dir_okay=False)


class _Text(msgspec.Struct, frozen=True):
    text: str
    id: str = ""
    title: str = ""
    score: float | None = None


class _Line(msgspec.Struct, frozen=True):
    query: str
    documents: list[str | _Text]
    id: str | int | None = None


@cli.command("rerank")
@click.option("--method", default="", help="By default rerank.method of the settings.")
@click.option("--schedule", default="", help="By default rerank.schedule.")
@click.option("--run", "run_file", type=_PATH, help="First stage, in TREC format (.gz too).")
@click.option(
    "--collection-path",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="BEIR folder with the run's documents and queries.",
)
@click.option(
    "--depth", type=click.IntRange(1), help="Candidates per query; by default rerank.depth."
)
@click.option(
    "--guard", type=click.Choice(["pool", "rrf", "convex", "none"]), help="By default rerank.guard."
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    help="Most time per query; by default rerank.seconds.",
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Queries at the same time."
)
@click.option("--out", type=_PATH, help="Where the new run goes; needed with --run.")
@click.option("--trace", "trace_file", type=_PATH, help="Where a JSON line per query goes.")
def rerank_command(
    method: str,
    schedule: str,
    run_file: Path | None,
    collection_path: Path | None,
    depth: int | None,
    guard: str | None,
    seconds: float | None,
    jobs: int,
    out: Path | None,
    trace_file: Path | None,
) -> None:
    """Put the candidates of a run, or of JSON lines, in a better order.

    Without --run, standard input holds a JSON object per line: {"query": …, "documents": […]}, the
    documents as strings or as {"text": …, "id": …, "title": …, "score": …}, the best first; for
    each, a line goes to standard output.

    Where a model fails or the time is over, the order is the best so far, or the one before; that
    is said, and the exit code is 3.
    """
    settings = current_settings()
    check_options(
        settings,
        {
            "--run": run_file,
            "--schedule": schedule,
            "--depth": depth,
            "--guard": guard,
            "--seconds": seconds,
        },
        "a server takes lines and a --method, all else is as it is set there: leave it out, or "
        "run the command without --server",
    )
    said = {"method": method, "schedule": schedule, "depth": depth, "guard": guard}
    given = {name: value for name, value in (said | {"seconds": seconds}).items() if value}
    section = msgspec.structs.replace(settings.rerank, **given)
    settings = msgspec.structs.replace(settings, rerank=section)
    if run_file is None:
        if out or trace_file or collection_path:
            raise click.UsageError("--collection-path, --out and --trace go with --run")
        if sys.stdin.isatty():
            raise click.UsageError("name a run with --run, or pipe JSON lines in")
        degraded = run(_elsewhere(settings, method) if settings.client.url else _lines(settings))
    elif collection_path is None or out is None:
        raise click.UsageError("--run needs --collection-path and --out")
    else:
        degraded = run(_run(settings, run_file, collection_path, out, trace_file, jobs))
    if degraded:
        click.echo(f"degraded, e.g. {degraded}", err=True)
        raise SystemExit(SKIPPED)


async def _run(
    settings: Settings, run_file: Path, folder: Path, out: Path, trace_file: Path | None, jobs: int
) -> str:
    """Rerank a run; return why a query was degraded, "" if none was."""
    from eval.data.collection import read_queries
    from eval.data.runs import ScoredDocument, read_run, write_run
    from eval.studies.reranking import read_texts, rerank_run

    first, queries = read_run(run_file), read_queries(folder)
    if unknown := [query_id for query_id in first if query_id not in queries]:
        raise BadInput(f"{folder}: queries.jsonl lacks '{unknown[0]}' of {run_file}")
    depth = settings.rerank.depth
    texts = read_texts(folder, {q: docs[:depth] for q, docs in first.items()})
    ranked: dict[str, Sequence[ScoredDocument]] = {}
    degraded: list[str] = []
    with showing(Console(stderr=True, soft_wrap=True)) as show, _writing(trace_file) as lines:
        async with _opened(settings) as reranker:
            async for one in rerank_run(first, queries, texts, reranker, depth, jobs):
                ranked[one.query_id] = one.ranking
                if one.reranked.status == "degraded":
                    degraded.append(f"{one.query_id}: {one.reranked.stage.detail}")
                lines(one.trace())
                show("rerank", len(ranked), len(first))
    write_run(out, ranked, f"firstcite-{settings.rerank.method or 'unchanged'}")
    click.echo(f"{out}: {len(ranked):,} queries reranked, {len(degraded):,} of them degraded")
    return next(iter(degraded), "")


async def _lines(settings: Settings) -> str:
    """Rerank line by line; return why one was degraded, "" if none was."""
    from eval.studies.reranking import trace

    degraded = ""

    async with _opened(settings) as reranker:
        for number, raw in enumerate(sys.stdin.buffer, start=1):
            if raw.strip():
                line = _line(number, raw)
                found = await reranker.rerank(line.query, list(_candidates(line)))
                click.echo(json.dumps({"id": line.id, **trace(found)}, ensure_ascii=False))
                if found.status == "degraded":
                    degraded = degraded or f"line {number}: {found.stage.detail}"
    return degraded


async def _elsewhere(settings: Settings, method: str) -> str:
    """Have a server rerank line by line; return why one was degraded, "" if none was."""
    from rag.cli.remote.asking import client_of
    from rag.cli.remote.others import reranked

    degraded = ""
    async with client_of(settings.client) as client:
        for number, raw in enumerate(sys.stdin.buffer, start=1):
            if raw.strip():
                line = _line(number, raw)
                chunks = [candidate.chunk for candidate in _candidates(line)]
                told = await reranked(client, line.query, chunks, method)
                click.echo(json.dumps({"id": line.id, **told}, ensure_ascii=False))
                if told["status"] == "degraded":
                    degraded = degraded or f"line {number}: {told['detail']}"
    return degraded


def _line(number: int, raw: bytes) -> _Line:
    try:
        return msgspec.json.decode(raw, type=_Line, strict=False)
    except msgspec.DecodeError as error:
        raise BadInput(
            f'standard input, line {number}: {error}: write {{"query": "…", "documents": ["…"]}}'
        ) from None


def _candidates(line: _Line) -> Iterator[Candidate]:
    """Yield the documents; one without an id has its number, from 0, for an id."""
    for i, given in enumerate(line.documents):
        item = _Text(given) if isinstance(given, str) else given
        id_ = item.id or str(i)
        chunk = Chunk(id_, id_, item.text, 0, len(item.text), item.title, item.title)
        yield Candidate(chunk, 1 / (i + 1) if item.score is None else item.score, {})


@contextmanager
def _writing(file: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Give a function that writes a JSON line, at once; nowhere where there is no file."""
    if file is None:
        yield lambda _: None
        return
    with file.open("w", encoding="utf-8", buffering=1) as out:
        yield lambda row: print(json.dumps(row, ensure_ascii=False), file=out)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Reranker]:
    from rag.wiring import Rerankers

    rerankers = Rerankers(settings)
    try:
        yield rerankers.get()
    finally:
        await rerankers.close()
