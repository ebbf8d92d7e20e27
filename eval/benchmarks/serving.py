"""The server under load: what HTTP adds to a search, throughput, ten times too much, and leaving.

`firstcite serve` over SciFact with the packaged encoder, the embedded store and the embedded model;
the engine alone is another process over a copy of the same store, and takes turns with it. Clients
are a process of their own (`eval.benchmarks.load`).
"""

import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import psutil

from rag.settings import load_settings, quiet
from rag.values import Query
from rag.wiring import build

K, TURNS, QUERIES = 10, 4, 200
AT_ONCE = (1, 8, 64)
OVERLOAD = 10  # times what the server does
BUSY = 10.0  # percent of a core: below, nothing is at work
WELL = 2.0  # times the time of a search before: the server is well again
LEAVING = 32  # clients that leave are there at a time
GIVEN_S = 60.0  # for coming to rest
Figures = dict[str, Any]


def bench_http(collections: Path, seconds: float = 60) -> Figures:
    """Return what was measured; overload takes so many seconds, all else is scaled with it."""
    scifact = collections / "scifact"
    lines = (scifact / "queries.jsonl").read_text("utf-8").splitlines()
    queries = [json.loads(line)["text"] for line in lines[:QUERIES]]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        index = [sys.executable, "-m", "rag", "index", str(scifact.resolve())]
        subprocess.run(index, check=True, capture_output=True, cwd=folder)  # noqa: S603
        shutil.copytree(folder / ".firstcite", folder / "alone" / ".firstcite")
        with serving(folder) as server:
            found = added(server, folder / "alone", queries, max(1.0, seconds / 12))
            loads = [throughput(server, queries, n, seconds / 4) for n in AT_ONCE]
            most = max(load["per_s"] for load in loads)
            return {
                **found,
                "clients": dict(zip(map(str, AT_ONCE), loads, strict=True)),
                "overload": overload(server, queries, most, seconds),
                "leaving": leaving(server, queries, max(16, round(seconds * 1_000 / 60))),
                "ratio": found["added_ms"],
                "aim": "≤ 3 ms over the engine's own p50 (added_ms); under overload only 200, 429, "
                "503, memory flat, well again within 5 s; who leaves leaves nothing",
            }


class Server:
    """A server process."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.port = port
        self.process = psutil.Process(process.pid)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120)

    @property
    def memory_mb(self) -> float:
        """What it holds."""
        return float(self.process.memory_info().rss) / 2**20

    @property
    def under_way(self) -> int:
        """Requests that are being answered, this one apart."""
        told = self.client.get("/metrics").text
        found = re.findall(r"^firstcite_requests_in_progress ([0-9.]+)", told, re.MULTILINE)
        return round(float(found[0])) - 1


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Give a server over what a folder holds."""
    said = folder / "said.txt"
    with said.open("wb") as out:
        command = [sys.executable, "-m", "rag", "serve", "--port", "0"]
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)  # noqa: S603
    try:
        while not (told := re.findall(r"http://127\.0\.0\.1:(\d+)", said.read_text("utf-8"))):
            if process.poll() is not None:
                raise RuntimeError(said.read_text("utf-8"))
            time.sleep(0.05)
        server = Server(process, int(told[0]))
        with server.client:
            while server.client.get("/ready").status_code != httpx.codes.OK:
                time.sleep(0.1)
            yield server
    finally:
        process.terminate()
        process.wait(60)


