"""Jobs at work: as tasks of this process, one after another in a collection."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from api.jobs.job import Advance, Counts, Job, Kind
from api.jobs.shelf import Desk, Shelf, now
from api.problems import problem, problem_body, unexpected
from rag.errors import Overloaded, RagError, Unavailable
from rag.spans import apart
from rag.wiring import Engine

Advancing: TypeAlias = Callable[[Advance], None]
Work: TypeAlias = Callable[[Engine, Job, Path, Path, Advancing], Awaitable[Counts]]
"""Does a job, of what was sent in the first file, and writes line by line what became of it into
the second one."""

SAVED_S = 1.0  # chosen: progress on disk is at most so old
SWEPT_S = 60.0  # chosen: how often old jobs are deleted, and abandoned ones found
_POLL_S = 0.2
ENDED_S = 5.0  # chosen: how long whoever is at work in a job is given to end it

_log = logging.getLogger("firstcite.jobs")


class Runner:
    """Begins jobs, goes on with those that another process left, and tells how far they are.

    Args:
        shelf: where they are kept.
        work: does the jobs of each kind.
        most: so many may be unfinished; further ones are refused.
        on_change: is told how many are.
    """

    def __init__(
        self,
        shelf: Shelf,
        work: Mapping[Kind, Work],
        most: int,
        on_change: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._shelf, self._work, self._most = shelf, work, most
        self._on_change = on_change
        self._live: dict[str, _Live] = {}
        self._coming = 0
        self._sweeping: asyncio.Task[None] | None = None

    def open(self, engine: Engine) -> None:
        """Go on with what was left unfinished, now and whenever another process ends."""
        self._sweeping = asyncio.create_task(self._sweep(engine))

    async def close(self) -> None:
        """Stop every job where it is: whoever begins anew goes on with it."""
        tasks = [live.task for live in self._live.values() if live.task]
        tasks += [self._sweeping] if self._sweeping else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._shelf.close()

    def admit(self) -> None:
        """Pass while there is room for another job.

        Raises:
            Overloaded: there is none.
        """
        waiting = len(self._live) + self._coming
        if waiting >= self._most:
            raise Overloaded(
                f"{waiting} jobs are waiting, server.max_jobs is {self._most}: try again "
                "when some are done"
            )

    @contextmanager
    def room(self) -> Iterator[None]:
        """Hold the room of a job that is being received.

        Raises:
            Overloaded: there is none.
        """
        self.admit()
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def begin(self, job: Job, engine: Engine) -> None:
        """Begin a job that was kept, unless it is over or somebody is at work in it."""
        if not job.over and job.job_id not in self._live:
            live = self._live[job.job_id] = _Live(job)
            live.task = asyncio.create_task(self._run(live, engine))
            self._on_change(len(self._live))

    async def get(self, job_id: str) -> Job:
        """Return how far a job is.

        Raises:
            JobNotFound: there is none of that id.
        """
        live = self._live.get(job_id)
        return live.job if live else await self._shelf.read(job_id)

    async def all(self) -> list[Job]:
        """Return every job, the newest first."""
        kept = await self._shelf.all()
        return [self._live[job.job_id].job if job.job_id in self._live else job for job in kept]

    async def cancel(self, job_id: str) -> Job:
        """End a job, whoever is at work in it; what it has written stays.

        Raises:
            JobNotFound: there is none of that id.
        """
        job = await self._shelf.read(job_id)
        if not job.over:
            await self._shelf.give_up(job_id)
        if (live := self._live.get(job_id)) is not None and live.task is not None:
            live.give_up()
            await asyncio.wait([live.task])
        ends = asyncio.get_running_loop().time() + ENDED_S
        while not (job := await self._shelf.read(job_id)).over:
            async with self._shelf.desk(job_id) as desk:
                if desk is not None and not desk.job.over:  # nobody is at work in it
                    await self._shelf.write(replace(desk.job, state="cancelled", ended=now()))
            if asyncio.get_running_loop().time() > ends:
                break
            await asyncio.sleep(0 if desk else _POLL_S)
        return job

    async def wait(self, job_id: str, seconds: float) -> Job:
        """Return how far a job is, as soon as it goes on, is over, or the time is.

        Raises:
            JobNotFound: there is none of that id.
        """
        live = self._live.get(job_id)
        if live is None:
            job = await self._shelf.read(job_id)
            if not job.over:  # of another process
                await asyncio.sleep(min(seconds, SAVED_S))
            return job
        with suppress(TimeoutError):
            await asyncio.wait_for(live.moved.wait(), seconds)
        return live.job

    async def lines(self, job_id: str) -> AsyncGenerator[bytes, None]:
        """Yield what became of a job line by line, as it is written, until the job is over.

        Raises:
            JobNotFound: there is none of that id.
        """
        offset = 0
        while True:
            job = await self.get(job_id)
            while piece := await self._shelf.lines(job_id, offset):
                offset += len(piece)
                yield piece
            if job.over:
                return
            await self.wait(job_id, SAVED_S)

    async def _sweep(self, engine: Engine) -> None:
        while True:
            try:
                await self._shelf.sweep()
                for job in reversed(await self._shelf.all()):  # the oldest first
                    if job.kind in self._work:
                        self.begin(job, engine)
            except (OSError, Unavailable):
                _log.exception("jobs cannot be looked for")
            await asyncio.sleep(SWEPT_S)

    async def _run(self, live: "_Live", engine: Engine) -> None:
        job = live.job
        about = {"firstcite.job.id": job.job_id, "firstcite.collection": job.collection}
        try:
            async with self._shelf.desk(job.job_id) as desk:
                if desk is not None and not desk.job.over:
                    live.move(desk.job)
                    with apart(f"job {job.kind}", about) as span:
                        await self._at(desk, live, engine)
                        span.note({"firstcite.job.state": live.job.state})
                        if live.job.error:
                            span.failed(live.job.error.type.rpartition(":")[2])
        except (OSError, Unavailable):
            _log.exception("job %s: what is known of it cannot be written", live.job.job_id)
        finally:
            del self._live[live.job.job_id]
            self._on_change(len(self._live))
            live.moved.set()

    async def _at(self, desk: Desk, live: "_Live", engine: Engine) -> None:
        """Do a job, and tell everybody once in a while how far it is."""
        await self._turn(live, state="running", began=live.job.began or now(), error=None)
        ended = asyncio.Event()
        telling = asyncio.create_task(self._tell(desk, live, ended))
        try:
            changes = await self._do(desk, live, engine)
        finally:
            # Not cancelled: what a thread or a Redis was given to write would come after the end.
            ended.set()
            await asyncio.wait([telling])
        await desk.publish()  # before it is over: who reads them stops then
        await self._turn(live, **changes)

    async def _do(self, desk: Desk, live: "_Live", engine: Engine) -> dict[str, object]:
        """Return what is known of a job when it is over."""
        if not live.begins():
            return {"state": "cancelled", "ended": now()}
        try:
            work = self._work[live.job.kind]
            result = await work(engine, live.job, await desk.fetch(), desk.lines, live.advance)
        except asyncio.CancelledError:
            if not live.unwanted:
                raise
            return {"state": "cancelled", "ended": now()}
        except RagError as error:
            return {"state": "failed", "ended": now(), "error": problem_body(problem(error))}
        except Exception as error:  # noqa: BLE001 - the job ends, the server goes on
            return {"state": "failed", "ended": now(), "error": problem_body(unexpected(error))}
        finally:
            live.at_work = False
        return {"state": "done", "ended": now(), "result": result}

    async def _tell(self, desk: Desk, live: "_Live", ended: asyncio.Event) -> None:
        said = live.job
        while not ended.is_set():
            try:
                if await self._shelf.given_up(live.job.job_id):
                    live.give_up()
                await desk.publish()
                if live.job is not said:
                    said = live.job
                    await self._shelf.write(said, safely=False)
            except (OSError, Unavailable) as error:
                _log.warning("job %s: cannot be told of: %s", live.job.job_id, error)
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), SAVED_S)

    async def _turn(self, live: "_Live", **changes: object) -> None:
        """Change what is known of a job, for everybody."""
        job = replace(live.job, **changes)
        await self._shelf.write(job)
        live.move(job)


class _Live:
    """A job of this process."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.moved = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.at_work = self.unwanted = False

    def begins(self) -> bool:
        """Return whether it is still wanted; from now on giving it up ends it at once."""
        self.at_work = not self.unwanted
        return self.at_work

    def give_up(self) -> None:
        """End it, unless it has ended and only has to be written down."""
        if self.task and self.at_work and not self.unwanted:
            self.task.cancel()
        self.unwanted = True

    def advance(self, progress: Advance) -> None:
        """Say how far the job is."""
        self.move(replace(self.job, progress=progress))

    def move(self, job: Job) -> None:
        """Wake those who wait for it to go on."""
        self.job = job
        self.moved.set()
        self.moved = asyncio.Event()


def told(job: Job) -> bytes:
    """Return a job as a line."""
    return msgspec.json.encode(job) + b"\n"
