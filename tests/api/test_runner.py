"""A job at work: what is told of it never comes after its end."""

import asyncio
import time
from pathlib import Path

import pytest

from api.jobs.disk import DiskShelf
from api.jobs.job import Advance, Counts, Job
from api.jobs.runner import Advancing, Runner
from api.jobs.shelf import INPUT, new_id, now
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from rag.wiring import Engine
from tests.api.served import settings_over

SLOW_S = 0.5

pytestmark = pytest.mark.anyio


class SlowShelf(DiskShelf):
    """A folder on a disk that is busy: how far a job is takes a while to be written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, kept_s=60)
        self.telling = asyncio.Event()

    async def write(self, job: Job, *, safely: bool = True) -> None:
        if safely:
            await super().write(job)
        else:
            await asyncio.to_thread(self._slowly, job, asyncio.get_running_loop())

    def _slowly(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon_threadsafe(self.telling.set)
        time.sleep(SLOW_S)
        asyncio.run(super().write(job, safely=False))


@pytest.mark.parametrize("ends", ["done", "cancelled"])
async def test_how_far_a_job_was_is_never_written_after_its_end(tmp_path: Path, ends: str) -> None:
    shelf = SlowShelf(tmp_path)

    async def work(_: Engine, __: Job, ___: Path, ____: Path, advance: Advancing) -> Counts:
        await asyncio.sleep(0.1)
        advance(Advance("reading", 1, 2))
        await shelf.telling.wait()
        if ends == "cancelled":
            await asyncio.sleep(60)
        return Counts(documents=1)

    runner = Runner(shelf, {"documents": work}, most=4)
    job = Job(new_id(), "documents", "any", "", "queued", now())
    with shelf.coming() as coming:
        (coming / INPUT).write_bytes(b"")
        await shelf.keep(coming, job)
    engine = Engine(settings_over(tmp_path / "store"), HashedEncoder(), whole)
    runner.begin(job, engine)
    await shelf.telling.wait()
    if ends == "cancelled":
        await runner.cancel(job.job_id)
    else:
        while not (await runner.wait(job.job_id, 10)).over:
            pass
    assert (await shelf.read(job.job_id)).state == ends
    await asyncio.sleep(2 * SLOW_S)
    assert (await shelf.read(job.job_id)).state == ends
    await runner.close()
