"""Clients of an HTTP server, many in one process: `python -m eval.benchmarks.load PORT < bodies`.

Raw sockets on one event loop, which cost little beside the server. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from itertools import cycle

FOUND = b"event: search_results"
TRY_AGAIN_S = 0.05  # a client whose connection was refused waits so long


def request(path: str, body: str, port: int) -> bytes:
    """Return a request as it is sent."""
    content = body.encode()
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


async def reply(reader: asyncio.StreamReader) -> int:
    """Read a reply to its end; return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, length = head.partition(b"content-length:")
    if not length:
        raise ConnectionError("a reply without a length")
    await reader.readexactly(int(length.split(b"\r\n", 1)[0]))
    return int(head.split(b" ", 2)[1])


def one_by_one(port: int, path: str, bodies: list[str], seconds: float) -> dict[str, list[float]]:
    """Return the milliseconds of searches of one client, and what of them no stage took.

    A blocking socket, for what an event loop would add here is not the server's.
    """
    told: dict[str, list[float]] = {"ms": [], "beyond_ms": []}
    requests = cycle([request(path, body, port) for body in bodies])
    ends = time.perf_counter() + seconds
    with socket.create_connection(("127.0.0.1", port)) as sent, sent.makefile("rb") as replies:
        sent.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (began := time.perf_counter()) < ends:
            sent.sendall(next(requests))
            length = 0
            while (line := replies.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            body = replies.read(length)
            took = (time.perf_counter() - began) * 1_000
            told["ms"].append(took)
            told["beyond_ms"].append(took - sum(one["ms"] for one in json.loads(body)["trace"]))
    return told


class Load:
    """So many clients that ask in turn, until the time is over.

    Args:
        port: of the server on loopback.
        path: what is asked.
        bodies: what is sent, again and again.
        each_s: a client asks at most this often; 0 is as often as it is answered.
    """

    def __init__(self, port: int, path: str, bodies: list[str], each_s: float) -> None:
        self._port, self._each_s = port, each_s
        self._requests = cycle([request(path, body, port) for body in bodies])
        self.statuses: Counter[str] = Counter()
        self.ms: list[float] = []  # of those that were answered with 200

    async def run(self, clients: int, seconds: float) -> None:
        """Ask."""
        ends = time.perf_counter() + seconds
        step = self._each_s / clients
        await asyncio.gather(*(self._client(n * step, ends) for n in range(clients)))

    async def _client(self, after_s: float, ends: float) -> None:
        await asyncio.sleep(after_s)
        while time.perf_counter() < ends:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                self.statuses["refused"] += 1
                await asyncio.sleep(TRY_AGAIN_S)
                continue
            try:
                await self._connected(reader, writer, ends)
            except (OSError, asyncio.IncompleteReadError):
                self.statuses["closed"] += 1
            finally:
                writer.close()

    async def _connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ends: float
    ) -> None:
        while (began := time.perf_counter()) < ends:
            writer.write(next(self._requests))
            status = await reply(reader)
            took = time.perf_counter() - began
            self.statuses[str(status)] += 1
            if status == 200:
                self.ms.append(took * 1_000)
            await asyncio.sleep(max(0.0, self._each_s - took))


async def leave(
    port: int, path: str, bodies: list[str], clients: int, at_once: int, at: bytes = FOUND
) -> int:
    """Begin so many streams, and go away at an event of each; return how many came so far."""
    requests = cycle([request(path, body, port) for body in bodies])
    left = 0

    async def client() -> None:
        nonlocal left
        while left < clients:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with suppress(OSError, asyncio.IncompleteReadError):
                writer.write(next(requests))
                head = await reader.readuntil(b"\r\n\r\n")
                if b" 200 " in head.split(b"\r\n", 1)[0]:
                    await reader.readuntil(at)
                    left += 1
                else:
                    await asyncio.sleep(TRY_AGAIN_S)
            writer.transport.abort()

    await asyncio.gather(*(client() for _ in range(at_once)))
    return left


def main() -> None:
    """Ask as the arguments say, with the bodies on standard input, one in each line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--path", default="/v1/search")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--each-s", type=float, default=0)
    parser.add_argument("--leave", type=int, default=0)
    parser.add_argument("--one-by-one", action="store_true")
    asked = parser.parse_args()
    bodies = sys.stdin.read().splitlines()
    if asked.leave:
        left = asyncio.run(leave(asked.port, asked.path, bodies, asked.leave, asked.clients))
        told: dict[str, object] = {"left": left}
    elif asked.one_by_one:
        told = {**one_by_one(asked.port, asked.path, bodies, asked.seconds)}
    else:
        load = Load(asked.port, asked.path, bodies, asked.each_s)
        asyncio.run(load.run(asked.clients, asked.seconds))
        told = {"statuses": load.statuses, "ms": load.ms}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
