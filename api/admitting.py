"""Who is let in, for how long, and until when: no request waits where nothing can be done for it.

Requests are of two kinds, for a question that a language model is at work on for minutes must not
keep searches waiting: those that only search, and those that may write (`heavy` routes). Of each a
number is under way at most; more are told to come back (429). A request may say how long it wants
to wait (X-Request-Timeout, seconds), and who goes away is no longer worked for.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.guarding import HEAVY, OPEN, WAITING
from rag.deadline import within
from rag.errors import BadInput, Overloaded

TIMEOUT = b"x-request-timeout"
SENT = frozenset({"POST", "PUT"})
"""Methods of requests with a body: they count once that is there."""

_LONGEST_S = 3_600.0


@dataclass(slots=True)
class Gate:
    """Lets so many through at a time."""

    name: str
    most: int
    inside: int = 0

    def check(self) -> None:
        """Pass while there is room.

        Raises:
            Overloaded: it is full.
        """
        if self.inside >= self.most:
            raise Overloaded(
                f"{self.inside} requests are under way, {self.name} is {self.most}: try again soon"
            )

    def enter(self) -> None:
        """Let one in.

        Raises:
            Overloaded: it is full.
        """
        self.check()
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
        seconds = _seconds(scope)
        handler = _handler(scope)
        gate = self._heavy if handler.opt.get(HEAVY) else self._light
        place = _Place(None if handler.opt.get(WAITING) else gate)
        # Who sends slowly must not take a place from those whose requests are there.
        place.check() if SENT & handler.http_methods else place.take()
        try:
            async with within(seconds):
                await _unless_gone(scope, receive, send, next_app, place.take)
        finally:
            place.leave()


class _Place:
    """A request's place behind a gate, if it needs one."""

    def __init__(self, gate: Gate | None) -> None:
        self._gate, self._taken = gate, False

    def check(self) -> None:
        """Pass while there is one.

        Raises:
            Overloaded: there is none.
        """
        if self._gate:
            self._gate.check()

    def take(self) -> None:
        """Take it.

        Raises:
            Overloaded: there is none.
        """
        if self._gate:
            self._gate.enter()
            self._taken = True

    def leave(self) -> None:
        """Leave it, if it was taken."""
        if self._gate and self._taken:
            self._gate.leave()


def _handler(scope: Scope) -> HTTPRouteHandler:
    return cast("HTTPRouteHandler", scope["route_handler"])  # `scopes` lets nothing else come here


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


async def _unless_gone(
    scope: Scope, receive: Receive, send: Send, app: ASGIApp, whole: Callable[[], None]
) -> None:
    """Answer, or stop when the client goes away: no server does it for us.

    `whole` is called when the request is there, and may refuse it.
    """
    read = asyncio.Event()

    async def listening() -> Message | Mapping[str, object]:
        message = await receive()
        if read.is_set():
            return message
        if message["type"] == "http.disconnect":
            read.set()
            await asyncio.Event().wait()  # half a request is nobody's fault: `left` ends it
        elif not message.get("more_body"):
            read.set()
            whole()
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
