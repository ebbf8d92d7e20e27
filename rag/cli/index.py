"""`firstcite index`: files and folders into a collection."""

from pathlib import Path

import click
from rich.console import Console

from rag.cli.progress import showing
from rag.cli.root import SKIPPED, cli, collection_option, current_settings, run, tenant_option
from rag.settings import Settings

SHOWN_FAULTS = 20
STDIN = Path("-")


@cli.command("index")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@collection_option
@tenant_option
def index_command(paths: tuple[Path, ...], collection: str | None, tenant: str) -> None:
    """Index files and folders of any common format into a collection; - reads standard input.

    Run it again at any time: documents are replaced by id, an interrupted run is finished. Input
    that cannot be read is reported and skipped; then the exit code is 3.
    """
    settings = current_settings()
    name = collection or settings.server.collection
    for path in paths:
        if path != STDIN and not path.exists():
            raise click.UsageError(f"{path} does not exist")
    if run(_index(settings, paths, name, tenant)):
        raise SystemExit(SKIPPED)


async def _index(settings: Settings, paths: tuple[Path, ...], name: str, tenant: str) -> int:
    """Index, print the report, and return the number of faults."""
    from indexers.reading import read_paths
    from rag.wiring import build

    console = Console(stderr=True, soft_wrap=True)
    engine = build(settings)
    try:
        with showing(console) as show:
            report = await engine.index(
                read_paths(paths, tenant, settings.index),
                name,
                lambda p: show(p.stage, p.done, p.total),
            )
    finally:
        await engine.close()
    for fault in report.faults[:SHOWN_FAULTS]:
        click.echo(f"skipped {fault}", err=True)
    if len(report.faults) > SHOWN_FAULTS:
        click.echo(f"… and {len(report.faults) - SHOWN_FAULTS:,} more", err=True)
    rate = report.chunks / report.seconds if report.seconds else 0.0
    click.echo(
        f"{name}: {report.documents:,} documents, {report.chunks:,} chunks in "
        f"{report.seconds:,.1f} s ({rate:,.0f} chunks/s); {report.removed:,} stale chunks removed, "
        f"{len(report.faults):,} inputs skipped"
    )
    return len(report.faults)
