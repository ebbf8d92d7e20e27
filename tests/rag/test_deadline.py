"""An inner deadline never outlives the outer one, and everyone can ask what is left."""

import asyncio
import math

import pytest

from rag.deadline import remaining, within
from rag.errors import DeadlineExceeded

pytestmark = pytest.mark.anyio


async def test_without_a_deadline_there_is_all_the_time() -> None:
    assert remaining() == math.inf
    async with within(math.inf):
        assert remaining() == math.inf


async def test_what_is_left_shrinks_and_the_outer_deadline_comes_back() -> None:
    async with within(100):
        async with within(10):
            assert 9 < remaining() <= 10
        assert 99 < remaining() <= 100
    assert remaining() == math.inf


async def test_an_inner_deadline_never_outlives_the_outer_one() -> None:
    async with within(10), within(1_000):
        assert remaining() <= 10


async def test_when_the_time_is_over_work_is_cancelled_and_the_error_is_ours() -> None:
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    with pytest.raises(DeadlineExceeded, match=r"0.01 s"):
        async with within(0.01):
            await work()
    assert cancelled.is_set()
    assert remaining() == math.inf


async def test_a_timeout_of_somebody_inside_is_theirs() -> None:
    with pytest.raises(TimeoutError):
        async with within(60):
            raise TimeoutError("theirs")


async def test_a_cancellation_stays_a_cancellation() -> None:
    async def work() -> None:
        async with within(60):
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_tasks_do_not_share_deadlines() -> None:
    async def mine(seconds: float) -> float:
        async with within(seconds):
            await asyncio.sleep(0.001)
            return remaining()

    short, long = await asyncio.gather(mine(5), mine(50))
    assert short <= 5 < 49 < long
