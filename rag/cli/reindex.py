"""`firstcite reindex`: a collection built anew with the settings in effect."""

import asyncio

import click
from rich.console import Console

from api.jobs.job import Counts
from indexers.bulk import IndexReport
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
    name, before, now, counts = run(_reindex(settings, collection))
    click.echo(
        f"{name}: {counts.documents:,} documents, {counts.chunks:,} chunks, {counts.encoded:,} of "
        f"them encoded, in {counts.seconds:,.1f} s; it is {now} now"
    )
    if drop_old:
        run(_drop(settings, before))
        click.echo(f"{before} is deleted")
    else:
        click.echo(f"{before} stays: firstcite collections drop {before}")


async def _reindex(
    settings: Settings, collection: str | None
) -> tuple[str, str, str, IndexReport | Counts]:
    """Return the name, what it stood for, what it stands for now, and what was done."""
    with showing(Console(stderr=True, soft_wrap=True)) as show:
        if settings.client.url:
            from rag.cli.remote.collections import reindex

            return await reindex(settings.client, collection, show)
        from rag.wiring import build

        name = collection or settings.server.collection
        engine = build(settings)
        try:
            done = await engine.reindex(name, on_progress=lambda p: show(p.stage, p.done, p.total))
        finally:
            await engine.close()
        return name, done.before, done.now, done.report


async def _drop(settings: Settings, physical: str) -> None:
    if settings.client.url:
        from rag.cli.remote.collections import drop

        await drop(settings.client, physical)
        return
    from rag.wiring.naming import catalogue

    if settings.store.url:
        await asyncio.sleep(GRACE_S)
    place = catalogue(settings.store)
    try:
        await place.drop(physical)
    finally:
        await place.close()
