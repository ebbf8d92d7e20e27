"""`firstcite collections`: what there is, and everything one does to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from rag.cli.asking import where_of
from rag.cli.root import SKIPPED, cli, current_settings, filter_option, json_option, run
from rag.errors import BadCollection
from rag.settings import Settings
from rag.values import Frozen

if TYPE_CHECKING:
    from indexers.staleness import Stale
    from indexers.stores.catalogue import Catalogue
    from indexers.verifying import Problem
    from rag.seams import Store

SHOWN = 1_000  # problems that are shown, of as many as there are

name_argument = click.argument("name")


@cli.group("collections")
def collections() -> None:
    """Show, count, delete, save, restore and verify collections."""


@collections.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List every collection, also those that no name stands for (any more)."""
    from rag.cli.remote import collections as remote
    from rag.wiring.inspecting import Listed, listed, opening

    async def work(settings: Settings) -> Sequence[Listed]:
        if settings.client.url:
            return await remote.listed(settings.client)
        async with _catalogue(settings) as catalogue:
            return [row async for row in listed(catalogue, opening(catalogue))]

    rows = run(work(current_settings()))
    if as_json:
        click.echo(msgspec.json.encode(rows))
        return
    for row in rows:
        click.echo(str(row))
    if not rows:
        click.echo("no collection yet: firstcite index PATH")


@collections.command("info")
@name_argument
@json_option
def info_command(name: str, *, as_json: bool) -> None:
    """Show what collection NAME was built with, its size on disk, and its documents by tenant."""
    from rag.cli.remote import collections as remote
    from rag.wiring.inspecting import Described, described, opening

    async def work(settings: Settings) -> Described:
        if settings.client.url:
            return await remote.described(settings.client, name)
        async with _catalogue(settings) as catalogue:
            return await described(catalogue, opening(catalogue), name)

    told = run(work(current_settings()))
    click.echo(msgspec.json.encode(told) if as_json else str(told))


@collections.command("count")
@name_argument
@click.option("--tenant", default=None, help="Whose documents; by default everybody's.")
@filter_option
def count_command(name: str, tenant: str | None, filters: str | None) -> None:
    """Count the chunks and documents of collection NAME that a filter leaves."""
    from rag.cli.remote import collections as remote
    from rag.wiring.inspecting import counted

    where = where_of(filters)

    async def work(settings: Settings) -> tuple[int, int]:
        if settings.client.url:
            return await remote.counted(settings.client, name, tenant, where)
        async with _opened(settings, name) as (_, store):
            return await counted(store, tenant, where)

    chunks, documents = run(work(current_settings()))
    click.echo(f"{chunks:,} chunks of {documents:,} documents")


@collections.command("drop")
@name_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop_command(name: str, *, yes: bool) -> None:
    """Delete collection NAME, with all that a reindex left of it; or only NAME@N."""
    from rag.cli.remote import collections as remote
    from rag.wiring.inspecting import drop, of_name

    async def whole(settings: Settings) -> Sequence[str]:
        if settings.client.url:
            return await remote.drop(settings.client, name, dry_run=True)
        async with _catalogue(settings) as catalogue:
            return await of_name(catalogue, name)

    async def work(settings: Settings, physicals: Sequence[str]) -> None:
        if settings.client.url:
            await remote.drop(settings.client, name)
            return
        async with _catalogue(settings) as catalogue:
            await drop(catalogue, name, physicals)

    settings = current_settings()
    physicals = run(whole(settings))
    gone = ", ".join(physicals) or f"the name {name}"
    if not yes and not click.confirm(f"Delete {gone} for good?", err=True):
        raise click.UsageError("nothing was deleted")
    run(work(settings, physicals))
    click.echo(f"{gone}: deleted")


@collections.command("alias")
@click.argument("alias")
@name_argument
def alias_command(alias: str, name: str) -> None:
    """Let ALIAS stand for what NAME stands for now; a running server follows within seconds."""
    from rag.cli.remote import collections as remote
    from rag.wiring.naming import alias as named

    async def work(settings: Settings) -> str:
        if settings.client.url:
            return await remote.alias(settings.client, alias, name)
        async with _catalogue(settings) as catalogue:
            return await named(catalogue, alias, name)

    click.echo(f"{alias}: stands for {run(work(current_settings()))}")


