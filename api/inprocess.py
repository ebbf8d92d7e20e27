"""Requests to an application of this very process, streamed, and ended when nobody waits for them.

httpx's own transport of this kind gives a reply when all of it is there, so that nothing could be
told while an answer is made, and who leaves would not be noticed.
"""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any, TypeAlias

import httpx
from litestar.types import ASGIApp

from rag.spans import headers

Message: TypeAlias = MutableMapping[str, Any]


class InProcess(httpx.AsyncBaseTransport):
    """Carries requests to an application.

    Args:
        app: the application, whose lifespan somebody else runs.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the reply once it begins.

        Raises:
            ReadError: the application ended without one.
        """
        request.headers.update(headers())  # its trace goes on
        exchange = _Exchange(self._app, request)
        try:
            status, told = await exchange.begun()
        except BaseException:
            await exchange.aclose()
            raise
        return httpx.Response(status, headers=told, stream=exchange)


class _Exchange(httpx.AsyncByteStream):
    """A request and the pieces of its reply."""

    def __init__(self, app: ASGIApp, request: httpx.Request) -> None:
        self._request = request
        self._told: asyncio.Queue[Message | None] = asyncio.Queue(1)  # the application waits
        self._sent = self._whole = False
        self._gone = asyncio.Event()
        self._working = asyncio.create_task(self._work(app))

    async def begun(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Return the status and the headers of the reply."""
        message = await self._told.get()
        if message is None:
            raise self._broken()
        return message["status"], list(message["headers"])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._told.get()
            if message is None:
                raise self._broken()
            more = message.get("more_body", False)
            self._whole = not more
            if message.get("body"):
                yield message["body"]

    async def aclose(self) -> None:
        """Let the application see that nobody waits any more, and end what it still does."""
        self._gone.set()
        if not self._whole:
            self._working.cancel()

    async def _work(self, app: ASGIApp) -> None:
        request = self._request
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "server": (request.url.host, request.url.port or 80),
            "client": ("127.0.0.1", 0),
            "extensions": {},
        }
        try:
            await app(scope, self._receive, self._told.put)  # type: ignore[arg-type]
        finally:
            if not self._gone.is_set():
                await self._told.put(None)  # read by nobody where the reply is whole

    async def _receive(self) -> Message:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": await self._request.aread(), "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    def _broken(self) -> httpx.ReadError:
        return httpx.ReadError("the reply broke off", request=self._request)
