"""A disk that is full, a clock that jumps, a model that goes, an end in the middle: nothing is lost."""

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from indexers.stores.room import RESERVE
from rag.sections import LLMSettings
from rag.settings import Settings
from tests.api.processes import MB, Process, process
from tests.api.served import fill, settings_over
from tests.api.upstreamed import Canned, running, says
from tests.rag.llms.upstream import Asked, Write

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
LINES = {"content-type": "application/x-ndjson"}
DAY_S = 24 * 3_600


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = settings_over(tmp_path / "store")
    fill(made)
    return made


def upload(server: Process, *rows: object, **how: object) -> dict[str, object]:
    """Put documents; return the job."""
    content = "\n".join(map(json.dumps, rows))
    reply = server.client.post("/v1/documents", content=content, headers=LINES, params=how)  # type: ignore[arg-type]
    assert reply.status_code in {200, 202}, reply.text
    job: dict[str, object] = json.loads(reply.text.splitlines()[-1])
    return job


class Asking(threading.Thread):
    """Searches again and again over one connection, until the server is gone."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.whole, self.torn = 0, 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.start()

    def run(self) -> None:
        """Ask, and count replies that are whole and those that broke off."""
        with closing(self._connection):
            self._ask()

    def _ask(self) -> None:
        body = json.dumps({"query": "sample freezer", "k": 3})
        while True:
            try:
                sent = {"content-type": "application/json"}
                self._connection.request("POST", "/v1/search", body, sent)
                reply = self._connection.getresponse()
            except (OSError, http.client.HTTPException):
                return  # no reply has begun
            try:
                told = json.loads(reply.read())
                assert reply.status == 200
                assert told["results"]
                self.whole += 1
            except (OSError, http.client.HTTPException, ValueError, AssertionError):
                self.torn += 1
                return


def test_who_was_accepted_is_answered_when_the_server_is_asked_to_end(
    settings: Settings, tmp_path: Path
) -> None:
    with process(settings, tmp_path, ends=True) as server:
        asking = [Asking(server.port) for _ in range(8)]
        later = upload(server, {"id": "later", "text": "wait 1.5 s, then be found"}, wait=False)
        waiting: list[dict[str, object]] = []
        slow = {"id": "waited", "text": "wait 1 s and be told"}
        wait = threading.Thread(target=lambda: waiting.append(upload(server, slow)))
        wait.start()
        time.sleep(0.7)
        server.ask_to_end()
        time.sleep(0.3)
        with pytest.raises(OSError, match="refused|reset"), server.connect() as late:
            late.recv(1)
        assert server.ended() == 0
        wait.join(10)
        for one in asking:
            one.join(10)
        assert [one.torn for one in asking] == [0] * 8
        assert all(one.whole for one in asking)
        assert [job["state"] for job in waiting] == ["done"]
        assert "Traceback" not in server.said.read_text()
    with process(settings, tmp_path) as server:
        until = time.monotonic() + 20
        while server.client.get(f"/v1/jobs/{later['job_id']}").json()["state"] != "done":
            assert time.monotonic() < until
            time.sleep(0.05)
        for name in ("later", "waited"):
            assert server.client.get(f"/v1/documents/{name}").status_code == 200


def test_a_server_that_is_killed_goes_on_with_its_jobs(settings: Settings, tmp_path: Path) -> None:
    with process(settings, tmp_path, ends=True) as server:
        job = upload(server, {"id": "killed", "text": "wait 3 s, then be found"}, wait=False)
        server.stop()
    with process(settings, tmp_path) as server:
        told = server.client.get(f"/v1/jobs/{job['job_id']}/lines").text
        assert json.loads(told.splitlines()[-1])["status"] == "new"
        assert server.client.get("/v1/documents/killed").status_code == 200


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Give a disk of its own."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_refuses_uploads_and_keeps_serving(settings: Settings, tmp_path: Path) -> None:
    with small_disk(tmp_path / "jobs", MB) as disk:
        kept = msgspec.structs.replace(
            settings.server, jobs=str(disk / "jobs"), max_upload_bytes=8 * MB
        )
        full = msgspec.structs.replace(settings, server=kept)
        with process(full, tmp_path / "at") as server:
            for n in range(3):
                reply = server.client.post(
                    "/v1/documents", content=b'{"id": "a"}\n' * (MB // 5), headers=LINES
                )
                assert reply.status_code == 503, reply.text
                assert "No space left" in reply.json()["detail"]
                assert "retry-after" in reply.headers
                server.answers()
                row = {"id": f"fits {n}", "text": "there is room for little"}
                assert upload(server, row)["state"] == "done"
            assert "Traceback" not in server.said.read_text()


def test_a_disk_that_fills_while_jobs_run_fails_them_and_not_the_server(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2 * RESERVE + 120 * MB) as disk:
        settings = settings_over(disk / "store")
        fill(settings)
        kept = msgspec.structs.replace(settings.server, jobs=str(tmp_path / "jobs"))
        settings = msgspec.structs.replace(settings, server=kept)
        with process(settings, tmp_path / "at") as server:
            (disk / "other").write_bytes(b"x" * (RESERVE + 110 * MB))
            row = {"id": "late", "text": "there was no room"}
            job = upload(server, row)
            assert job["state"] == "failed"
            assert job["error"]["type"].endswith("StoreUnavailable")  # type: ignore[index]
            assert job["error"]["status"] == 503  # type: ignore[index]
            server.answers()
            (disk / "other").unlink()
            again = upload(server, row)
            assert again["state"] == "done", json.dumps(again)
            server.answers()


def test_a_clock_that_jumps_moves_nothing(settings: Settings, tmp_path: Path) -> None:
    if not FAKETIME.exists():
        pytest.skip("libfaketime is not installed (Debian: libfaketime)")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    rated = msgspec.structs.replace(settings.server, rate=600, burst=50)
    settings = msgspec.structs.replace(settings, server=rated)
    faked = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    before = ["env", *(f"{name}={value}" for name, value in faked.items())]
    with process(settings, tmp_path / "at", *before) as server:
        for n, days in enumerate((0, 400, -400, 0)):
            clock.write_text(f"{days * DAY_S:+d}")
            began = time.monotonic()
            server.answers()
            row = {"id": f"d{n}", "text": f"at day {days}"}
            assert upload(server, row)["state"] == "done"
            timed = {"x-request-timeout": "5"}
            asked = server.client.post("/v1/search", json={"query": "day"}, headers=timed)
            assert asked.status_code == 200
            slow = server.client.post(
                "/v1/search", json={"query": "wait 20 s"}, headers={"x-request-timeout": "0.3"}
            )
            assert slow.status_code == 503
            assert time.monotonic() - began < 20
        told = server.client.get("/v1/jobs").json()["jobs"]
        assert len(told) == 4
        shown = max(job["created"] for job in told) > min(job["created"] for job in told)
        assert shown


def test_a_model_that_goes_and_comes_back_costs_no_search(
    settings: Settings, tmp_path: Path
) -> None:
    upstream = Leaving(step=says("The freezer stays cold."))
    with running(upstream):
        pass
    port = int(upstream.url.rsplit(":", 1)[1])  # nobody listens there
    llm = LLMSettings(url=upstream.url, model="Qwen/Qwen2.5-test", replies_mb=0, retries=0)
    with process(msgspec.structs.replace(settings, llm=llm), tmp_path / "at") as server:
        assert expanded(server, 0) != "ok"
        for n in range(1, 5, 2):
            with running(upstream, port):
                assert expanded(server, n) == "ok"
            assert expanded(server, n + 1) != "ok"
            reply = server.client.post("/v1/answer", json={**ASKED, "generator": "inline"})
            assert reply.status_code in {200, 503}
        server.answers()


class Leaving(Canned):
    """Closes the connection behind every reply: nobody holds one when it goes."""

    async def answer(self, asked: Asked, write: Write) -> None:
        """Answer one request."""
        await super().answer(asked, write)
        await write.drain()
        write.close()


ASKED = {"query": "sample freezer", "k": 1}


def expanded(server: Process, n: int) -> str:
    """Search with an expansion, in words that nobody used; return what became of that."""
    asked = {**ASKED, "query": f"sample freezer {n}"}
    reply = server.client.post("/v1/search", json={**asked, "expand": ["query2doc"]})
    assert reply.status_code == 200
    assert reply.json()["results"][0]["document_id"] == "freezer.md"
    stages = {stage["name"]: str(stage["status"]) for stage in reply.json()["trace"]}
    return stages["expand query2doc"]
