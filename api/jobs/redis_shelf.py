"""Jobs in a Redis: every server tells them all, and goes on with those of one that is gone.

    job:ID            what is known of it
    job:ID:input      what was sent, in pieces; deleted when the job is over
    job:ID:lines      what became of it, line by line
    job:ID:given-up   is there when it is to end
    jobs              their ids, by the time they came
    name:…            the idempotency keys, each with the id of its job

Who is at work in a job has a lease of it. What is over goes after its time, and nothing before.
"""

import asyncio
import hashlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import Redis

from api.jobs.disk import no_job, whole_lines
from api.jobs.job import Job
from api.jobs.shelf import FORGOTTEN_S, INPUT, LINES, SOON_S, Desk
from rag.sharing import PREFIX, leased, reaching

_PIECE = 1 << 20
_JOBS = f"{PREFIX}jobs"


class RedisShelf:
    """The jobs of all servers that share a Redis.

    Args:
        redis: closed with this.
        folder: where what is being received, or at work in, lies meanwhile.
        kept_s: for how long a job is kept after its end.
    """

    def __init__(self, redis: Redis, folder: Path, kept_s: float) -> None:
        self.folder = folder
        self._redis: Any = redis  # its types say that text may come back, which is not asked for
        self._kept_s = kept_s

    @contextmanager
    def coming(self) -> Iterator[Path]:
        """Give a new folder of this machine's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".coming-") as folder:
            yield Path(folder)

    async def keep(self, folder: Path, job: Job) -> None:
        """Send what was received, then say that there is a job of it."""
        place = _place(job.job_id)
        with reaching(), (folder / INPUT).open("rb") as sent:
            while piece := await asyncio.to_thread(sent.read, _PIECE):
                async with self._redis.pipeline() as step:
                    step.rpush(f"{place}:input", piece)
                    step.expire(f"{place}:input", FORGOTTEN_S)
                    await step.execute()
            async with self._redis.pipeline() as step:
                step.set(place, msgspec.json.encode(job))
                step.persist(f"{place}:input")
                step.zadd(_JOBS, {job.job_id: time.time()})
                await step.execute()

    async def write(self, job: Job, *, safely: bool = True) -> None:
        """Replace what is known; what is over is kept for its time."""
        del safely  # it is as safe as the Redis is
        place, kept = _place(job.job_id), round(self._kept_s)
        with reaching():
            async with self._redis.pipeline() as step:
                step.set(place, msgspec.json.encode(job), ex=kept if job.over else None)
                if job.over:
                    step.delete(f"{place}:input")
                    step.expire(f"{place}:lines", kept)
                await step.execute()

    async def read(self, job_id: str) -> Job:
        """Return what is known."""
        with reaching():
            found = _job(await self._redis.get(_place(job_id)))
        if found is None:
            raise no_job(job_id, self._kept_s)
        return found

    async def all(self) -> list[Job]:
        """Return what is known of every job."""
        with reaching():
            ids = await self._redis.zrevrange(_JOBS, 0, -1)
            kept = await self._redis.mget([_place(id_.decode()) for id_ in ids]) if ids else []
        jobs = [job for job in map(_job, kept) if job]
        return sorted(jobs, key=lambda job: (job.created, job.job_id), reverse=True)

    async def lines(self, job_id: str, offset: int) -> bytes:
        """Return what whoever is at work has published."""
        with reaching():
            found: bytes = await self._redis.getrange(
                f"{_place(job_id)}:lines", offset, offset + _PIECE - 1
            )
        return found  # pieces of lines, too: they are put together again by whoever reads on

    @asynccontextmanager
    async def desk(self, job_id: str) -> AsyncIterator[Desk | None]:
        """Fetch what was sent into a folder of this machine's, while there is a lease."""
        place = _place(job_id)
        async with leased(self._redis, f"job:{job_id}", wait=False) as ours:
            with reaching():
                job = _job(await self._redis.get(place)) if ours else None
            if job is None:
                yield None
                return
            with self.coming() as folder:
                published = 0

                async def fetch() -> Path:
                    await self._fetch(f"{place}:input", folder / INPUT)
                    return folder / INPUT

                async def publish() -> None:
                    nonlocal published
                    while piece := await asyncio.to_thread(whole_lines, folder / LINES, published):
                        with reaching():
                            await self._redis.append(f"{place}:lines", piece)
                        published += len(piece)

                yield Desk(job, fetch, folder / LINES, publish)

    async def give_up(self, job_id: str) -> None:
        """Leave a sign."""
        with reaching():
            await self._redis.set(f"{_place(job_id)}:given-up", 1, ex=FORGOTTEN_S)

    async def given_up(self, job_id: str) -> bool:
        """Whether there is that sign."""
        with reaching():
            return bool(await self._redis.exists(f"{_place(job_id)}:given-up"))

    async def named(self, name: str, digest: str, job_id: str) -> tuple[str, str]:
        """Set a key of that name, if nobody was first."""
        key = f"{PREFIX}name:{hashlib.sha256(name.encode()).hexdigest()}"
        kept = round(self._kept_s)
        with reaching():
            for _ in range(2):
                if await self._redis.set(key, f"{job_id} {digest}", nx=True, ex=kept):
                    break
                value = await self._redis.get(key)
                there, before = (value or b"- -").decode().split()
                fresh = kept - await self._redis.ttl(key) < SOON_S  # it may be kept any moment
                if there == job_id or fresh or await self._redis.exists(_place(there)):
                    return there, before
                await self._redis.delete(key)  # of a job that is gone
        return job_id, digest

    async def sweep(self) -> None:
        """Forget the ids of jobs whose time is over, and what a dead server left on this disk."""
        with reaching():
            for id_ in await self._redis.zrange(_JOBS, 0, -1):
                if not await self._redis.exists(_place(id_.decode())):
                    await self._redis.zrem(_JOBS, id_)
        await asyncio.to_thread(self._tidy)

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    async def _fetch(self, key: str, file: Path) -> None:
        with reaching(), file.open("wb") as out:
            number = 0
            while piece := await self._redis.lindex(key, number):
                await asyncio.to_thread(out.write, piece)
                number += 1
            await self._redis.delete(key.replace(":input", ":lines"))

    def _tidy(self) -> None:
        for left in self.folder.glob(".coming-*"):
            if time.time() - left.stat().st_mtime > FORGOTTEN_S:
                shutil.rmtree(left, ignore_errors=True)


def _place(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}"


def _job(kept: bytes | None) -> Job | None:
    try:
        return msgspec.json.decode(kept, type=Job) if kept else None
    except msgspec.MsgspecError:
        return None  # of another version
