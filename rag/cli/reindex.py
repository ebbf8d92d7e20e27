"""`firstcite reindex`: a collection built anew with the settings in effect."""

import asyncio

import click
from rich.console import Console

from rag.cli.progress import showing
from rag.cli.root import cli, collection_option, current_settings, run
from rag.settings import Settings

GRACE_S = 5.0  # chosen: for servers to see that the name was switched, and to end their searches


@cli.command("reindex")
@collection_option
@click.option("--drop-old", is_flag=True, help="Delete the old one after the switch.")
def reindex_command(collection: str | None, *, drop_old: bool) -> None:
    """Build a collection anew from its own documents, with the encoder and the settings in effect.

    Nothing is read but the collection. It is searched as before until the new one is whole and
    takes its name; run it again to finish what was interrupted.
    """
    settings = current_settings()
    name = collection or settings.server.collection
    before = run(_reindex(settings, name))
    if drop_old:
        run(_drop(settings, before))
        click.echo(f"{before} is deleted")
    else:
        click.echo(f"{before} stays: firstcite collections drop {before}")


async def _reindex(settings: Settings, name: str) -> str:
    """Reindex, print the report, and return which collection the name stood for."""
    from rag.wiring import build

    engine = build(settings)
    try:
        with showing(Console(stderr=True, soft_wrap=True)) as show:
            done = await engine.reindex(name, on_progress=lambda p: show(p.stage, p.done, p.total))
    finally:
        await engine.close()
    report = done.report
    click.echo(
        f"{name}: {report.documents:,} documents, {report.chunks:,} chunks, {report.encoded:,} of "
        f"them encoded, in {report.seconds:,.1f} s; it is {done.now} now"
    )
    return done.before


async def _drop(settings: Settings, physical: str) -> None:
    from rag.wiring.naming import catalogue

    if settings.store.url:
        await asyncio.sleep(GRACE_S)
    place = catalogue(settings.store)
    try:
        await place.drop(physical)
    finally:
        await place.close()
