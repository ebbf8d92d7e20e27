"""Who writes into a collection of a server: one process at a time."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import StoreUnavailable
from rag.sections import Secret
from rag.wiring.turns import Turns
from tests.redis_served import served

URL = "http://localhost:6333"


@pytest.fixture(params=["disk", "redis"])
def redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Secret]:
    if request.param == "disk":
        yield Secret("")
        return
    with served(tmp_path) as started:
        yield started.url


def _write(folder: Path, redis: Secret) -> None:
    """Add one to a number in a file, thirty times, as nobody should do at the same time."""
    file = folder / "number"

    async def work() -> None:
        turns = Turns(URL, redis, folder / "locks")
        for _ in range(5):
            async with turns.take("pets"):
                number = int(file.read_text())
                await asyncio.sleep(0.01)
                file.write_text(str(number + 1))
        await turns.close()

    asyncio.run(work())


def test_processes_take_turns(tmp_path: Path, redis: Secret) -> None:
    (tmp_path / "number").write_text("0")
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.starmap(_write, [(tmp_path, redis)] * 3)
    assert (tmp_path / "number").read_text() == "15"


async def _overlap(turns: Turns, families: list[str]) -> set[str]:
    """Return the names into which two wrote at the same time."""
    inside: list[str] = []
    twice: set[str] = set()

    async def write(family: str) -> None:
        async with turns.take(family):
            twice.update({family} & set(inside))
            inside.append(family)
            await asyncio.sleep(0.005)
            inside.remove(family)

    await asyncio.gather(*map(write, families))
    return twice


@given(st.lists(st.sampled_from(["pets", "cats", "Pets.2"]), max_size=5))
@settings(max_examples=10, deadline=None)
def test_names_do_not_wait_for_each_other(
    tmp_path_factory: pytest.TempPathFactory, families: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("turns")
    turns = Turns(URL, Secret(""), folder)
    assert asyncio.run(_overlap(turns, families)) == set()


def test_the_embedded_store_needs_no_turns_and_a_bad_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    embedded = Turns("", Secret(""), tmp_path / "file" / "locks")
    assert asyncio.run(_overlap(embedded, ["pets", "pets"])) == {"pets"}
    there = Turns(URL, Secret(""), tmp_path / "file")
    with pytest.raises(StoreUnavailable, match=r"set llm\.cache"):
        asyncio.run(_overlap(there, ["pets"]))