@collections.command("snapshot")
@name_argument
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def snapshot_command(name: str, file: Path) -> None:
    """Write collection NAME into FILE, from which it can be restored."""
    from rag.wiring.inspecting import resolved

    async def work(settings: Settings) -> str:
        async with _catalogue(settings) as catalogue:
            physical = await resolved(catalogue, name)
            await catalogue.snapshot(physical, file)
            return physical

    click.echo(f"{run(work(current_settings()))}: written to {file}")


@collections.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@name_argument
@click.option("--replace", is_flag=True, help="Let NAME stand for it where it stands for another.")
def restore_command(file: Path, name: str, *, replace: bool) -> None:
    """Make a collection NAME of the snapshot FILE."""
    from indexers.stores.catalogue import checked_name

    async def work(settings: Settings) -> tuple[str | None, str]:
        async with _catalogue(settings) as catalogue:
            before = await catalogue.resolve(checked_name(name))
            if before and not replace:
                raise BadCollection(f"'{name}' exists: name another, or say --replace")
            physical = await catalogue.restore(file, name)
            await catalogue.point(name, physical)
            return before, physical

    before, physical = run(work(current_settings()))
    click.echo(f"{name}: restored as {physical}")
    if before:
        click.echo(f"{before} stays: firstcite collections drop {before}")


@collections.command("verify")
@name_argument
@click.option("--sources", is_flag=True, help="Read the files again, and list what is stale.")
@click.option(
    "--drop-damaged", is_flag=True, help="Delete damaged documents, so that index writes them anew."
)
@json_option
def verify_command(name: str, *, sources: bool, drop_damaged: bool, as_json: bool) -> None:
    """Look at every document, chunk and vector of collection NAME.

    The exit code is 3 where something is wrong.
    """
    report = run(_verify(current_settings(), name, sources=sources, dropping=drop_damaged))
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        for problem in report.problems:
            click.echo(f"{_place(problem)}: {problem.what}: {_remedy(name, problem)}")
        for old in report.stale:
            click.echo(f"stale {_place(old)}: {old.source} has {old.what}")
        click.echo(str(report))
    if report.counts["problems"]:
        raise SystemExit(SKIPPED)


@dataclass(frozen=True, slots=True)
class Report(Frozen):
    """What was found; `problems` and `stale` are the first of them, all of them are counted."""

    collection: str
    counts: Counter[str]
    problems: Sequence[Problem]
    stale: Sequence[Stale]

    def __str__(self) -> str:
        counts = self.counts
        parts = [
            f"{counts['documents']:,} documents, {counts['chunks']:,} chunks",
            f"{counts['problems']:,} problems" if counts["problems"] else "nothing is wrong",
            *(
                f"{counts[key]:,} {key}"
                for key in ("unfinished", "stale", "dropped")
                if counts[key]
            ),
        ]
        return f"{self.collection}: {'; '.join(parts)}"


async def _verify(settings: Settings, name: str, *, sources: bool, dropping: bool) -> Report:
    from indexers.staleness import stale
    from indexers.verifying import verify
    from rag.wiring.inspecting import drop_damaged

    counts: Counter[str] = Counter(documents=0, chunks=0, unfinished=0, problems=0, stale=0)
    problems: list[Problem] = []
    old: list[Stale] = []
    async with _opened(settings, name) as (physical, store):
        async for problem in verify(store, counts):
            if dropping or len(problems) < SHOWN:
                problems.append(problem)
        if sources:
            async for found in stale(store, settings.index):
                counts["stale"] += 1
                if len(old) < SHOWN:
                    old.append(found)
        if dropping and problems:
            counts["dropped"] = await drop_damaged(store, problems)
    return Report(physical, counts, problems[:SHOWN], old)


def _place(of: Problem | Stale) -> str:
    return f"{of.tenant}/{of.document_id}" if of.document_id else "the collection"


def _remedy(name: str, problem: Problem) -> str:
    if not problem.document_id:
        return "firstcite index counts again after --drop-damaged"
    again = f"firstcite index {problem.source or 'PATH'} --collection {name}"
    return f"index it again: firstcite collections verify {name} --drop-damaged, then {again}"


@asynccontextmanager
async def _catalogue(settings: Settings) -> AsyncIterator[Catalogue]:
    from rag.wiring.naming import catalogue

    opened = catalogue(settings.store)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def _opened(settings: Settings, name: str) -> AsyncIterator[tuple[str, Store]]:
    from rag.wiring.inspecting import resolved

    async with _catalogue(settings) as catalogue:
        physical = await resolved(catalogue, name)
        store = await catalogue.open(physical)
        try:
            yield physical, store
        finally:
            await store.close()
