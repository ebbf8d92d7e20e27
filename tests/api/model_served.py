"""A language model behind its own HTTP server, in the test's event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from api.listening import server_of
from api.model_server import create_model_app
from rag.llms.local import LocalLLM
from rag.llms.remote import RemoteLLM, connect


@asynccontextmanager
async def serving_app(app: Litestar) -> AsyncIterator[str]:
    """Serve an application on a free loopback port and give its address."""
    server = server_of(app, drain_s=5)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - milliseconds
            await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def behind_server(llm: LocalLLM) -> AsyncIterator[RemoteLLM]:
    """Serve a model and give the remote model that talks to it."""
    async with serving_app(create_model_app(llm)) as url:
        remote = await connect(url, retries=0)
        try:
            yield remote
        finally:
            await remote.close()
