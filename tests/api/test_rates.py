"""A key sends so many requests, counted in memory, in a file, or in a Redis."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.rates import ROUNDING, Limit, MachineRates, Rates, Take
from api.shared_rates import SharedRates
from rag.errors import Overloaded
from rag.sharing import connect
from tests.redis_served import served

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "machine", "redis"])
async def take(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Take]:
    limit = Limit(30, 3)
    if request.param == "memory":
        yield Rates(limit).take
    elif request.param == "machine":
        yield MachineRates(limit, tmp_path / "rates").take
    else:
        with served(tmp_path) as redis:
            client = connect(redis.url)
            yield SharedRates(limit, client).take
            await client.aclose()


async def passed(take: Take, caller: str, times: int) -> int:
    through, refusals = 0, []
    for _ in range(times):
        try:
            await take(caller)
            through += 1
        except Overloaded as error:
            refusals.append(error)
    assert all("30 requests a minute" in str(error) for error in refusals)
    assert all(1 <= error.seconds <= 2 for error in refusals)
    return through


async def test_each_caller_has_a_burst_of_its_own(take: Take) -> None:
    assert (await passed(take, "a", 5), await passed(take, "b", 2)) == (3, 2)


async def test_tokens_come_back(take: Take) -> None:
    assert await passed(take, "a", 3) == 3
    await asyncio.sleep(2.1)
    assert await passed(take, "a", 3) == 1


@given(
    st.floats(0.1, 1_000),
    st.integers(1, 10),
    st.lists(st.floats(0, 120), max_size=60),
)
@example(
    0.3125,
    1,
    [
        1.71027266275334,
        1.9148032989051984,
        1.438000879897217,
        1.8622860393565546,
        1.3893263148446806,
        1.3893263148446806,
        0.0,
    ],
)  # a token but for its last bit
@settings(max_examples=200, deadline=None)
def test_nobody_exceeds_rate_and_burst(rate: float, burst: int, waits: list[float]) -> None:
    now = 0.0
    rates = Rates(Limit(rate, burst), lambda: now)
    passed: list[float] = []

    async def send() -> None:
        nonlocal now
        for wait in waits:
            now += wait
            try:
                await rates.take("a")
                passed.append(now)
            except Overloaded as error:
                said = now + error.seconds
                kept, now = now, said
                await rates.take("a")  # when it said there would be a token, there is one
                passed.append(now)
                assert said > kept

    asyncio.run(send())
    for i, first in enumerate(passed):
        for n, last in enumerate(passed[i:], start=1):
            assert n <= burst + (last - first) * rate / 60 + 60 * ROUNDING


def _send(folder: Path) -> int:
    take = MachineRates(Limit(0.01, 20), folder).take

    async def send() -> int:
        through = 0
        for _ in range(20):
            try:
                await take("a")
                through += 1
            except Overloaded:
                pass
        return through

    return asyncio.run(send())


def test_processes_of_a_machine_count_together(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert sum(pool.map(_send, [tmp_path] * 3)) == 20


async def test_servers_count_together_and_alone_without_their_redis(tmp_path: Path) -> None:
    with served(tmp_path) as redis:
        one, two = connect(redis.url), connect(redis.url)
        rates = [SharedRates(Limit(30, 3), client).take for client in (one, two)]
        assert [await passed(take, "a", 2) for take in rates] == [2, 1]
        redis.stop()
        assert [await passed(take, "a", 4) for take in rates] == [3, 3]
        await one.aclose()
        await two.aclose()
