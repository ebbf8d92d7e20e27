"""Collections of a server: listed, described, counted, deleted, and built anew."""

import asyncio
from collections.abc import Sequence

from api.client_wire import done
from api.jobs.job import Counts
from rag.cli.remote.asking import client_of, filter_of
from rag.cli.remote.values import described_of, listed_of
from rag.sections import ClientSettings
from rag.showing import Show
from rag.values import Where
from rag.wiring.inspecting import Described, Listed

LOOK_S = 0.5  # chosen: how often a job is looked at


async def listed(server: ClientSettings) -> Sequence[Listed]:
    """Return every physical collection.

    Raises:
        RagError: as the client.
    """
    async with client_of(server) as client:
        return [listed_of(row) for row in await client.collections(details=True)]


async def described(server: ClientSettings, name: str) -> Described:
    """Return everything about a collection.

    Raises:
        RagError: as the client.
    """
    async with client_of(server) as client:
        return described_of(await client.describe(name))


async def counted(
    server: ClientSettings, name: str, tenant: str | None, where: Where
) -> tuple[int, int]:
    """Return how many chunks hold all conditions, and of how many documents they are.

    Raises:
        RagError: as the client.
    """
    async with client_of(server) as client:
        found = await client.count(name, filter_of(where), tenant=tenant)
    return found.chunks, found.documents


async def drop(server: ClientSettings, name: str, *, dry_run: bool = False) -> Sequence[str]:
    """Delete a collection; return what goes, or would go.

    Raises:
        RagError: as the client.
    """
    async with client_of(server) as client:
        return await client.drop(name, dry_run=dry_run)


async def alias(server: ClientSettings, name: str, collection: str) -> str:
    """Let a further name stand for a collection; return which physical one that is.

    Raises:
        RagError: as the client.
    """
    async with client_of(server) as client:
        return await client.alias(name, collection)


async def reindex(
    server: ClientSettings, collection: str | None, show: Show
) -> tuple[str, str, str, Counts]:
    """Return the collection, what it stood for, what it stands for now, and what was done.

    Raises:
        RagError: as the client, also where the job failed.
    """
    async with client_of(server) as client:
        name = collection or (await client.ready()).collection
        before = (await client.describe(name)).physical
        job = await client.reindex(name)
        while not job.over:
            await asyncio.sleep(LOOK_S)
            job = await client.job(job.job_id)
            if job.progress.stage:
                show(job.progress.stage, job.progress.done, job.progress.total)
        counts = done(job).result or Counts()
        return name, before, (await client.describe(name)).physical, counts
