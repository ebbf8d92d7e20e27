"""Several processes answer on one socket, are replaced when they die, and end together."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx

from api.keys import Keyring

T = TypeVar("T")
STARTED_S = 60
ROOT = Path(__file__).parents[2]


class Running:
    """A server of two workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with (folder / "log").open("wb") as log:
            program = [sys.executable, "-m", "tests.api.worked", str(folder)]
            self.process = subprocess.Popen(program, stderr=log, cwd=ROOT)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def address(self) -> str:
        found = until(lambda: re.findall(r"running on (http://\S+)", self.log))
        return str(found[0])

    def pids(self) -> set[int]:
        return {
            int(file.name[4:]) for file in self.folder.glob("pid-*") if alive(int(file.name[4:]))
        }


def alive(pid: int) -> bool:
    try:
        return b"\nState:\tZ" not in Path(f"/proc/{pid}/status").read_bytes()
    except FileNotFoundError:
        return False


def until(call: Callable[[], T]) -> T:
    """Return what a call returns, as soon as that is something."""
    ends = time.monotonic() + STARTED_S
    while not (found := call()):
        assert time.monotonic() < ends
        time.sleep(0.05)
    return found


def ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/ready").status_code == 200
    except httpx.TransportError:
        return False


def test_workers_answer_are_replaced_and_end_together(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "keys.json")
    one, other = ({"authorization": f"Bearer {ring.add(n, 'admin', '*')[0]}"} for n in "ab")
    running = Running(tmp_path)
    try:
        address = running.address()
        first = until(lambda: two if len(two := running.pids()) == 2 else set())
        until(lambda: ready(address))

        def ask(_: int) -> int:
            body = {"query": "x", "collection": "nowhere"}
            return httpx.post(f"{address}/v1/search", json=body, headers=one).status_code

        statuses = [ask(n) for n in range(40)]  # a connection each
        assert (statuses.count(404), set(statuses)) == (30, {404, 429})  # they count together
        figures = httpx.get(f"{address}/metrics", headers=other).text
        told = re.findall(
            r'firstcite_request_seconds_count\{.*?route="/v1/search".*?\} (\S+)', figures
        )
        assert sum(map(float, told)) == 40  # of both processes

        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        second = until(lambda: two if len(two := running.pids() - {victim}) == 2 else set())
        assert len(first & second) == 1
        assert f"process {victim} died" in running.log
        until(lambda: ready(address))

        running.process.terminate()
        assert running.process.wait(30) == 0
        assert running.pids() == set()
    finally:
        running.process.kill()
        running.process.wait()


def test_workers_that_cannot_load_end_the_server_and_say_why(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    running = Running(tmp_path)
    assert running.process.wait(STARTED_S) == 1
    assert "the model is broken: mend it" in running.log


def test_workers_do_not_outlive_their_parent(tmp_path: Path) -> None:
    running = Running(tmp_path)
    try:
        until(lambda: len(running.pids()) == 2)
        running.process.kill()
        until(lambda: not running.pids())
    finally:
        running.process.wait()
