"""A silent stream gives signs of life, and ends what it waits for."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from rag.heartbeat import Heartbeat, beating


class Slow:
    """A stream that takes its time."""

    def __init__(self, *pauses: float) -> None:
        self.pauses = pauses
        self.closed = False

    async def stream(self) -> AsyncGenerator[int, None]:
        try:
            for i, pause in enumerate(self.pauses):
                await asyncio.sleep(pause)
                yield i
        finally:
            self.closed = True


@pytest.mark.anyio
async def test_silence_is_filled_and_nothing_is_lost() -> None:
    slow = Slow(0.0, 0.1, 0.0)
    found = [piece async for piece in beating(slow.stream(), every=0.03)]
    assert [piece for piece in found if not isinstance(piece, Heartbeat)] == [0, 1, 2]
    place = found.index(Heartbeat())
    assert found[:place] == [0]
    assert slow.closed


@pytest.mark.anyio
async def test_whoever_leaves_during_silence_ends_the_stream() -> None:
    slow = Slow(60.0)
    beats = beating(slow.stream(), every=0.01)
    assert await anext(beats) == Heartbeat()
    await beats.aclose()
    assert slow.closed


@pytest.mark.anyio
async def test_an_error_comes_through() -> None:
    async def failing() -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError("broken")

    beats = beating(failing())
    assert await anext(beats) == 1
    with pytest.raises(ValueError, match="broken"):
        await anext(beats)


def test_who_is_cancelled_twice_leaves_nothing_at_work() -> None:
    ended: list[str] = []

    async def slow() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0.05)
            ended.append("ended")

    async def run() -> None:
        async def listen() -> None:
            async for _ in beating(slow()):
                pass

        task = asyncio.create_task(listen())
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert ended == ["ended"]
