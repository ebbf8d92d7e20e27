"""Clients that keep the server waiting: others are served meanwhile, and in time they are ended."""

import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import msgspec
import pytest

from tests.api.processes import MB, Process, process
from tests.api.served import fill, settings_over
from tests.api.test_hostile_requests import head, posted, status

PATIENCE_S = 2.0
MANY = 300


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("slow")
    settings = settings_over(folder / "store")
    fill(settings)
    limits = msgspec.structs.replace(
        settings.server,
        patience_s=PATIENCE_S,
        max_connections=MANY,
        max_searches=4,
        max_upload_bytes=64 * MB,
    )
    with process(msgspec.structs.replace(settings, server=limits), folder) as started:
        started.answers()
        yield started


def closed_after(connection: socket.socket, piece: bytes, every_s: float, most_s: float) -> float:
    """Send a piece now and then; return after how many seconds the connection was closed."""
    began = time.monotonic()
    connection.settimeout(every_s)
    while time.monotonic() - began < most_s:
        try:
            if connection.recv(1 << 16) == b"":
                return time.monotonic() - began
        except TimeoutError:
            pass
        except OSError:
            return time.monotonic() - began
        with suppress(OSError):
            connection.sendall(piece)
    return time.monotonic() - began


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET /health HTTP/1.1\r\nx-a: ", posted(b"{" + b" " * 9_000)[:-8_000]],
    ids=["nothing", "head", "body"],
)
def test_a_client_that_sends_a_byte_now_and_then_is_closed(
    server: Process, beginning: bytes
) -> None:
    with server.connect() as connection:
        connection.sendall(beginning)
        seconds = closed_after(connection, b"a" if beginning else b"", 0.2, 15)
    assert PATIENCE_S - 1 < seconds < 15
    server.answers()


def test_between_two_requests_a_connection_is_closed_soon(server: Process) -> None:
    with server.connect() as connection:
        connection.sendall(head("GET", "/health"))
        assert status(connection.recv(1 << 16)) == 200
        assert closed_after(connection, b"", 0.2, 15) < 15


def test_slow_bodies_take_no_place_from_searches(server: Process) -> None:
    with ExitStack() as stack:
        for _ in range(20):  # five times as many as may search at a time
            slow = stack.enter_context(server.connect())
            slow.sendall(posted(json.dumps({"query": "freezer"}).encode())[:-3])
        time.sleep(0.2)
        for _ in range(5):
            server.answers()


def test_a_slow_upload_goes_through(server: Process) -> None:
    body = b"".join(b'{"id": "%d", "text": "slow line %d"}\n' % (n, n) for n in range(400))
    kind = "content-type: application/x-ndjson"
    with server.connect() as connection:
        sent = head("POST", "/v1/documents?collection=slow", kind, f"content-length: {len(body)}")
        connection.sendall(sent)
        began = time.monotonic()
        for at in range(0, len(body), 500):  # 2,500 bytes a second
            connection.sendall(body[at : at + 500])
            time.sleep(0.2)
        assert time.monotonic() - began > 2 * PATIENCE_S
        told = b""
        while b'"kind":"documents"' not in told:
            piece = connection.recv(1 << 16)
            assert piece, told
            told += piece
    assert status(told) == 200
    assert b'"state":"done"' in told


def test_a_slow_answer_is_waited_for_however_long_it_takes(server: Process) -> None:
    reply = server.client.post("/v1/search", json={"query": f"wait {3 * PATIENCE_S} s", "k": 1})
    assert reply.status_code == 200


def test_thousands_of_idle_connections_leave_room_for_others(server: Process) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8_192), hard))
    memory, files = server.memory(), server.descriptors
    try:
        with ExitStack() as stack:
            for n in range(3_000):
                connection = stack.enter_context(server.connect())
                with suppress(OSError):
                    connection.sendall(b"GET / HTTP/1.1\r\nx: " if n % 2 else b"")
                if n % 500 == 499:
                    server.answers()
            assert server.descriptors <= files + MANY + 10
            assert server.memory() - memory < 32 * MB
        server.answers()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_never_reads_is_closed_and_costs_little_memory(server: Process) -> None:
    rows = b"".join(b'{"id": "%d", "text": "%s"}\n' % (n, b"long text " * 30) for n in range(3_000))
    kind = {"content-type": "application/x-ndjson"}
    reply = server.client.post(
        "/v1/documents", content=rows, headers=kind, params={"collection": "many"}
    )
    job = json.loads(reply.text.splitlines()[-1])
    assert job["state"] == "done"
    memory, files = server.memory(), server.descriptors
    with ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(_small_window(server))
            connection.sendall(head("GET", f"/v1/jobs/{job['job_id']}/lines") * 50)
        server.answers()
        until = time.monotonic() + 30
        while server.descriptors > files + 2:
            assert time.monotonic() < until, "readers that never read are not ended"
            assert server.memory() - memory < 32 * MB
            time.sleep(0.1)
    server.answers()


def _small_window(server: Process) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.connect(("127.0.0.1", server.port))
    return connection


def test_chunks_of_one_byte_keep_nobody_waiting(server: Process) -> None:
    with ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(server.connect())
            connection.settimeout(0.2)
            said = ("content-type: application/json", "transfer-encoding: chunked")
            with suppress(OSError):
                connection.sendall(head("POST", "/v1/search", *said) + b"1\r\na\r\n" * 40_000)
        server.answers()
