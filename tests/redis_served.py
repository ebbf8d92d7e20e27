"""A real Redis for a test, where there is one to be started."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from rag.sections import Secret


class Served:
    """A Redis behind a socket in a folder, without a disk."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self.url = Secret(f"unix://{self.socket}")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty."""
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("needs redis-server (Debian's package of that name)")
        of = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([program, *of], stdout=subprocess.DEVNULL)
        ends = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < ends, "the Redis does not answer"
            time.sleep(0.01)

    def stop(self) -> None:
        """Kill it; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Give a Redis that answers; the test is skipped where none can be started."""
    made = Served(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
