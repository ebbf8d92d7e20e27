"""`firstcite migrate`: a collection from one store to another, embedded or on a server."""

from pathlib import Path

import click
import msgspec
from rich.console import Console

from rag.cli.progress import showing
from rag.cli.root import cli, collection_option, current_settings, run
from rag.sections import Secret, StoreSettings

key_type = click.Path(exists=True, dir_okay=False, path_type=Path)


@cli.command("migrate")
@click.option(
    "--from",
    "source",
    required=True,
    metavar="STORE",
    help="Folder of an embedded store (store.path), or address of a Qdrant server.",
)
@click.option("--to", "target", required=True, metavar="STORE", help="The same, to copy into.")
@collection_option
@click.option("--replace", is_flag=True, help="Delete the collection that is there before.")
@click.option(
    "--from-key",
    type=key_type,
    help="File with the key of the server to copy from; by default store.api_key, if it is "
    "store.url.",
)
@click.option("--to-key", type=key_type, help="The same of the server to copy into.")
def migrate_command(
    source: str,
    target: str,
    collection: str | None,
    replace: bool,
    from_key: Path | None,
    to_key: Path | None,
) -> None:
    """Copy a collection with its vectors from one store into another, and compare them.

    Run it again to go on where it was ended. Nobody may write to either meanwhile.
    """
    from rag.wiring.moving import moved  # imports the engine: .2 s

    settings = current_settings()
    name = collection or settings.server.collection
    origin = _place(settings.store, source, from_key)
    goal = _place(settings.store, target, to_key)
    if _where(origin) == _where(goal):
        raise click.UsageError("--from and --to are the same store")
    with showing(Console(stderr=True, soft_wrap=True)) as show:
        done = run(moved(origin, goal, name, show, fresh=replace))
    rate = done.sent / done.seconds if done.seconds else 0.0
    click.echo(
        f"{name}: {done.chunks:,} chunks and {done.records:,} records at {target}, {done.sent:,} "
        f"chunks of them sent in {done.seconds:,.1f} s ({rate:,.0f} chunks/s); {done.compared:,} "
        "compared, all equal"
    )


def _place(settings: StoreSettings, store: str, key: Path | None) -> StoreSettings:
    """Return the settings of a store that was named; a key goes to no server but its own."""
    if "://" not in store:
        return msgspec.structs.replace(settings, path=store, url="", api_key=Secret(""))
    mine = settings.api_key if store == settings.url else Secret("")
    read = Secret(key.read_text(encoding="utf-8").strip()) if key else mine
    return msgspec.structs.replace(settings, path="", url=store, api_key=read)


def _where(place: StoreSettings) -> str:
    return place.url.rstrip("/") or str(Path(place.path).resolve())
