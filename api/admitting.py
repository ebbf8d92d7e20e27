"""Who is let in, for how long, and until when: no request waits where nothing can be done for it.

Requests are of two kinds, for a question that a language model is at work on for minutes must not
keep searches waiting: those that only search, and those that may write (`heavy` routes). Of each a
number is under way at most; more are told to come back (429). A request may say how long it wants
to wait (X-Request-Timeout, seconds), and who goes away is no longer worked for.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass

from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.guarding import HEAVY, OPEN
from rag.deadline import within
from rag.errors import BadInput, Overloaded

TIMEOUT = b"x-request-timeout"

_LONGEST_S = 3_600.0


@dataclass(slots=True)
class Gate:
    """Lets so many through at a time."""

    name: str
    most: int
    inside: int = 0

    def enter(self) -> None:
        """Let one in.

        Raises:
            Overloaded: it is full.
        """
        if self.inside >= self.most:
            raise Overloaded(
                f"{self.inside} requests are under way, {self.name} is {self.most}: try again soon"
            )
        self.inside += 1

    def leave(self) -> None:
        """Let one out."""
        self.inside -= 1


class Admitting(ASGIMiddleware):
    """Stands before every route but the open ones.

    Args:
        light: lets in those that only search.
        heavy: lets in those that may write.
    """

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = OPEN

    def __init__(self, light: Gate, heavy: Gate) -> None:
        self._light, self._heavy = light, heavy

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let a request in, and end it in time.

        Raises:
            Overloaded: there is no room.
            BadInput: it says a time that is none.
            DeadlineExceeded: its time was over.
        """
        gate = self._heavy if _handler(scope).opt.get(HEAVY) else self._light
        seconds = _seconds(scope)
        gate.enter()
        try:
            async with within(seconds):
                await _unless_gone(scope, receive, send, next_app)
        finally:
            gate.leave()


def _handler(scope: Scope) -> BaseRouteHandler:
    handler: BaseRouteHandler = scope["route_handler"]
    return handler


def _seconds(scope: Scope) -> float:
    given = next((value for name, value in scope["headers"] if name == TIMEOUT), None)
    if given is None:
        return math.inf
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST_S:
        raise BadInput(
            f"X-Request-Timeout is {given[:40]!r}: send seconds, more than 0 and at most "
            f"{_LONGEST_S:g}"
        )
    return seconds


async def _unless_gone(scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
    """Answer, or stop when the client goes away: no server does it for us."""
    read = asyncio.Event()

    async def listening() -> Message | Mapping[str, object]:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            read.set()
        return message

    async def left() -> None:
        await read.wait()  # until then the handler listens
        while (await receive())["type"] != "http.disconnect":
            pass

    working = asyncio.ensure_future(app(scope, listening, send))  # type: ignore[arg-type]
    leaving = asyncio.ensure_future(left())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.wait({working, leaving})
