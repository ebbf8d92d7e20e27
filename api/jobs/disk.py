"""Jobs in a folder, which the servers of a machine share, and one that begins anew goes on with.

    ID/job.json     what is known of it, replaced as a whole
    ID/input        what was sent
    ID/lines.jsonl  what became of it, line by line
    ID/lock         held by the process that is at work in it, as long as that lives
    ID/given-up     is there when it is to end
    names/…         the idempotency keys, each with the id of its job

What is being received is a folder whose name begins with a dot: nobody takes it for a job.
"""

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from api.jobs.job import Job
from api.jobs.shelf import FORGOTTEN_S, INPUT, LINES, SOON_S, Desk
from rag.errors import JobNotFound

_JOB, _LOCK, _NAMES, _COMING, _GIVEN_UP = "job.json", "lock", "names", ".coming-", "given-up"
_ID = re.compile(r"[0-9a-f]{32}")
_PIECE = 1 << 16


class DiskShelf:
    """The jobs of a folder, which several processes of a machine may share.

    Args:
        folder: made when the first job is kept.
        kept_s: for how long a job is kept after its end.
    """

    def __init__(self, folder: Path, kept_s: float) -> None:
        self.folder = folder
        self._kept_s = kept_s

    @contextmanager
    def coming(self) -> Iterator[Path]:
        """Give a new folder for what is being received, which is deleted unless it is kept.

        Raises:
            OSError: the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix=_COMING))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def keep(self, folder: Path, job: Job) -> None:
        """Rename the folder, on disk before this returns."""
        await asyncio.to_thread(self._keep, folder, job)

    async def write(self, job: Job, *, safely: bool = True) -> None:
        """Replace the file as a whole."""
        file = self.folder / job.job_id / _JOB
        await asyncio.to_thread(_replace, file, msgspec.json.encode(job), safely=safely)

    async def read(self, job_id: str) -> Job:
        """Return what the file says."""
        found = None
        if _ID.fullmatch(job_id):
            found = await asyncio.to_thread(self._read, self.folder / job_id)
        if found is None:
            raise no_job(job_id, self._kept_s)
        return found

    async def all(self) -> list[Job]:
        """Return what the files say."""
        return await asyncio.to_thread(self._all)

    async def lines(self, job_id: str, offset: int) -> bytes:
        """Return what whoever is at work has written."""
        return await asyncio.to_thread(whole_lines, self.folder / job_id / LINES, offset)

    @asynccontextmanager
    async def desk(self, job_id: str) -> AsyncIterator[Desk | None]:
        """Give the files of the folder, while its lock is held."""
        folder = self.folder / job_id
        lock = FileLock(folder / _LOCK, thread_local=False)
        job = None
        with suppress(Timeout, OSError):
            lock.acquire(timeout=0)
            job = self._read(folder)

        async def fetch() -> Path:
            return folder / INPUT

        async def publish() -> None:
            """Do nothing: they read the same file."""

        try:
            yield Desk(job, fetch, folder / LINES, publish) if job else None
        finally:
            lock.release()

    async def give_up(self, job_id: str) -> None:
        """Leave a file there."""
        (self.folder / job_id / _GIVEN_UP).touch()

    async def given_up(self, job_id: str) -> bool:
        """Whether there is that file."""
        return (self.folder / job_id / _GIVEN_UP).exists()

    async def named(self, name: str, digest: str, job_id: str) -> tuple[str, str]:
        """Write a file of that name, if nobody was first."""
        return await asyncio.to_thread(self._named, name, digest, job_id)

    async def sweep(self) -> None:
        """Delete old folders, and names."""
        await asyncio.to_thread(self._sweep)

    async def close(self) -> None:
        """Do nothing: nothing is held."""

    def _keep(self, folder: Path, job: Job) -> None:
        _replace(folder / _JOB, msgspec.json.encode(job))
        folder.rename(self.folder / job.job_id)
        _sync(self.folder)

    def _all(self) -> list[Job]:
        folders = [entry for entry in _entries(self.folder) if _ID.fullmatch(entry.name)]
        jobs = [job for job in map(self._read, folders) if job]
        return sorted(jobs, key=lambda job: (job.created, job.job_id), reverse=True)

    def _named(self, name: str, digest: str, job_id: str) -> tuple[str, str]:
        names = self.folder / _NAMES
        names.mkdir(parents=True, exist_ok=True)
        place = names / hashlib.sha256(name.encode()).hexdigest()
        for _ in range(2):
            handle, made = tempfile.mkstemp(dir=names, prefix=_COMING)
            with os.fdopen(handle, "w", encoding="ascii") as opened:
                opened.write(f"{job_id} {digest}")
            with suppress(FileExistsError):
                os.link(made, place)  # whole or not at all, and only if nobody was first
            Path(made).unlink()
            there, before = place.read_text("ascii").split()
            fresh = time.time() - place.stat().st_mtime < SOON_S  # it may be kept any moment
            if there == job_id or fresh or self._read(self.folder / there):
                return there, before
            place.unlink()  # of a job that is gone
        return job_id, digest

    def _sweep(self) -> None:
        now = time.time()
        for entry in _entries(self.folder):
            age = now - _written(entry)
            if entry.name.startswith(_COMING) and age > FORGOTTEN_S:
                shutil.rmtree(entry, ignore_errors=True)
            elif _ID.fullmatch(entry.name) and age > self._kept_s:
                job = self._read(entry)
                if job is None or job.over:
                    shutil.rmtree(entry, ignore_errors=True)
        for name in _entries(self.folder / _NAMES):
            with suppress(OSError):
                if now - name.stat().st_mtime > self._kept_s:
                    name.unlink()

    def _read(self, folder: Path) -> Job | None:
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode((folder / _JOB).read_bytes(), type=Job)
        return None


def no_job(job_id: str, kept_s: float) -> JobNotFound:
    """Return the error for an id that no job has."""
    hours = f"{kept_s / 3_600:g} hours"
    return JobNotFound(f"no job '{job_id[:64]}': they are kept {hours} after their end")


def whole_lines(file: Path, offset: int) -> bytes:
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


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _written(entry: Path) -> float:
    try:
        return max(entry.stat().st_mtime, (entry / _JOB).stat().st_mtime)
    except OSError:
        return entry.stat().st_mtime if entry.exists() else time.time()


def _replace(file: Path, content: bytes, *, safely: bool = True) -> None:
    """Write a file that is there whole, the old or the new one, whenever the machine stops."""
    scratch = file.with_name(f".{file.name}")
    with scratch.open("wb") as opened:
        opened.write(content)
        opened.flush()
        if safely:
            os.fsync(opened.fileno())
    scratch.replace(file)
    if safely:
        _sync(file.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
