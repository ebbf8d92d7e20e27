"""Whatever bytes come: refused cheaply, and others are served meanwhile."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.api.processes import MB, Process, process
from tests.api.served import fill, settings_over


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("hostile")
    settings = settings_over(folder / "store")
    fill(settings)
    with process(settings, folder) as started:
        started.answers()
        yield started


def head(method: str, path: str, *lines: str) -> bytes:
    """Return the beginning of a request."""
    told = "".join(f"{line}\r\n" for line in ("host: localhost", *lines))
    return f"{method} {path} HTTP/1.1\r\n{told}\r\n".encode()


def posted(body: bytes, path: str = "/v1/search", kind: str = "application/json") -> bytes:
    """Return a whole request."""
    length = f"content-length: {len(body)}"
    return head("POST", path, f"content-type: {kind}", length, "connection: close") + body


def asked(**fields: object) -> bytes:
    """Return a search."""
    return posted(json.dumps({"query": "freezer", **fields}).encode())


def chunked(body: bytes) -> bytes:
    """Return a request in chunks."""
    return head("POST", "/v1/search", "transfer-encoding: chunked") + body


def replies(server: Process, sent: bytes, silence_s: float = 10) -> bytes:
    """Send bytes, and return what comes back until the connection is closed, or silent so long."""
    with server.connect() as connection:
        with suppress(OSError):  # refused before it was there
            connection.sendall(sent)
        connection.settimeout(silence_s)
        told = b""
        with suppress(ConnectionResetError, TimeoutError):
            while piece := connection.recv(1 << 16):
                told += piece
        return told


BODIES = {
    "nested lists": b'{"query": "x", "filter": ' + b"[" * 90_000,
    "nested objects": b'{"query": "x", "filter": '
    + b'{"a":' * 15_000
    + b"1"
    + b"}" * 15_000
    + b"}",
    "no UTF-8": b'{"query": "\xff\xfe\x80"}',
    "half a surrogate": b'{"query": "\\ud800"}',
    "a NUL": b'{"query": "a\\u0000b"}',
    "raw NULs": b"\0" * 10_000,
    "a huge integer": b'{"query": "x", "k": ' + b"9" * 50_000 + b"}",
    "a huge exponent": b'{"query": "x", "seconds": 1e999999}',
    "a number that is none": b'{"query": "x", "seconds": NaN}',
    "a huge number in a filter": b'{"query":"x","filter":{"metadata.year":' + b"9" * 4_000 + b"}}",
    "a float beyond all in a filter": b'{"query":"x","filter":{"metadata.year":{"gte":1e400}}}',
    "the same key twice": b'{"query": "a", "query": "b", "k": 1, "k": 2}',
    "very many keys": b"{" + b",".join(b'"a%d":1' % n for n in range(9_000)) + b"}",
    "an escape bomb": b'{"query": "' + b"\\u0041" * 10_000 + b'"}',
    "nothing": b"",
    "only a byte order mark": b"\xef\xbb\xbf",
}
REQUESTS = {
    "many headers": head("GET", "/health", *(f"x-{n}: {n}" for n in range(20_000))),
    "a huge header": head("GET", "/health", "x-bomb: " + "a" * MB),
    "a huge header name": head("GET", "/health", "a" * MB + ": x"),
    "a huge address": head("GET", "/" + "a" * MB),
    "a huge method": head("A" * MB, "/"),
    "no end of the first line": b"GET /" + b"a" * MB,
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "NULs": b"\0" * MB,
    "a NUL in a header": head("GET", "/health", "x-nul: a\0b"),
    "a folded header": head("GET", "/health", "x-a: b", " folded"),
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "two hosts": head("GET", "/health", "host: other"),
    "a length that is none": head("POST", "/v1/search", "content-length: ten"),
    "a negative length": head("POST", "/v1/search", "content-length: -1"),
    "a length beyond all": head("POST", "/v1/search", "content-length: " + "9" * 400),
    "two lengths": head("POST", "/v1/search", "content-length: 2", "content-length: 3") + b"{}x",
    "a length with a plus": head("POST", "/v1/search", "content-length: +2") + b"{}",
    "an unknown coding": head("POST", "/v1/search", "transfer-encoding: cows"),
    "chunked twice": head("POST", "/v1/search", "transfer-encoding: chunked, chunked"),
    "a chunk that is none": chunked(b"zz\r\nhello\r\n"),
    "a chunk beyond all": chunked(b"f" * 17 + b"\r\n"),
    "an endless chunk extension": chunked(b"1;" + b"a" * MB),
    "endless trailers": chunked(b"0\r\n" + b"a: b\r\n" * 100_000),
    "a websocket": head("GET", "/health", "connection: upgrade", "upgrade: websocket"),
    "HTTP/2 by upgrade": head("GET", "/health", "connection: upgrade", "upgrade: h2c"),
    "a proxy's method": head("CONNECT", "example.org:443"),
    "a trace": head("TRACE", "/health"),
    "a star": head("OPTIONS", "*"),
    "a path with NULs": head("GET", "/v1/documents/%00%00"),
    "a path without UTF-8": head("GET", "/v1/documents/%ff%fe"),
    "a path upwards": head("GET", "/v1/documents/../../../../etc/passwd"),
    "a job upwards": head("GET", "/v1/jobs/..%2f..%2f..%2fetc%2fpasswd"),
    "a collection upwards": head("GET", "/v1/collections/..%2f.."),
    "a query without UTF-8": head("GET", "/v1/documents/a?collection=%ff"),
    "very many parameters": head("GET", "/v1/documents/a?" + "&".join(["principal=a"] * 1_000)),
    "an absolute address": b"GET http://localhost/nothing HTTP/1.1\r\nhost: localhost\r\n\r\n",
}


def status(told: bytes) -> int:
    """Return the status of the first reply; 0 where the connection was only closed."""
    return int(told.split(b" ", 2)[1]) if told.startswith(b"HTTP/1.1 ") else 0


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_no_request_of_this_server_is_refused(server: Process, name: str) -> None:
    before = server.memory()
    told = replies(server, REQUESTS[name], 0.5)
    well_formed = {"a websocket": 200, "HTTP/2 by upgrade": 200, "a trace": 405, "a star": 404}
    well_formed["a folded header"] = 200
    assert status(told) in {0, well_formed.get(name, 0), 400, 403, 404, 413, 415, 431, 501}, told
    assert server.memory() - before < 8 * MB
    server.answers()


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_search_is_refused_or_means_what_it_says(
    server: Process, name: str
) -> None:
    told = replies(server, posted(BODIES[name]))
    taken = {"a NUL", "the same key twice", "an escape bomb", "a huge number in a filter"}
    assert status(told) in ({200, 400} if name in taken else {400}), told[:500]
    server.answers()
    for path in ("/v1/documents", "/v1/answer", "/v1/chat/completions", "/v1/embeddings"):
        assert status(replies(server, posted(BODIES[name], path))) in {200, 400}, path
    lines = posted(BODIES[name] + b"\n", "/v1/documents", "application/x-ndjson")
    assert status(replies(server, lines)) in {200, 400}
    server.answers()


def test_pipelined_requests_are_answered_in_order(server: Process) -> None:
    wanted = [f"/v1/documents/{name}.md" for name in ("badge", "freezer", "nobody", "badge")]
    told = replies(server, b"".join(head("GET", path) for path in wanted), 2)
    assert re.findall(rb"HTTP/1.1 (\d+)", told) == [b"200", b"200", b"404", b"200"]
    assert told.index(b'"badge.md"') < told.index(b'"freezer.md"') < told.index(b"nobody.md")


def test_very_many_pipelined_requests_take_no_memory(server: Process) -> None:
    before = server.memory()
    with server.connect() as connection:
        connection.settimeout(0.5)
        with suppress(OSError):  # nobody reads the replies
            for _ in range(10_000):
                connection.sendall(head("GET", "/health") * 100)
        server.answers()
        assert server.memory() - before < 16 * MB


def test_http_1_0_is_answered_and_closed(server: Process) -> None:
    told = replies(server, b"GET /health HTTP/1.0\r\n\r\n")
    assert status(told) == 200
    assert told.endswith(b'"ok"}') or b"\r\n\r\n{" in told


def test_a_request_is_not_smuggled_in_the_body_of_another(server: Process) -> None:
    inner = head("GET", "/v1/documents/badge.md")
    both = ("content-type: application/json", f"content-length: {len(inner) + 5}")
    sent = head("POST", "/v1/search", *both, "transfer-encoding: chunked") + b"0\r\n\r\n" + inner
    told = replies(server, sent, 1)
    assert told.count(b"HTTP/1.1 ") == 1
    assert status(told) == 400


def test_a_large_body_is_refused_before_it_is_there(server: Process) -> None:
    for path, kind in (
        ("/v1/search", "application/json"),
        ("/v1/documents", "application/x-ndjson"),
        ("/v1/files/a.txt", "text/plain"),
    ):
        method = "PUT" if "files" in path else "POST"
        with server.connect() as connection:
            said = (f"content-type: {kind}", f"content-length: {1 << 30}")
            connection.sendall(head(method, path, *said))
            told = b""
            while piece := connection.recv(1 << 16):  # to the end, which comes at once
                told += piece
            assert status(told) == 413
            # A client that had sent the whole of it would ask again here, and never be heard.
            assert b"connection: close\r\n" in told
        server.answers()


def test_a_client_goes_on_after_a_large_body_was_refused(server: Process) -> None:
    large, of = b"x" * (2 * MB), {"content-type": "application/json"}
    with httpx.Client(base_url=server.client.base_url, timeout=10) as client:
        for _ in range(50):
            refused = client.post("/v1/search", content=large, headers=of)
            assert (refused.status_code, refused.headers["connection"]) == (413, "close")
            assert client.get("/health").status_code == 200


def test_a_small_body_that_is_refused_keeps_its_connection(server: Process) -> None:
    of = {"content-type": "application/json"}
    with httpx.Client(base_url=server.client.base_url, timeout=10) as client:
        for _ in range(3):
            refused = client.post("/v1/search", content=b"no!", headers=of)
            assert (refused.status_code, refused.headers.get("connection")) == (400, None)


@pytest.mark.parametrize("honest", [True, False], ids=["honest", "chunked"])
@pytest.mark.parametrize("path", ["/v1/search", "/v1/documents", "/v1/files/a.txt"])
def test_a_body_of_a_gigabyte_is_held_nowhere(server: Process, honest: bool, path: str) -> None:
    method = "PUT" if "files" in path else "POST"
    framing = f"content-length: {1 << 30}" if honest else "transfer-encoding: chunked"
    kind = "content-type: " + ("application/json" if "search" in path else "application/x-ndjson")
    piece = b"x" * MB
    framed = piece if honest else b"100000\r\n" + piece + b"\r\n"
    told = b""
    most, files = server.memory("VmHWM"), server.descriptors
    with server.connect() as connection:
        connection.sendall(head(method, path, kind, framing))
        with suppress(OSError):
            for _ in range(1_024):
                connection.sendall(framed)
        with suppress(ConnectionResetError):
            told = connection.recv(1 << 16)
    assert status(told) in {413, 0}
    assert server.memory("VmHWM") - most < 8 * MB
    server.answers()
    assert server.descriptors <= files + 1
