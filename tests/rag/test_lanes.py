"""A lane runs calls one by one on its thread; a batcher joins those that wait."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from rag.lanes import Batcher, Crew, Lane, apart

TASKS = Path("/proc/self/task")


class Press:
    """Doubles numbers; notes its batches, and stands still while `gate` is closed."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.started = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.started.set()
        assert self.gate.wait(10)
        if 13 in items:
            raise ValueError("13 does not fit")
        return [2 * item for item in items]

    async def hold(self, batcher: Batcher[int, int]) -> "asyncio.Task[Sequence[int]]":
        """Close the gate and send one request, which now occupies the lane."""
        self.gate.clear()
        task = asyncio.create_task(batcher.submit([0]))
        assert await asyncio.to_thread(self.started.wait, 10)
        return task


@pytest.fixture
async def lane() -> AsyncIterator[Lane]:
    lane = Lane("test")
    yield lane
    lane.close()


async def waiting(
    batcher: Batcher[int, int], *requests: list[int]
) -> "list[asyncio.Task[Sequence[int]]]":
    """Send requests that cannot run yet."""
    tasks = [asyncio.create_task(batcher.submit(request)) for request in requests]
    await asyncio.sleep(0)
    return tasks


async def outcomes(*tasks: "asyncio.Task[Sequence[int]]") -> list[list[int] | BaseException]:
    """Return what each task gave or raised; all within seconds, or a task hangs."""
    done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), timeout=5)
    return [one if isinstance(one, BaseException) else list(one) for one in done]


@pytest.mark.anyio
async def test_a_call_runs_on_the_lanes_thread_with_its_arguments(lane: Lane) -> None:
    def where(word: str, *, mark: str) -> tuple[str, str]:
        return word + mark, threading.current_thread().name

    said, thread = await lane.run(where, "hi", mark="!")
    assert said == "hi!"
    assert thread.startswith("test")


@pytest.mark.anyio
async def test_calls_run_one_at_a_time_in_the_order_in_which_they_were_made(lane: Lane) -> None:
    log: list[str] = []

    def call(name: str, seconds: float) -> None:
        log.append(f"{name} starts")
        time.sleep(seconds)
        log.append(f"{name} ends")

    await asyncio.gather(
        lane.run(call, "a", 0.02), lane.run(call, "b", 0.0), lane.run(call, "c", 0)
    )
    assert log == [f"{name} {what}" for name in "abc" for what in ("starts", "ends")]


@pytest.mark.anyio
async def test_the_event_loop_goes_on_while_a_call_runs(lane: Lane) -> None:
    gate = threading.Event()
    call = asyncio.create_task(lane.run(gate.wait, 10))
    await asyncio.sleep(0.01)  # would never come back if the call held the loop
    gate.set()
    assert await call


@pytest.mark.anyio
async def test_what_a_call_raises_comes_out(lane: Lane) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await lane.run(int, "x")
    assert await lane.run(int, "7") == 7  # the lane survives


@pytest.mark.anyio
async def test_closing_lets_the_running_call_finish_and_refuses_later_ones() -> None:
    lane, done = Lane("test"), threading.Event()

    def work() -> str:
        time.sleep(0.05)
        done.set()
        return "finished"

    running = asyncio.create_task(lane.run(work))
    await asyncio.sleep(0)
    lane.close()
    assert done.is_set()
    assert await running == "finished"
    with pytest.raises(RuntimeError, match="shutdown"):
        await lane.run(work)


@pytest.mark.anyio
async def test_a_call_that_waits_when_the_lane_closes_is_an_error_not_a_cancellation() -> None:
    lane, gate, ran = Lane("test"), threading.Event(), threading.Event()
    running = asyncio.create_task(lane.run(gate.wait, 10))
    waits = asyncio.create_task(lane.run(ran.set))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(lane.close))
    with pytest.raises(RuntimeError, match="closed before the call's turn"):
        await asyncio.wait_for(waits, timeout=2)
    gate.set()
    await closing
    assert await running
    assert not ran.is_set()


@pytest.mark.anyio
async def test_a_call_whose_caller_leaves_before_its_turn_never_runs(lane: Lane) -> None:
    gate, ran = threading.Event(), threading.Event()
    running = asyncio.create_task(lane.run(gate.wait, 10))
    waits = asyncio.create_task(lane.run(ran.set))
    await asyncio.sleep(0)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    gate.set()
    assert await running
    await lane.run(int)  # whatever waited has had its turn
    assert not ran.is_set()


