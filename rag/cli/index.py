"""`firstcite index`: files and folders into a collection."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Literal

import click
import msgspec
from msgspec.structs import replace
from rich.console import Console

from indexers.bulk import FileReport, IndexReport, Options
from rag.cli.progress import showing
from rag.cli.remote.where import check_options, named_tenant
from rag.cli.root import SKIPPED, cli, collection_option, current_settings, run, tenant_option
from rag.settings import Settings
from rag.showing import Show
from rag.values import Document, Fault, Notice

STDIN = Path("-")
SHOWN = 20  # skipped inputs and notices that are printed; the report has all
OnFile = Callable[[FileReport], None]


@cli.command("index")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@collection_option
@tenant_option
@click.option("--prune", is_flag=True, help="Delete documents from below PATHS that are no more.")
@click.option("--dry-run", "dry", is_flag=True, help="Say what there is to do, and do nothing.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    help="Who encodes: this process, or a Ray cluster; by default index.engine of the settings.",
)
@click.option(
    "--report",
    type=click.File("w", encoding="utf-8", lazy=False),
    metavar="FILE",
    help="Write what became of every file, and of the run, as JSON Lines.",
)
def index_command(
    paths: tuple[Path, ...],
    collection: str | None,
    tenant: str,
    prune: bool,
    dry: bool,
    engine: Literal["local", "ray"] | None,
    report: IO[str] | None,
) -> None:
    """Index files and folders of any common format into a collection; - reads standard input.

    Run it again at any time: only what changed is done, an interrupted run is finished. Input that
    cannot be read is reported and skipped; then the exit code is 3.
    """
    settings = current_settings()
    check_options(
        settings,
        {"--engine": engine},
        "the server's index.engine decides: leave it out",
    )
    check_options(
        settings,
        {"--prune": prune, "--dry-run": dry},
        "it compares with what the store holds: run it on the server's machine, or leave it out",
    )
    if engine:
        settings = replace(settings, index=replace(settings.index, engine=engine))
    for path in paths:
        if path != STDIN and not path.exists():
            raise click.UsageError(f"{path} does not exist")
    places = [place for path in paths for place in (path.absolute(), path.resolve())]
    roots = tuple(dict.fromkeys(map(str, places))) if prune else ()
    if run(_index(settings, paths, collection, Options(roots, tenant, dry), report)):
        raise SystemExit(SKIPPED)


async def _index(
    settings: Settings,
    paths: tuple[Path, ...],
    collection: str | None,
    options: Options,
    out: IO[str] | None,
) -> int:
    """Index, print the report, and return the number of faults."""
    from indexers.reading import read_paths

    with ExitStack() as stack:
        on_file = stack.enter_context(_reporting(out, options.dry))
        show = stack.enter_context(showing(Console(stderr=True, soft_wrap=True)))
        read = read_paths(paths, options.tenant, settings.index)
        if settings.client.url:
            from rag.cli.remote.indexing import index

            whose = named_tenant(options.tenant)
            name, report = await index(settings.client, collection, whose, read, show, on_file)
        else:
            name = collection or settings.server.collection
            report = await _here(settings, name, read, options, show, on_file)
    if out:
        _line(out, {"run": name, "dry": options.dry, **_counts(report)})
    _print(name, report, dry=options.dry)
    return report.fault_count


async def _here(
    settings: Settings,
    name: str,
    read: Iterable[Document | Fault | Notice],
    options: Options,
    show: Show,
    on_file: OnFile,
) -> IndexReport:
    from rag.wiring import build

    engine = build(settings, on_demand=True)
    try:
        return await engine.index(
            read, name, lambda p: show(p.stage, p.done, p.total), options, on_file
        )
    finally:
        await engine.close()


@contextmanager
def _reporting(out: IO[str] | None, dry: bool) -> Iterator[OnFile]:
    """Give a function that writes a file's report as soon as it is known; a dry run prints it."""

    def on_file(file: FileReport) -> None:
        if out:
            _line(out, {"status": file.status, **msgspec.to_builtins(file)})
        if dry and file.status != "unchanged":
            changes = ("new", "changed", "revised")
            said = ", ".join(f"{n} {what}" for what in changes if (n := getattr(file, what)))
            click.echo(f"{file.file}: {said or file.status}, {file.chunks:,} chunks")

    yield on_file


def _line(out: IO[str], value: object) -> None:
    out.write(msgspec.json.encode(value).decode() + "\n")
    out.flush()


def _counts(report: IndexReport) -> dict[str, object]:
    counts: dict[str, object] = msgspec.to_builtins(report)
    del counts["further_faults"], counts["further_notices"]
    return {**counts, "faults": report.fault_count, "notices": report.notice_count}


def _print(name: str, report: IndexReport, *, dry: bool) -> None:
    faults = "skipped", report.faults, report.fault_count
    notices = "note:", report.notices, report.notice_count
    for what, lines, count in (faults, notices):
        for line in lines[:SHOWN]:
            click.echo(f"{what} {line}", err=True)
        if count > SHOWN:
            click.echo(f"… and {count - SHOWN:,} more", err=True)
    rate = report.encoded / report.seconds if report.seconds else 0.0
    encoded = "" if dry else f"; {report.encoded:,} chunks encoded ({rate:,.0f} chunks/s)"
    click.echo(
        f"{name}: {report.documents:,} documents, {report.chunks:,} chunks in "
        f"{report.seconds:,.1f} s{encoded}"
    )
    always = f"{report.new:,} new, {report.changed:,} changed, {report.unchanged:,} unchanged"
    told = [always, *(f"{n:,} {what}" for what, n in _further(report).items() if n)]
    click.echo(("it would be: " if dry else "") + "; ".join(told))


def _further(report: IndexReport) -> dict[str, int]:
    """Return what is told where it happened."""
    return {
        "with other metadata": report.revised,
        "stale chunks removed": report.removed,
        "vanished documents removed": report.pruned,
        "near-duplicates linked": report.linked,
        "near-duplicates left out": report.skipped,
        "superseded chunks marked": report.superseded,
        "documents of an ended run mended": report.finished,
        "inputs skipped": report.fault_count,
    }