def added(server: Server, folder: Path, queries: Sequence[str], seconds: float) -> Figures:
    """Return the p50 of a search by the engine alone and through HTTP, taking turns.

    What HTTP adds is told by what no stage of a search took, here and there: the stages themselves
    take as long as the machine has other things to do, more or less from one second to the next.
    """
    command = [sys.executable, "-m", "eval.benchmarks.serving", json.dumps(queries)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    alone = subprocess.Popen(command, cwd=folder, text=True, **pipes)  # type: ignore[call-overload]  # noqa: S603
    told: dict[str, list[Figures]] = {"engine": [], "http": []}
    for turn in range(TURNS + 1):
        alone.stdin.write(f"{seconds}\n")
        alone.stdin.flush()
        engine = json.loads(alone.stdout.readline())
        through = _clients(server, _bodies(queries), "--one-by-one", "--seconds", str(seconds))
        if turn:  # the first one warms up
            told["engine"].append(engine)
            told["http"].append(through)
    alone.communicate()
    whole, beyond = (
        {
            by: statistics.median(ms for turn in turns for ms in turn[of])
            for by, turns in told.items()
        }
        for of in ("ms", "beyond_ms")
    )
    return {
        "queries": {by: sum(len(turn["ms"]) for turn in turns) for by, turns in told.items()},
        "p50_ms": {by: round(ms, 2) for by, ms in whole.items()},
        "p50 beyond the stages_ms": {by: round(ms, 2) for by, ms in beyond.items()},
        "p50 apart_ms": round(whole["http"] - whole["engine"], 2),
        "added_ms": round(beyond["http"] - beyond["engine"], 2),
    }


def load(
    server: Server, queries: Sequence[str], clients: int, seconds: float, each_s: float = 0
) -> Figures:
    """Return the statuses and the milliseconds of so many clients."""
    how = ["--clients", str(clients), "--seconds", str(seconds), "--each-s", str(each_s)]
    return _clients(server, _bodies(queries), *how)


def _bodies(queries: Sequence[str]) -> list[str]:
    return [json.dumps({"query": query, "k": K}) for query in queries]


def _clients(server: Server, bodies: Iterable[str], *how: str) -> Figures:
    command = [sys.executable, "-m", "eval.benchmarks.load", str(server.port), *how]
    done = subprocess.run(  # noqa: S603
        command, input="\n".join(bodies), capture_output=True, text=True, check=True
    )
    told: Figures = json.loads(done.stdout)
    return told


def throughput(server: Server, queries: Sequence[str], clients: int, seconds: float) -> Figures:
    """Return searches per second, and how long they take."""
    told = load(server, queries, clients, seconds)
    return {"per_s": round(len(told["ms"]) / seconds, 1), "ms": _spread(told["ms"])}


def overload(server: Server, queries: Sequence[str], per_s: float, seconds: float) -> Figures:
    """Return what becomes of ten times as many searches as the server does, and of it after them.

    Clients do not wait as `Retry-After` says.
    """
    clients = OVERLOAD * max(AT_ONCE)
    idle = statistics.median(load(server, queries, 1, min(5, seconds / 4))["ms"])
    memory = server.memory_mb
    seen: list[float] = []
    with watching(server, seen):
        told = load(server, queries, clients, seconds, clients / (OVERLOAD * per_s))
    began = time.perf_counter()
    while True:
        asked = time.perf_counter()
        reply = server.client.post("/v1/search", json={"query": queries[0], "k": K})
        took_ms = (time.perf_counter() - asked) * 1_000
        if reply.status_code == httpx.codes.OK and took_ms < WELL * idle:
            break
    half = len(seen) // 2
    return {
        "clients": clients,
        "per_s": {
            "asked": round(OVERLOAD * per_s, 1),
            "got 200": round(len(told["ms"]) / seconds, 1),
        },
        "statuses": told["statuses"],
        "accepted_ms": _spread(told["ms"]),
        "memory_mb": {
            "before": round(memory),
            "first half": round(max(seen[:half], default=memory)),
            "second half": round(max(seen[half:], default=memory)),
            "after": round(server.memory_mb),
        },
        "recovery_s": round(time.perf_counter() - began, 2),
    }


def leaving(server: Server, queries: Sequence[str], clients: int) -> Figures:
    """Return what is left of so many clients that go away in the middle of a streamed answer."""
    bodies = [
        json.dumps({"query": query, "stream": True, "generator": "inline"}) for query in queries
    ]
    server.client.post("/v1/answer", json={"query": queries[0], "generator": "inline"})  # loads it
    threads, files = server.process.num_threads(), server.process.num_fds()
    how = ["--path", "/v1/answer", "--leave", str(clients), "--clients", str(LEAVING)]
    told = _clients(server, bodies, *how)
    began = time.perf_counter()
    while server.under_way or server.process.cpu_percent(0.5) > BUSY:
        if time.perf_counter() - began > GIVEN_S:
            break
    return {
        **told,
        "at rest after s": round(time.perf_counter() - began, 1),
        "under way": server.under_way,
        "cpu_percent": server.process.cpu_percent(1.0),
        "threads": {"before": threads, "after": server.process.num_threads()},
        "files": {"before": files, "after": server.process.num_fds()},
    }


@contextmanager
def watching(server: Server, seen: list[float]) -> Iterator[None]:
    """Note the server's memory four times a second."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.25):
            seen.append(server.memory_mb)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _spread(ms: Sequence[float]) -> dict[str, float]:
    cut = statistics.quantiles(ms, n=100, method="inclusive") if len(ms) > 1 else [0.0] * 99
    return {f"p{p}": round(cut[p - 1], 1) for p in (50, 95, 99)}


async def _alone(queries: Sequence[str]) -> None:
    """Search as standard input says for how long, and print how many milliseconds each took."""
    engine = build(load_settings())
    path = await engine.collection("default")
    asked = cycle(queries)
    for line in sys.stdin:
        ends = time.perf_counter() + float(line)
        told: dict[str, list[float]] = {"ms": [], "beyond_ms": []}
        while (began := time.perf_counter()) < ends:
            results = await path.search(Query(next(asked), K))
            took = (time.perf_counter() - began) * 1_000
            told["ms"].append(took)
            told["beyond_ms"].append(took - sum(stage.ms for stage in results.trace))
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
    await engine.close()


if __name__ == "__main__":
    quiet()
    asyncio.run(_alone(json.loads(sys.argv[1])))
