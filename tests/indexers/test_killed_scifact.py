"""Killed at any moment, again and again, an index holds in the end what a clean run gives."""

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from indexers.stores.edge import open_edge
from tests.indexers.killed_scifact import index_version
from tests.indexers.test_bulk_again import everything

pytestmark = [pytest.mark.model, pytest.mark.collections, pytest.mark.timeout(600)]
KILLS = 20


def _start(folder: Path, corpus: Path, version: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.indexers.killed_scifact"]
    arguments = [str(folder), str(corpus), str(version)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen([*command, *arguments], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


async def _state(folder: Path) -> tuple[object, ...]:
    store = open_edge(folder)
    try:
        return await everything(store)
    finally:
        await store.close()


def test_twenty_kills_leave_what_one_clean_run_gives(tmp_path: Path, collections: Path) -> None:
    corpus = (collections / "scifact").resolve()
    began = time.perf_counter()
    asyncio.run(index_version(tmp_path / "clean", corpus, KILLS))
    takes = time.perf_counter() - began
    moments = random.Random(7)  # noqa: S311 - moments of a test
    survived = 0
    for version in range(KILLS):
        process = _start(tmp_path / "used", corpus, version)
        try:
            process.wait(moments.uniform(0, takes))
            survived += 1
        except subprocess.TimeoutExpired:
            process.kill()
            assert process.wait() == -9
        finally:
            assert process.stdout is not None
            process.stdout.close()
    assert survived < KILLS / 2
    report = asyncio.run(index_version(tmp_path / "used", corpus, KILLS))
    found = asyncio.run(_state(tmp_path / "used"))
    assert found == asyncio.run(_state(tmp_path / "clean"))
    assert report.documents > 4_800
