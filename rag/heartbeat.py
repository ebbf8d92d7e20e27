"""Signs of life while a stream is silent."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from rag.values import Frozen

T = TypeVar("T")

EVERY = 15.0  # seconds: proxies close what is silent for 30 and more


@dataclass(frozen=True, slots=True)
class Heartbeat(Frozen):
    """Nothing new; whoever makes the events is still at work."""


async def beating(
    source: AsyncGenerator[T, None], every: float = EVERY
) -> AsyncGenerator[T | Heartbeat, None]:
    """Yield what a stream yields, and a heartbeat after every so many seconds of silence.

    Leaving the loop cancels what the stream waits for, and closes it.
    """
    async with aclosing(source):
        while True:
            following = asyncio.ensure_future(anext(source))
            try:
                while not (await asyncio.wait({following}, timeout=every))[0]:
                    yield Heartbeat()
            finally:
                if not following.done():
                    following.cancel()
                    await asyncio.wait({following})
                elif not following.cancelled():
                    following.exception()  # is seen, also where whoever listens has just left
            try:
                piece = following.result()
            except StopAsyncIteration:
                return
            yield piece
