"""Snapshots of a server are made by its client, and fetched and sent over its HTTP API."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from indexers.stores.server import connect
from indexers.stores.server_snapshots import fetch_snapshot, send_snapshot
from rag.errors import StoreUnavailable
from rag.sections import Secret, StoreSettings

DATA = bytes(range(256)) * 1_000
MADE = {"name": "pets@1-7.snapshot", "size": len(DATA), "creation_time": None, "checksum": None}


@dataclass
class Server:
    """What answers as Qdrant does, and what it was asked."""

    status: int = 200
    asked: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    sent: bytes = b""

    def answer(self, method: str, path: str, key: str, body: bytes) -> tuple[int, bytes]:
        self.asked.append(f"{method} {path}")
        self.keys.add(key)
        if "/upload" in path:
            self.sent = body
            return self.status, b"{}"
        if method == "GET":
            return self.status, DATA
        result = MADE if method == "POST" else True
        return 200, json.dumps({"result": result, "status": "ok", "time": 0.1}).encode()


@pytest.fixture
def qdrant() -> Iterator[tuple[Server, StoreSettings]]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers.get("transfer-encoding") == "chunked":
                raise AssertionError("a length is known")
            key = self.headers.get("api-key", "")
            status, data = server.answer(self.command, self.path, key, body)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _reply  # noqa: N815 - the names are http.server's

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{running.server_port}"
        # The client warns of a key that is sent without TLS; on loopback nobody listens.
        yield server, StoreSettings(url=url, grpc=False, api_key=Secret("secret"))
        running.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
@pytest.mark.anyio
async def test_a_snapshot_is_fetched_and_not_left_on_the_server(
    qdrant: tuple[Server, StoreSettings], tmp_path: Path
) -> None:
    server, settings = qdrant
    client = connect(settings)
    await fetch_snapshot(client, "pets@1", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == DATA
    assert server.keys == {"secret"}
    assert [line.partition("?")[0] for line in server.asked] == [
        "POST /collections/pets%401/snapshots",
        "GET /collections/pets%401/snapshots/pets%401-7.snapshot",
        "DELETE /collections/pets%401/snapshots/pets%401-7.snapshot",
    ]
    server.status = 500
    with pytest.raises(StoreUnavailable, match=r"500.*store\.url"):
        await fetch_snapshot(client, "pets@1", tmp_path / "y")
    assert server.asked[-1].startswith("DELETE ")
    await client.close()


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
@pytest.mark.anyio
async def test_a_snapshot_is_sent_whole(
    qdrant: tuple[Server, StoreSettings], tmp_path: Path
) -> None:
    server, settings = qdrant
    (tmp_path / "x").write_bytes(DATA)
    connection = connect(settings)
    await send_snapshot(connection, "pets@2", tmp_path / "x")
    assert DATA in server.sent
    assert server.asked == [
        "POST /collections/pets%402/snapshots/upload?priority=snapshot&wait=true"
    ]
    server.status = 403
    with pytest.raises(StoreUnavailable, match="403"):
        await send_snapshot(connection, "pets@2", tmp_path / "x")
    await connection.close()
