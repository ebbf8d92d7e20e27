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
                await _ended(following)
            try:
                piece = following.result()
            except StopAsyncIteration:
                return
            yield piece


async def _ended(task: "asyncio.Future[T]") -> None:
    """Cancel what is not done, and return when it is, however often that is interrupted.

    Whoever leaves may be cancelled more than once, and a stream at work cannot be closed.
    """
    interrupted: asyncio.CancelledError | None = None
    if not task.done():
        task.cancel()
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            interrupted = error
    if not task.cancelled():
        task.exception()  # is seen, also where whoever listens has just left
    if interrupted:
        raise interrupted
