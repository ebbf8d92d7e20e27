"""A server process, and what it costs the machine."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from rag.settings import Settings
from tests.api.served import wait_until_ready

ROOT = Path(__file__).parents[2]
MB = 1 << 20


class Process:
    """`tests.api.serving` over settings, until it is stopped."""

    def __init__(self, settings: Settings, folder: Path, *before: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "said.txt").unlink(missing_ok=True)
        server = msgspec.structs.replace(settings.server, port=0)
        settings = msgspec.structs.replace(settings, server=server)
        (folder / "firstcite.toml").write_bytes(_toml(settings))
        self.said = folder / "said.txt"
        with self.said.open("ab") as out:
            self._process = subprocess.Popen(
                [*before, sys.executable, "-m", "tests.api.serving"],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
                stdout=out,
                stderr=out,
            )
        self.pid = self._process.pid
        self.port = self._port()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)
        wait_until_ready(self.client)

    def _port(self) -> int:
        until = time.monotonic() + 60
        while not (told := re.findall(r"http://127\.0\.0\.1:(\d+)", self.said.read_text())):
            assert self._process.poll() is None, self.said.read_text()
            assert time.monotonic() < until, "the server takes more than 60 s to start"
            time.sleep(0.02)
        return int(told[-1])

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    @property
    def descriptors(self) -> int:
        """How many files and connections it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def memory(self, kind: str = "VmRSS") -> int:
        """Return the bytes of memory that it holds; VmHWM is the most it ever held."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(rf"{kind}:\s+(\d+) kB", status)[0]) * 1024

    def answers(self) -> None:
        """Ask as others do meanwhile, and see that it is answered."""
        reply = self.client.post("/v1/search", json={"query": "sample freezer", "k": 1})
        assert reply.status_code == 200, reply.text
        assert reply.json()["results"][0]["document_id"] == "freezer.md"

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def ended(self, within_s: float = 40) -> int:
        """Return the exit code of a process that was asked to end."""
        return self._process.wait(within_s)

    def stop(self) -> None:
        """End it, whatever it does."""
        self.client.close()
        self._process.kill()
        self._process.wait(10)


@contextmanager
def process(
    settings: Settings, folder: Path, *before: str, ends: bool = False
) -> Iterator[Process]:
    """Give a server that runs until the end, or `ends` before it.

    `before` is the command that stands before its own.
    """
    started = Process(settings, folder, *before)
    try:
        yield started
        assert ends or started._process.poll() is None, started.said.read_text()[-2_000:]
    finally:
        started.stop()


def _toml(settings: Settings) -> bytes:
    lines: list[str] = []
    told = msgspec.to_builtins(settings, enc_hook=str)
    for section, fields in told.items():
        lines.append(f"[{section}]")
        lines += [
            f"{name} = {msgspec.json.encode(value).decode()}" for name, value in fields.items()
        ]
    return "\n".join(lines).encode()