@pytest.mark.anyio
async def test_a_lone_request_goes_at_once(lane: Lane) -> None:
    press = Press()
    assert list(await Batcher(lane, press).submit([1, 2, 3])) == [2, 4, 6]
    assert press.batches == [[1, 2, 3]]


@pytest.mark.anyio
async def test_requests_that_wait_are_joined_and_each_gets_its_own_in_order(lane: Lane) -> None:
    press = Press()
    batcher = Batcher(lane, press)
    first = await press.hold(batcher)
    others = await waiting(batcher, [1, 2], [3], [], [4, 5])
    press.gate.set()
    assert await outcomes(first, *others) == [
        [0],
        [2, 4],
        [6],
        [],
        [8, 10],
    ]
    assert press.batches == [[0], [1, 2, 3, 4, 5]]


@pytest.mark.anyio
async def test_a_batch_holds_at_most_the_limit(lane: Lane) -> None:
    press = Press()
    batcher = Batcher(lane, press, limit=3)
    first = await press.hold(batcher)
    others = await waiting(batcher, [1, 2], [3], [4], [5, 6], [7, 8])
    press.gate.set()
    await outcomes(first, *others)
    assert press.batches == [[0], [1, 2, 3], [4, 5, 6], [7, 8]]


@pytest.mark.anyio
async def test_a_request_larger_than_the_limit_goes_alone_and_whole(lane: Lane) -> None:
    press = Press()
    batcher = Batcher(lane, press, limit=3)
    first = await press.hold(batcher)
    others = await waiting(batcher, [1], [2, 3, 4, 5], [6])
    press.gate.set()
    results = await outcomes(first, *others)
    assert press.batches == [[0], [1], [2, 3, 4, 5], [6]]
    assert results[2] == [4, 6, 8, 10]


@pytest.mark.anyio
async def test_what_a_batch_raises_reaches_everyone_in_it_and_nobody_else(lane: Lane) -> None:
    press = Press()
    batcher = Batcher(lane, press, limit=2)
    first = await press.hold(batcher)
    others = await waiting(batcher, [1], [13], [2, 3])
    press.gate.set()
    results = await outcomes(first, *others)
    assert [str(r) if isinstance(r, ValueError) else r for r in results] == [
        [0],
        "13 does not fit",
        "13 does not fit",
        [4, 6],
    ]
    assert list(await batcher.submit([9])) == [18]  # the batcher survives


@pytest.mark.anyio
async def test_work_nobody_waits_for_any_more_is_dropped(lane: Lane) -> None:
    press = Press()
    batcher = Batcher(lane, press)
    first = await press.hold(batcher)
    gone, stays = await waiting(batcher, [1, 2], [3])
    gone.cancel()
    await asyncio.sleep(0)
    press.gate.set()
    assert await outcomes(first, stays) == [[0], [6]]
    assert press.batches == [[0], [3]]
    assert gone.cancelled()


@pytest.mark.anyio
async def test_a_waiter_that_leaves_while_its_batch_runs_does_not_disturb_the_others(
    lane: Lane,
) -> None:
    press = Press()
    batcher = Batcher(lane, press)
    first = await press.hold(batcher)
    (second,) = await waiting(batcher, [1])
    first.cancel()
    await asyncio.sleep(0)
    press.gate.set()
    assert await outcomes(second) == [[2]]
    assert first.cancelled()


@pytest.mark.anyio
async def test_two_batchers_share_a_lane(lane: Lane) -> None:
    press, other = Press(), Press()
    results = await asyncio.gather(
        Batcher(lane, press).submit([1]), Batcher(lane, other).submit([2])
    )
    assert [list(r) for r in results] == [[2], [4]]


@pytest.mark.anyio
async def test_nobody_waits_for_ever_when_the_lane_closes() -> None:
    lane, press, other = Lane("test"), Press(), Press()
    held = await press.hold(Batcher(lane, press))
    queued = Batcher(lane, other)
    (running, late) = await waiting(queued, [1], [2])
    await asyncio.sleep(0.01)  # its batch stands in the lane's queue
    (later,) = await waiting(queued, [3])
    closing = asyncio.create_task(asyncio.to_thread(lane.close))
    await asyncio.sleep(0.01)
    press.gate.set()
    await closing
    assert await outcomes(held) == [[0]]
    assert [type(one) for one in await outcomes(running, late, later)] == [RuntimeError] * 3
    assert other.batches == []


