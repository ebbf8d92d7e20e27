"""Jobs at work: as tasks of this process, one after another in a collection."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import msgspec
from filelock import FileLock
from msgspec.structs import replace

from api.jobs.job import Advance, Counts, Job, Kind
from api.jobs.shelf import INPUT, LINES, Shelf, now
from api.problems import problem, problem_body, unexpected
from rag.errors import Overloaded, RagError
from rag.wiring import Engine

Advancing: TypeAlias = Callable[[Advance], None]
Work: TypeAlias = Callable[[Engine, Job, Path, Path, Advancing], Awaitable[Counts]]
"""Does a job, of what was sent in the first file, and writes line by line what became of it into
the second one."""

SAVED_S = 1.0  # chosen: progress on disk is at most so old
SWEPT_S = 600.0  # chosen: how often old jobs are deleted, and abandoned ones found
_PIECE = 1 << 16

_log = logging.getLogger("firstcite.jobs")


class Runner:
    """Begins jobs, goes on with those that another process left, and tells how far they are.

    Args:
        shelf: where they are kept.
        work: does the jobs of each kind.
        most: so many may be unfinished; further ones are refused.
    """

    def __init__(self, shelf: Shelf, work: Mapping[Kind, Work], most: int) -> None:
        self._shelf, self._work, self._most = shelf, work, most
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

    @property
    def unfinished(self) -> int:
        """How many jobs of this process are not over."""
        return len(self._live)

    def begin(self, job: Job, engine: Engine) -> None:
        """Begin a job that was kept, unless it is over or somebody is at work in it."""
        begun = job.over or job.job_id in self._live
        lock = None if begun else self._shelf.claim(job.job_id)
        if lock is None:
            return
        live = self._live[job.job_id] = _Live(job, self._shelf)
        live.task = asyncio.create_task(self._run(live, engine, lock))

    def get(self, job_id: str) -> Job:
        """Return how far a job is.

        Raises:
            JobNotFound: there is none of that id.
        """
        live = self._live.get(job_id)
        return live.job if live else self._shelf.read(job_id)

    async def all(self) -> list[Job]:
        """Return every job, the newest first."""
        kept = await asyncio.to_thread(lambda: list(self._shelf.all()))
        return [self._live[job.job_id].job if job.job_id in self._live else job for job in kept]

    async def cancel(self, job_id: str) -> Job:
        """End a job; what it has written stays.

        Raises:
            JobNotFound: there is none of that id.
        """
        live = self._live.get(job_id)
        if live is None or live.task is None:
            return self._shelf.read(job_id)
        live.unwanted = True
        live.task.cancel()
        await asyncio.wait([live.task])
        return live.job

    async def wait(self, job_id: str, seconds: float) -> Job:
        """Return how far a job is, as soon as it goes on, is over, or the time is.

        Raises:
            JobNotFound: there is none of that id.
        """
        live = self._live.get(job_id)
        if live is None:
            job = self._shelf.read(job_id)
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
            job = self.get(job_id)
            file = self._shelf.file(job_id, LINES)
            while piece := await asyncio.to_thread(_whole_lines, file, offset):
                offset += len(piece)
                yield piece
            if job.over:
                return
            await self.wait(job_id, SAVED_S)

    async def _sweep(self, engine: Engine) -> None:
        while True:
            await asyncio.to_thread(self._shelf.sweep)
            jobs = await asyncio.to_thread(lambda: list(self._shelf.all()))
            for job in reversed(jobs):  # the oldest first
                if not job.over and job.kind in self._work:
                    self.begin(job, engine)
            await asyncio.sleep(SWEPT_S)

    async def _run(self, live: "_Live", engine: Engine, lock: FileLock) -> None:
        try:
            await self._do(live, engine)
        except OSError:
            _log.exception("job %s: what is known of it cannot be written", live.job.job_id)
        finally:
            lock.release()
            del self._live[live.job.job_id]
            live.moved.set()

    async def _do(self, live: "_Live", engine: Engine) -> None:
        live.turn(state="running", began=live.job.began or now(), error=None)
        id_ = live.job.job_id
        given, lines = self._shelf.file(id_, INPUT), self._shelf.file(id_, LINES)
        try:
            result = await self._work[live.job.kind](engine, live.job, given, lines, live.advance)
        except asyncio.CancelledError:
            if live.unwanted:
                live.turn(state="cancelled", ended=now())
            raise
        except RagError as error:
            live.turn(state="failed", ended=now(), error=problem_body(problem(error)))
        except Exception as error:  # noqa: BLE001 - the job ends, the server goes on
            live.turn(state="failed", ended=now(), error=problem_body(unexpected(error)))
        else:
            live.turn(state="done", ended=now(), result=result)


class _Live:
    """A job of this process."""

    def __init__(self, job: Job, shelf: Shelf) -> None:
        self.job = job
        self.moved = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.unwanted = False
        self._shelf = shelf
        self._saved = 0.0

    def turn(self, **changes: object) -> None:
        """Change what is known of the job, on disk too."""
        self._move(replace(self.job, **changes))
        self._shelf.write(self.job)

    def advance(self, progress: Advance) -> None:
        """Say how far the job is; the disk is told once in a while."""
        self._move(replace(self.job, progress=progress))
        time = asyncio.get_running_loop().time()
        if time - self._saved >= SAVED_S:
            self._saved = time
            self._shelf.write(self.job, safely=False)  # the loop waits for no disk

    def _move(self, job: Job) -> None:
        self.job = job
        self.moved.set()
        self.moved = asyncio.Event()


def _whole_lines(file: Path, offset: int) -> bytes:
    """Return the next lines of a file that are complete."""
    try:
        with file.open("rb") as opened:
            opened.seek(offset)
            piece = opened.read(_PIECE)
            if b"\n" not in piece:
                piece += opened.readline()  # a report of a file may have a thousand faults
            return piece[: piece.rfind(b"\n") + 1]
    except FileNotFoundError:
        return b""


def told(job: Job) -> bytes:
    """Return a job as a line."""
    return msgspec.json.encode(job) + b"\n"
