"""Connections: how many there are, and for how long each may keep the server waiting.

uvicorn waits without end for the rest of a request, and until a client reads what it was sent. Here
a client may be slow but not silent: it has so many seconds, spends them while it is waited for, and
gets a second back for every 500 bytes that it sends or reads, as Apache's mod_reqtimeout has it. So
a large upload over a slow line goes through, and a byte now and then does not keep a connection.

A large body that is refused is not read. Its reply says that the connection ends, which stays open
a while for what the client is still sending: closed at once, the reply would be lost with it.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import h11
from litestar.types import Message, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from rag.values import Frozen

RATE = 500  # bytes a second
LOOKED_S = 1.0  # chosen: how often it is looked at
SMALL = 1 << 16  # bytes of a refused body that are read to its end
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n"
    b"retry-after: 2\r\nconnection: close\r\n\r\n"
    b'{"status":503,"type":"about:blank","title":"Service Unavailable",'
    b'"detail":"too many connections (server.max_connections): try again soon"}'
)


@dataclass(frozen=True, slots=True)
class Limits(Frozen):
    """How many connections there may be, and the seconds that each has for being silent."""

    connections: int = 2_048
    patience_s: float = 30.0


class PatientProtocol(H11Protocol):
    """A connection that ends when its client is silent for too long.

    Where there is no room for another one, the connection that has been idle longest makes it.
    """

    limits = Limits()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._left_s = self.limits.patience_s
        self._unread = 0  # bytes that the client had not taken when it was last looked at
        self._idle_since = self.loop.time()
        self._lingers = False
        self._answer, self.app = self.app, self._refusing
        self._looking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless all others are at work."""
        if len(self.connections) >= self.limits.connections and not self._made_room():
            self.transport = transport
            transport.write(_FULL)
            transport.close()
            return
        super().connection_made(transport)
        self._looking = self.loop.call_later(LOOKED_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._looking:
            self._looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Go on with the request; what comes of one that was refused is not even read."""
        if self._lingers:
            return
        self._earn(len(data))
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._idle_since = self.loop.time()

    async def _refusing(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and say so where the rest of the body is not going to be read."""
        cycle = self.cycle

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and self._unwanted():
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
                self._lingers = True
                cycle.transport = _HalfOpen(self.transport)  # type: ignore[assignment]
            await send(message)

        await self._answer(scope, receive, told)

    def _unwanted(self) -> bool:
        """Whether the body is answered before it is there, and too large to be read in vain."""
        return self.conn.their_state is h11.SEND_BODY and not _small(self.headers)

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        asked = self.scope is not None
        return not asked or self.cycle.response_complete

    def _made_room(self) -> bool:
        idle = [one for one in self.connections if isinstance(one, PatientProtocol) and one.idle]
        if not idle:
            return False
        # Who never asked anything goes first.
        longest = min(idle, key=lambda one: (one.scope is not None, one._idle_since))  # noqa: SLF001 - of the same class
        longest.transport.abort()
        self.connections.discard(longest)
        return True

    def _look(self) -> None:
        """Take a second from a client that is waited for."""
        self._looking = self.loop.call_later(LOOKED_S, self._look)
        unread = self.transport.get_write_buffer_size()
        if unread and (self.flow.write_paused or self.transport.is_closing()):
            self._earn(max(0, self._unread - unread))
            self._left_s -= LOOKED_S
        elif self._listens():
            self._left_s -= LOOKED_S
        else:
            self._left_s = self.limits.patience_s
        self._unread = unread
        if self._left_s <= 0:
            self.transport.abort()

    def _listens(self) -> bool:
        """Whether it is the client's turn to send."""
        if self.flow.read_paused:
            return False
        if self.conn.their_state is h11.SEND_BODY:
            return not self.cycle.waiting_for_100_continue
        return self.conn.their_state is h11.IDLE

    def _earn(self, n: int) -> None:
        self._left_s = min(self.limits.patience_s, self._left_s + n / RATE)


class _HalfOpen:
    """A transport whose closing ends what is sent alone; uvicorn's time for idle ones ends it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.write, self.is_closing = transport.write, transport.is_closing

    def close(self) -> None:
        """Say that no more will be sent."""
        if not self.is_closing():
            self._transport.write_eof()


def _small(headers: list[tuple[bytes, bytes]]) -> bool:
    """Return whether a body says that it is small."""
    length = next((value for name, value in headers if name == b"content-length"), b"")
    return length.isdigit() and int(length) <= SMALL
