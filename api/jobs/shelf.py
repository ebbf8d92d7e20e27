"""Where jobs are kept, and who is at work in them."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from api.jobs.job import Job

INPUT, LINES = "input", "lines.jsonl"
SOON_S = 60  # chosen: what has an idempotency key is kept after so long, or never will be
FORGOTTEN_S = 24 * 3_600  # chosen: a body that is not there whole by then never will be


@dataclass(frozen=True, slots=True)
class Desk:
    """What whoever is at work in a job has before them.

    Args:
        job: what is known of it.
        fetch: returns the file of what was sent.
        lines: the file into which is written what becomes of it; empty to begin with.
        publish: lets everybody read the lines that were written.
    """

    job: Job
    fetch: Callable[[], Awaitable[Path]]
    lines: Path
    publish: Callable[[], Awaitable[None]]


class Shelf(Protocol):
    """The jobs of servers, which may be several.

    Raises (every method): OSError when its folder cannot be written; Unavailable when what else
    keeps them does not answer.
    """

    folder: Path

    def coming(self) -> AbstractContextManager[Path]:
        """Give a new folder for what is being received, which is deleted unless it is kept."""
        ...

    async def keep(self, folder: Path, job: Job) -> None:
        """Make a job of what was received: from now on it is not lost."""
        ...

    async def write(self, job: Job, *, safely: bool = True) -> None:
        """Replace what is known of a job; safely, it is on disk when this returns."""
        ...

    async def read(self, job_id: str) -> Job:
        """Return what is known of a job.

        Raises:
            JobNotFound: there is none of that id.
        """
        ...

    async def all(self) -> list[Job]:
        """Return every job, the newest first."""
        ...

    async def lines(self, job_id: str, offset: int) -> bytes:
        """Return the next lines of a job from there on, whole ones, or nothing."""
        ...

    def desk(self, job_id: str) -> AbstractAsyncContextManager[Desk | None]:
        """Give what whoever is at work in a job needs; None where somebody is."""
        ...

    async def give_up(self, job_id: str) -> None:
        """Ask whoever is at work in a job to end it."""
        ...

    async def given_up(self, job_id: str) -> bool:
        """Whether somebody asked for that."""
        ...

    async def named(self, name: str, digest: str, job_id: str) -> tuple[str, str]:
        """Give a job a name; return the id and the digest of the one that had it before, or these.

        Args:
            name: what no two jobs have.
            digest: of what was sent.
            job_id: the job.
        """
        ...

    async def sweep(self) -> None:
        """Delete what is old: jobs that ended, and what was never received whole."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


def new_id() -> str:
    """Return an id that no job has."""
    return uuid4().hex


def now() -> str:
    """Return the time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
