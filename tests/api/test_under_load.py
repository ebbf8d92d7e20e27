"""More than the server can do, and clients that leave: it says so, and nothing is left behind."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from eval.benchmarks.load import Load, leave
from rag.sections import LLMSettings
from tests.api.processes import MB, process
from tests.api.served import fill, settings_over
from tests.api.upstreamed import Canned, running, says
from tests.rag.llms.upstream import DONE, Asked, Write, event, stream

BODY = json.dumps({"query": "sample freezer", "k": 3})


def until(true: Callable[[], bool], most_s: float = 20) -> None:
    """Return when something is true."""
    ends = time.monotonic() + most_s
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_ten_times_too_much_is_answered_or_refused_and_leaves_nothing(tmp_path: Path) -> None:
    settings = settings_over(tmp_path / "store")
    fill(settings)
    few = msgspec.structs.replace(settings.server, max_searches=4)
    with process(msgspec.structs.replace(settings, server=few), tmp_path / "at") as server:
        load = Load(server.port, "/v1/search", [BODY], 0)
        asyncio.run(load.run(8, 1))  # warm
        memory, files = server.memory(), server.descriptors
        load = Load(server.port, "/v1/search", [BODY], 0.05)
        asyncio.run(load.run(80, 4))
        assert set(load.statuses) <= {"200", "429", "503"}, load.statuses
        assert load.statuses["200"]
        assert load.statuses["429"]
        server.answers()
        assert server.memory() - memory < 32 * MB
        until(lambda: server.descriptors <= files + 2)


def test_clients_that_leave_in_the_middle_leave_no_task_and_no_decoding(tmp_path: Path) -> None:
    settings = settings_over(tmp_path / "store")
    fill(settings)
    slowly = stream(*[event("cold ")] * 2_000, DONE, pause_s=0.02)

    async def step(asked: Asked, write: Write) -> None:
        """Write without end where the answer is streamed, and at once where it is not."""
        await (slowly if asked.body.get("stream") else says("A"))(asked, write)

    upstream = Canned(step=step)
    body = json.dumps({"query": "sample freezer", "stream": True, "generator": "inline"})
    with running(upstream):
        llm = LLMSettings(url=upstream.url, model="Qwen/Qwen2.5-test", replies_mb=0, retries=0)
        with process(msgspec.structs.replace(settings, llm=llm), tmp_path / "at") as server:

            def under_way() -> float:
                told = server.client.get("/metrics").text
                return float(told.split("\nfirstcite_requests_in_progress ")[1].split("\n")[0])

            def left(clients: int, at_once: int) -> None:
                leaving = leave(
                    server.port, "/v1/answer", [body], clients, at_once, b"event: delta"
                )
                asyncio.run(asyncio.wait_for(leaving, 60))

            left(8, 4)
            files = server.descriptors
            left(100, 24)
            until(lambda: under_way() == 1)  # this one
            until(lambda: upstream.open == 0)
            assert upstream.dropped > 0
            until(lambda: server.descriptors <= files + 4)
            server.answers()
            assert "Traceback" not in server.said.read_text()
