"""The tools for a program that starts this one, over standard input and output."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    redirect_stdout,
)
from typing import TypeAlias

import httpx
import msgspec
from litestar import Litestar
from mcp.server.stdio import stdio_server

from api.client_loop import AsyncClient
from api.inprocess import InProcess
from api.mcp.server import Context, make_server
from rag.errors import RagError
from rag.settings import Settings
from rag.wiring import Engine

Way: TypeAlias = tuple[str, httpx.AsyncBaseTransport | None]
"""The address to ask, and how to get there where it is none of the network's."""

_HERE = "http://127.0.0.1"
_KEY_REMEDY = (
    " (set it for firstcite mcp as FIRSTCITE__CLIENT__KEY; firstcite keys add NAME makes one)"
)


async def serve(
    settings: Settings, load: Callable[[], Engine], on_failure: Callable[[Exception], None]
) -> None:
    """Answer until standard input ends.

    Args:
        settings: `client.url` says which server is asked; without it, this process does the work.
        load: builds the engine, where it does.
        on_failure: is told when that fails; every call then says so.
    """
    async with AsyncExitStack() as stack:
        incoming, outgoing = await stack.enter_async_context(stdio_server())
        # The protocol has standard output for itself; what libraries print must not follow it.
        stack.enter_context(redirect_stdout(sys.stderr))
        soon = await stack.enter_async_context(_soon(_way(settings, load, on_failure)))

        async def connect(_: Context) -> AsyncClient:
            url, transport = await asyncio.shield(soon)
            return AsyncClient(url, settings.client.key, transport=transport)

        server = make_server(connect, _KEY_REMEDY)
        await server.run(incoming, outgoing, server.create_initialization_options())


@asynccontextmanager
async def _soon(way: AbstractAsyncContextManager[Way]) -> AsyncIterator[asyncio.Future[Way]]:
    """Give what will be there soon, and is released in the end."""
    ready: asyncio.Future[Way] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def hold() -> None:
        try:
            async with way as opened:
                ready.set_result(opened)
                await over.wait()
        except RagError as error:  # whoever calls is told
            ready.set_exception(error)
            ready.exception()

    holding = asyncio.create_task(hold())
    try:
        yield ready
    finally:
        over.set()
        await holding


@asynccontextmanager
async def _way(
    settings: Settings, load: Callable[[], Engine], on_failure: Callable[[Exception], None]
) -> AsyncIterator[Way]:
    """Give the way to the server of the settings, or to an application of this process."""
    if settings.client.url:
        yield settings.client.url, None
        return
    create_app = await asyncio.to_thread(_create_app)
    with tempfile.TemporaryDirectory(prefix="firstcite-mcp-") as jobs:
        # Nothing is uploaded here, and unfinished jobs are those of the server that has begun them.
        server = msgspec.structs.replace(settings.server, host="127.0.0.1", jobs=jobs)
        app = create_app(msgspec.structs.replace(settings, server=server), load, on_failure)
        async with app.lifespan():
            yield _HERE, InProcess(app)


def _create_app() -> Callable[..., Litestar]:
    from api.app import create_app  # Haystack and torch: seconds, in which the protocol is spoken

    return create_app