def test_a_batcher_outlives_an_event_loop() -> None:
    # Haystack's synchronous run opens a loop per component.
    lane, press = Lane("test"), Press()
    batcher = Batcher(lane, press)
    assert [list(asyncio.run(batcher.submit([n]))) for n in (1, 2)] == [[2], [4]]
    lane.close()


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew("crew", 3, lambda: None)
    yield crew
    crew.close()


def test_a_crew_calls_once_for_each_item(crew: Crew) -> None:
    seen: list[int] = []
    crew.map(seen.append, range(100))
    assert sorted(seen) == list(range(100))


def test_a_crew_works_side_by_side(crew: Crew) -> None:
    everyone = threading.Barrier(3)
    crew.map(lambda _: everyone.wait(timeout=10), range(3))


def test_every_thread_of_a_crew_is_prepared_once_and_before_its_first_item() -> None:
    prepared: list[int] = []
    crew = Crew("crew", 4, lambda: prepared.append(threading.get_ident()))
    assert len(set(prepared)) == len(prepared) == 4
    used: set[int] = set()
    crew.map(lambda _: used.add(threading.get_ident()), range(100))
    crew.close()
    assert used <= set(prepared)
    assert len(prepared) == 4


def test_a_crew_raises_what_an_item_raised_and_works_on(crew: Crew) -> None:
    with pytest.raises(ZeroDivisionError):
        crew.map(lambda i: 1 // i, [1, 0, 2])
    crew.map(lambda i: 1 // i, [1, 2])


def test_what_is_urgent_goes_before_what_waits() -> None:
    crew, go_on, done = Crew("crew", 1, lambda: None), threading.Event(), list[str]()

    async def run() -> None:
        begun = asyncio.create_task(crew.spread(lambda _: go_on.wait(10), [0]))
        await asyncio.sleep(0)
        waits = asyncio.create_task(crew.spread(done.append, ["a", "b"]))
        await asyncio.sleep(0)
        urgent = asyncio.create_task(crew.spread(done.append, ["now"], urgent=True))
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(begun, waits, urgent)

    asyncio.run(run())
    crew.close()
    assert done == ["now", "a", "b"]


@pytest.mark.parametrize("how", ["cancelled", "closed"])
def test_what_nobody_waits_for_any_more_is_not_done(how: str) -> None:
    crew, go_on, done = Crew("crew", 1, lambda: None), threading.Event(), list[int]()

    def work(i: int) -> None:
        go_on.wait(10)
        done.append(i)

    async def run() -> None:
        waits = asyncio.create_task(crew.spread(work, range(5)))
        await asyncio.sleep(0.05)
        if how == "cancelled":
            waits.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waits
            go_on.set()
        else:
            threading.Timer(0.1, go_on.set).start()
            await asyncio.to_thread(crew.close)
            with pytest.raises(RuntimeError, match="closed"):
                await waits

    asyncio.run(run())
    crew.close()
    assert done == [0]


def test_apart_returns_and_raises_what_the_call_does() -> None:
    assert apart(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        apart(divmod, 7, 0)


@pytest.mark.skipif(not TASKS.exists(), reason="only Linux lists its threads")
def test_apart_leaves_no_workers_of_openmp_behind() -> None:
    """More of them than cores would sleep between two operations of a model."""
    program = f"""
import os, time, torch
from rag.lanes import apart
def threads():
    torch.ones(2000, 2000).cos().sum()
    return len(os.listdir("{TASKS}"))
before = len(os.listdir("{TASKS}"))
print(apart(threads) - before)
for _ in range(100):  # the kernel takes a moment to clear them away
    if len(os.listdir("{TASKS}")) > before:
        time.sleep(0.05)
print(len(os.listdir("{TASKS}")) - before)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "OMP_NUM_THREADS": "2"},  # whatever the tests themselves may use
        check=True,
        capture_output=True,
        text=True,
    )
    within, after = map(int, ran.stdout.split())
    assert within == 2  # its own thread, and a worker for the second
    assert after == 0
