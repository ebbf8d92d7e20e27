"""Where jobs are kept: a folder for each, which a server that begins anew goes on with.

    ID/job.json     what is known of it, replaced as a whole
    ID/input        what was sent
    ID/lines.jsonl  what became of it, line by line
    ID/lock         held by the process that is at work in it, as long as that lives
    names/…         the idempotency keys, each with the id of its job

What is being received is a folder whose name begins with a dot: nobody takes it for a job.
"""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
from filelock import FileLock, Timeout

from api.jobs.job import Job
from rag.errors import JobNotFound

INPUT, LINES = "input", "lines.jsonl"

_JOB, _LOCK, _NAMES, _COMING = "job.json", "lock", "names", ".coming-"
_ID = re.compile(r"[0-9a-f]{32}")
_SOON_S = 60
_FORGOTTEN_S = 24 * 3_600  # a body that is not there whole by then never will be


class Shelf:
    """The jobs of a folder, which several processes may share.

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

    def keep(self, folder: Path, job: Job) -> None:
        """Make a job of what was received: from now on it is not lost.

        Raises:
            OSError: the folder cannot be written.
        """
        _replace(folder / _JOB, msgspec.json.encode(job))
        folder.rename(self.folder / job.job_id)
        _sync(self.folder)

    def write(self, job: Job, *, safely: bool = True) -> None:
        """Replace what is known of a job; safely, it is on disk when this returns.

        Raises:
            OSError: the folder cannot be written.
        """
        _replace(self.folder / job.job_id / _JOB, msgspec.json.encode(job), safely=safely)

    def read(self, job_id: str) -> Job:
        """Return what is known of a job.

        Raises:
            JobNotFound: there is none of that id.
        """
        found = self._read(self.folder / job_id) if _ID.fullmatch(job_id) else None
        if found is None:
            hours = f"{self._kept_s / 3_600:g} hours"
            raise JobNotFound(f"no job '{job_id[:64]}': they are kept {hours} after their end")
        return found

    def all(self) -> Iterator[Job]:
        """Yield every job, the newest first."""
        folders = [entry for entry in _entries(self.folder) if _ID.fullmatch(entry.name)]
        jobs = [job for job in map(self._read, folders) if job]
        yield from sorted(jobs, key=lambda job: (job.created, job.job_id), reverse=True)

    def file(self, job_id: str, name: str) -> Path:
        """Return the place of a file of a job."""
        return self.folder / job_id / name

    def claim(self, job_id: str) -> FileLock | None:
        """Return the lock that says that this process is at work in a job, None if another is."""
        lock = FileLock(self.folder / job_id / _LOCK, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            return None
        return lock

    def named(self, name: str, digest: str, job_id: str) -> tuple[str, str]:
        """Give a job a name; return the id and the digest of the one that had it before, or these.

        Args:
            name: what no two jobs have.
            digest: of what was sent.
            job_id: the job.

        Raises:
            OSError: the folder cannot be written.
        """
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
            fresh = time.time() - place.stat().st_mtime < _SOON_S  # it may be kept any moment
            if there == job_id or fresh or self._read(self.folder / there):
                return there, before
            place.unlink()  # of a job that is gone
        return job_id, digest

    def forget(self, job_id: str) -> None:
        """Delete a job."""
        shutil.rmtree(self.folder / job_id, ignore_errors=True)

    def sweep(self) -> None:
        """Delete what is old: jobs that ended, and what was never received whole."""
        now = time.time()
        for entry in _entries(self.folder):
            age = now - _written(entry)
            if entry.name.startswith(_COMING) and age > _FORGOTTEN_S:
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


def new_id() -> str:
    """Return an id that no job has."""
    return uuid4().hex


def now() -> str:
    """Return the time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


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
