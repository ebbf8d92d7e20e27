"""Jobs are kept, told, claimed and forgotten alike on disk and in a Redis."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from api.jobs.disk import DiskShelf
from api.jobs.job import Job
from api.jobs.redis_shelf import RedisShelf
from api.jobs.shelf import INPUT, Shelf, new_id, now
from rag.errors import JobNotFound, Unavailable
from rag.sharing import connect, leased
from tests.redis_served import Served, served

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["disk", "redis"])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    if request.param == "disk":
        yield DiskShelf(tmp_path / "jobs", 3_600)
        return
    with served(tmp_path) as redis:
        made = RedisShelf(connect(redis.url), tmp_path / "jobs", 3_600)
        yield made
        await made.close()


async def kept(shelf: Shelf, content: bytes = b"what was sent") -> Job:
    job = Job(new_id(), "documents", "pets", "default", "queued", now())
    with shelf.coming() as folder:
        (folder / INPUT).write_bytes(content)
        await shelf.keep(folder, job)
    return job


async def test_what_was_kept_is_told_the_newest_first(shelf: Shelf) -> None:
    assert await shelf.all() == []
    first, second = await kept(shelf), await kept(shelf)
    second = replace(second, created="9" + second.created)
    await shelf.write(second)
    assert await shelf.all() == [second, first]
    assert await shelf.read(first.job_id) == first
    for unknown in (new_id(), "../x", "", "0" * 31):
        with pytest.raises(JobNotFound, match="no job"):
            await shelf.read(unknown)
    assert not list(shelf.folder.glob(".*")), "nothing is left of what was received"


@pytest.mark.parametrize("size", [0, 5, 3_000_000])
async def test_one_at_a_time_has_the_desk_of_a_job(shelf: Shelf, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    job = await kept(shelf, content[:size])
    async with shelf.desk(job.job_id) as desk:
        assert desk is not None
        assert desk.job == job
        assert (await desk.fetch()).read_bytes() == content[:size]
        async with shelf.desk(job.job_id) as second:
            assert second is None
    async with shelf.desk(job.job_id) as desk:
        assert desk is not None
    async with shelf.desk(new_id()) as desk:
        assert desk is None


async def test_lines_are_read_while_they_are_written(shelf: Shelf) -> None:
    job = await kept(shelf)
    assert await shelf.lines(job.job_id, 0) == b""
    long = b"x" * 1_500_000 + b"\n"
    async with shelf.desk(job.job_id) as desk:
        assert desk is not None
        await desk.fetch()
        with desk.lines.open("wb") as out:
            out.write(b"one\ntwo\nthr")
            out.flush()
            await desk.publish()
            assert await shelf.lines(job.job_id, 0) == b"one\ntwo\n"
            assert await shelf.lines(job.job_id, 4) == b"two\n"
            out.write(b"ee\n" + long)
        await desk.publish()
    told = b""
    while piece := await shelf.lines(job.job_id, len(told)):
        told += piece
    assert told == b"one\ntwo\nthree\n" + long
    async with shelf.desk(job.job_id) as desk:  # it is done anew, and told anew
        assert desk is not None
        await desk.fetch()
        desk.lines.write_bytes(b"again\n")
        await desk.publish()
    assert await shelf.lines(job.job_id, 0) == b"again\n"


async def test_a_job_can_be_given_up(shelf: Shelf) -> None:
    job, other = await kept(shelf), await kept(shelf)
    assert not await shelf.given_up(job.job_id)
    await shelf.give_up(job.job_id)
    assert await shelf.given_up(job.job_id)
    assert not await shelf.given_up(other.job_id)


async def test_a_name_is_one_jobs(shelf: Shelf) -> None:
    one, two = (await kept(shelf)).job_id, (await kept(shelf)).job_id
    assert await shelf.named("order", "a", one) == (one, "a")
    assert await shelf.named("order", "a", one) == (one, "a")
    assert await shelf.named("order", "b", two) == (one, "a")
    assert await shelf.named("another", "b", two) == (two, "b")
    racing = [await asyncio.gather(*(shelf.named("race", "d", id_) for id_ in (one, two)))]
    assert len({tuple(pair) for pair in racing[0]}) == 1


async def test_sweeping_leaves_what_is_not_old(shelf: Shelf) -> None:
    job, over = await kept(shelf), await kept(shelf)
    over = replace(over, state="done", ended=now())
    await shelf.write(over)
    await shelf.sweep()
    assert {each.job_id for each in await shelf.all()} == {job.job_id, over.job_id}


async def test_what_is_over_goes_after_its_time(tmp_path: Path) -> None:
    with served(tmp_path) as redis:
        shelf = RedisShelf(connect(redis.url), tmp_path / "jobs", 1)
        job, over = await kept(shelf), await kept(shelf)
        await shelf.write(replace(over, state="done", ended=now()))
        await asyncio.sleep(1.2)
        await shelf.sweep()
        assert await shelf.all() == [job]
        client = connect(redis.url)
        place = f"firstcite:job:{job.job_id}".encode()
        assert set(await client.keys("*")) == {b"firstcite:jobs", place, place + b":input"}
        await client.aclose()
        await shelf.close()


async def test_who_loses_a_lease_is_stopped(tmp_path: Path) -> None:
    with served(tmp_path) as redis:
        client = connect(redis.url)
        losing = asyncio.create_task(_have(client, 20))
        await asyncio.sleep(0.3)
        await client.delete("firstcite:lock:it")
        with pytest.raises(Unavailable, match="away for too long"):
            await losing
        async with leased(client, "it", wait=False) as ours:
            assert ours
            waiting = asyncio.create_task(_have(client))
            await asyncio.sleep(0.3)
            assert not waiting.done()
        assert await waiting
        await client.aclose()


async def _have(client: Redis, seconds: float = 0) -> bool:
    async with leased(client, "it", wait=True) as ours:
        await asyncio.sleep(seconds)
        return ours


async def test_a_redis_that_is_away_is_said(tmp_path: Path) -> None:
    away = Served(tmp_path)
    shelf = RedisShelf(connect(away.url), tmp_path / "jobs", 3_600)
    for attempt in (shelf.all(), shelf.read(new_id()), kept(shelf), shelf.sweep()):
        with pytest.raises(Unavailable, match=r"server\.redis does not answer"):
            await attempt
    await shelf.close()
