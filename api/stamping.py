"""What every reply carries: the id of its request, and headers that keep browsers from guessing."""

import re
from collections.abc import Mapping
from uuid import uuid4

from litestar.datastructures import MutableScopeHeaders
from litestar.routes import HTTPRoute
from litestar.types import Message, Scope

REQUEST_ID = "x-request-id"
HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
"""Sent where a reply does not say otherwise: documents stay out of caches and frames."""

_POSSIBLE = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def request_id(scope: Scope) -> str:
    """Return the id of a request: that of its header X-Request-Id, or one made for it."""
    state = scope.setdefault("state", {})
    if REQUEST_ID not in state:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        state[REQUEST_ID] = given.decode() if _POSSIBLE.fullmatch(given) else uuid4().hex
    found: str = state[REQUEST_ID]
    return found


async def stamp(message: Message, scope: Scope) -> None:
    """Put them into a reply before it is sent, be it of a route or of an error."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    headers[REQUEST_ID] = request_id(scope)
    if scope.get("method") == "OPTIONS" and "allow" in headers:
        headers["allow"] = ", ".join(_methods(scope))  # Litestar tells those of the first handler
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


def _methods(scope: Scope) -> list[str]:
    """Return the methods of the path that was asked for."""
    asked = scope["path_template"]
    routes = (route for route in scope["litestar_app"].routes if isinstance(route, HTTPRoute))
    return sorted(
        {method for route in routes if route.path_format == asked for method in route.methods}
    )
