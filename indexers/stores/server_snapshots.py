"""Snapshots of a Qdrant server, over its HTTP API: the client can make them, but not fetch them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx

from indexers.stores.server_calls import Connection
from rag.errors import StoreUnavailable
from rag.sections import StoreSettings

_LONG_S = 3_600.0  # chosen: making or reading a snapshot of a large collection takes minutes


async def fetch_snapshot(server: Connection, physical: str, file: Path) -> None:
    """Let the server make a snapshot of a collection, write it into a file, and delete it there.

    Raises:
        NotImplementedError: the client has no server.
        StoreUnavailable: the server refuses or does not answer.
        OSError: the file cannot be written.
    """
    made = await server.ask(lambda client: client.create_snapshot(physical), long=True, again=False)
    if made is None:
        raise StoreUnavailable(f"the server made no snapshot of '{physical}': try again")
    path = f"/collections/{quote(physical)}/snapshots/{quote(made.name)}"
    try:
        async with _http(server.settings) as http, http.stream("GET", path) as reply:
            reply.raise_for_status()
            with file.open("wb") as stream:
                async for piece in reply.aiter_bytes():
                    stream.write(piece)
    finally:
        await server.ask(lambda client: client.delete_snapshot(physical, made.name))


async def send_snapshot(server: Connection, physical: str, file: Path) -> None:
    """Let the server make a collection of a snapshot.

    Raises:
        StoreUnavailable: the server refuses or does not answer.
    """
    path = f"/collections/{quote(physical)}/snapshots/upload"
    wanted = {"priority": "snapshot", "wait": "true"}
    with file.open("rb") as stream:
        async with _http(server.settings) as http:
            reply = await http.post(path, params=wanted, files={"snapshot": stream})
            reply.raise_for_status()


@asynccontextmanager
async def _http(settings: StoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"api-key": str(settings.api_key)} if settings.api_key else {}
    try:
        async with httpx.AsyncClient(
            base_url=settings.url, headers=headers, timeout=_LONG_S
        ) as client:
            yield client
    except httpx.HTTPError as error:
        raise StoreUnavailable(
            f"Qdrant did not do it: {error}. Is the server of store.url up?"
        ) from error
