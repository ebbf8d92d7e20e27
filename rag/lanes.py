"""Lanes: the one place that knows about threads.

A compute adapter (torch, Qdrant Edge) is not safe to call from many threads and must not block the
event loop. A `Lane` is one thread that runs its calls one after another; a `Batcher` joins the
requests that arrive while that thread is busy into one call; a `Crew` spreads calls over the
cores; `apart` keeps what a call leaves behind in its thread away from all others.
"""

import asyncio
import heapq
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
In = TypeVar("In")
Out = TypeVar("Out")


class Lane:
    """One thread; calls run in the order in which they were made."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, call: Callable[P, Out], *args: P.args, **kwargs: P.kwargs) -> Out:
        """Run the call on the lane's thread and return its result, or raise what it raised.

        A call whose caller is cancelled before its turn never runs.

        Raises:
            RuntimeError: the lane was closed before the call's turn.
        """
        task = asyncio.current_task()
        try:
            return await asyncio.wrap_future(self._executor.submit(call, *args, **kwargs))
        except asyncio.CancelledError:
            if task is not None and task.cancelling():
                raise
            # `close` dropped the call; for the caller, who was not cancelled, that is an error.
            raise RuntimeError("the lane was closed before the call's turn") from None

    def close(self) -> None:
        """Let the running call finish, drop the waiting ones, and end the thread."""
        self._executor.shutdown(wait=True, cancel_futures=True)


class Crew:
    """Threads that share work: whoever is free takes what is urgent, else what waits longest.

    For work that releases the interpreter. `prepare` runs once on each thread, and all threads are
    there when the constructor returns.
    """

    def __init__(self, name: str, size: int, prepare: Callable[[], object]) -> None:
        self.size = size
        self._executor = ThreadPoolExecutor(size, name, initializer=prepare)
        self._waiting: list[tuple[bool, int, Future[Any], Callable[[], object]]] = []
        self._numbers = count()
        self._lock = threading.Lock()
        everyone = threading.Barrier(size, timeout=60)
        self.map(lambda _: everyone.wait(), range(size))  # a thread that waits takes no second one

    def map(
        self, call: Callable[[In], Out], items: Iterable[In], *, urgent: bool = False
    ) -> list[Out]:
        """Call once for each item; return the results in order, or raise what the first raised."""
        futures = [self._submit(partial(call, item), urgent) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    async def spread(
        self, call: Callable[[In], Out], items: Iterable[In], *, urgent: bool = False
    ) -> list[Out]:
        """Do the same while the event loop goes on; whoever is cancelled takes back what waits.

        Raises:
            RuntimeError: the crew was closed before the turn of one of the calls.
        """
        futures = [self._submit(partial(call, item), urgent) for item in items]
        try:
            return [await asyncio.wrap_future(future) for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """Let the running calls finish, drop the waiting ones, and end the threads."""
        with self._lock:
            dropped, self._waiting = self._waiting, []
        for _, _, future, _ in dropped:
            if future.set_running_or_notify_cancel():
                future.set_exception(RuntimeError("the crew was closed before the call's turn"))
        self._executor.shutdown()

    def _submit(self, call: Callable[[], Out], urgent: bool) -> "Future[Out]":
        future: Future[Out] = Future()
        with self._lock:
            heapq.heappush(self._waiting, (not urgent, next(self._numbers), future, call))
        self._executor.submit(self._next)
        return future

    def _next(self) -> None:
        """Do what comes first now, which need not be what this turn was asked for."""
        with self._lock:
            if not self._waiting:
                return
            _, _, future, call = heapq.heappop(self._waiting)
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            future.set_exception(error)


def apart(call: Callable[P, Out], *args: P.args, **kwargs: P.kwargs) -> Out:
    """Return what a call returns, made on a thread that ends with it.

    OpenMP gives every thread that computes workers of its own, for as long as that thread lives.
    Where there are more of them than cores, all of them sleep between two operations instead of
    waiting awake, and each operation takes 50 µs longer: a model that was loaded on one thread and
    reads on another needs 1.5 times as long. So what loads models does it apart.
    """
    with ThreadPoolExecutor(1, "apart") as executor:
        return executor.submit(call, *args, **kwargs).result()


class Batcher(Generic[In, Out]):
    """Joins concurrent requests for the same lane into one call that weighs at most `limit`.

    `call` maps a list of items to as many results, in order. A request that weighs more than the
    limit goes alone. Nobody waits for a batch to fill: what is there when the lane is free, goes.
    """

    def __init__(
        self,
        lane: Lane,
        call: Callable[[Sequence[In]], Sequence[Out]],
        limit: int = 256,
        weigh: Callable[[Sequence[In]], int] = len,
    ) -> None:
        self._lane = lane
        self._call = call
        self._limit = limit
        self._weigh = weigh
        self._waiting: list[tuple[Sequence[In], asyncio.Future[Sequence[Out]]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, items: Sequence[In]) -> Sequence[Out]:
        """Return the results for these items, or raise what the joined call raised."""
        future: asyncio.Future[Sequence[Out]] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        while batch := self._take():
            items = [item for request, _ in batch for item in request]
            try:
                results = await self._lane.run(self._call, items)
            except Exception as error:  # noqa: BLE001 - handed to everyone who waits for it
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            offset = 0
            for request, future in batch:
                if not future.done():
                    future.set_result(results[offset : offset + len(request)])
                offset += len(request)

    def _take(self) -> list[tuple[Sequence[In], asyncio.Future[Sequence[Out]]]]:
        """Take waiting requests up to the limit, at least one; forget those nobody waits for."""
        batch: list[tuple[Sequence[In], asyncio.Future[Sequence[Out]]]] = []
        size = 0
        while self._waiting:
            request, future = self._waiting[0]
            if future.done():
                self._waiting.pop(0)
                continue
            weight = self._weigh(request)
            if batch and size + weight > self._limit:
                break
            batch.append(self._waiting.pop(0))
            size += weight
        return batch
