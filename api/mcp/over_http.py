"""`/mcp`: the tools over streamable HTTP, as a route of the application whose routes they ask.

Replies stream on the request that they belong to; there is no stream beside (GET is refused, which
the protocol allows), for nothing ever comes unasked, and it would keep a server from ending.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import uuid4

from litestar import Litestar
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler, BaseRouteHandler, asgi
from litestar.types import ASGIApp, Guard, Message, Receive, Scope, Send

from api.client_loop import AsyncClient
from api.guarding import OPEN, Connection, presented
from api.inprocess import InProcess
from rag.errors import Forbidden

PATH = "/mcp"
SESSION = b"mcp-session-id"
VERSION = b"mcp-protocol-version"  # sent from the second request on, until 2025; then always
_HERE = "http://127.0.0.1"


class OverHTTP:
    """The route, and what it needs while the application runs.

    Args:
        known: lets through whoever the server knows; what they may is asked by the routes.
        most: bytes of a request.
    """

    def __init__(self, known: Guard, most: int) -> None:
        self._known, self._most = known, most
        self._answer: ASGIApp | None = None

    @asynccontextmanager
    async def lifespan(self, app: Litestar) -> AsyncIterator[None]:
        """Take requests while the application runs."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from api.mcp.server import Context, make_server  # pydantic and starlette: half a second

        routes = InProcess(app)

        async def connect(context: Context) -> AsyncClient:
            key = presented(context.request.headers) if context.request else ""
            return AsyncClient(_HERE, key, transport=routes)

        manager = StreamableHTTPSessionManager(
            make_server(connect), stateless=True, max_request_body_size=self._most
        )
        async with manager.run():
            self._answer = manager.handle_request  # type: ignore[assignment]
            yield

    def route(self) -> ASGIRouteHandler:
        """Return the route."""

        @asgi(PATH, opt={OPEN: True}, guards=[self._known, same_origin], copy_scope=True)
        async def mcp(scope: Scope, receive: Receive, send: Send) -> None:
            """Answer a request of the protocol."""
            if scope["type"] != ScopeType.HTTP or scope["method"] != "POST" or not self._answer:
                await send({"type": "http.response.start", "status": 405, "headers": _ONLY_POST})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            await self._answer(scope, receive, _in_session(scope, send))

        return mcp


def same_origin(connection: Connection, _: BaseRouteHandler) -> None:
    """Refuse what a page of another site sends, as the protocol demands.

    Raises:
        Forbidden: it comes from such a page.
    """
    origin = connection.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != connection.headers.get("host"):
        raise Forbidden(
            f"requests of pages are answered only where the page is of this server, and this one "
            f"is of '{origin[:100]}': send none through a browser"
        )


_ONLY_POST = [(b"allow", b"POST"), (b"content-length", b"0")]


def _in_session(scope: Scope, send: Send) -> Send:
    """Return a way to send that names a session to clients which begin as protocols of before do.

    They name it again in every request, by which one can take back another (`api.mcp.server`).
    """
    given = {name for name, _ in scope["headers"]}
    if SESSION in given or VERSION in given:
        return send

    async def naming(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableScopeHeaders.from_message(message)[SESSION.decode()] = uuid4().hex
        await send(message)

    return naming
