"""Stages that overlap: each works ahead of the one it feeds, as far as its queue is long."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def ahead(source: AsyncGenerator[T, None], depth: int) -> AsyncIterator[AsyncIterator[T]]:
    """Yield the source's items, up to `depth` of them made before they are asked for.

    An error of the source is raised where its item would have come, after all items before it.
    Leaving ends the source.
    """
    queue: asyncio.Queue[T | BaseException | None] = asyncio.Queue(depth)

    async def work() -> None:
        try:
            async for item in source:
                await queue.put(item)
        except Exception as error:  # noqa: BLE001 - it is raised where the items are taken
            await queue.put(error)
        else:
            await queue.put(None)

    async def items() -> AsyncIterator[T]:
        while (item := await queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    task = asyncio.create_task(work())
    try:
        yield items()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.aclose()
