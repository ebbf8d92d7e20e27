"""Where a request ends, said once: what two programs read in two ways is refused."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Receive, Scope, Send

FRAMES = frozenset({b"content-length", b"transfer-encoding"})

_REFUSED: HTTPResponseStartEvent = {
    "type": "http.response.start",
    "status": 400,
    "headers": [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")],
}


def framed_once(app: ASGIApp) -> ASGIApp:
    """Return the application that refuses requests whose length is said in two ways.

    h11 takes one of them. A proxy before the server may take the other, and what is a body for one
    is the next request for the other (RFC 9112, 6.1).
    """

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and FRAMES.issubset(
            name for name, _ in scope["headers"]
        ):
            await send(_REFUSED)
            body = b"the length of the body is said in two ways: send one"
            await send({"type": "http.response.body", "body": body, "more_body": False})
        else:
            await app(scope, receive, send)

    return asked
