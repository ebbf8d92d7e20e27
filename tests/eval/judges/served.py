"""A small OpenAI-compatible server in a thread of its own: it grades, and counts what it grades."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = Callable[[str], str]
"""Returns what the model writes to a prompt; an empty text is a status of 400."""


class Grading(ThreadingHTTPServer):
    """Knows `asked`, the prompts with a passage, in the order in which they were answered."""

    daemon_threads = True

    def __init__(self, reply: Reply, pause_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply = reply
        self.pause_s = pause_s
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Grading

    def do_GET(self) -> None:
        found = self.path == "/v1/models"
        self._send(200 if found else 404, {"object": "list", "data": [{"id": "grader-7b"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self._send(404, {"error": {"message": "unknown"}})
            return
        prompt = str(body["messages"][-1]["content"])
        text = "A"
        if "<passage>" in prompt:
            time.sleep(self.server.pause_s)
            self.server.asked.append(prompt)
            text = self.server.reply(prompt)
        if not text:
            self._send(400, {"error": {"message": "no"}})
            return
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": len(text.split())}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self._send(200, {"choices": [choice], "usage": usage})

    def _send(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Write nothing."""


@contextmanager
def grading(reply: Reply, pause_s: float = 0.0) -> Iterator[Grading]:
    """Serve on a free loopback port."""
    with Grading(reply, pause_s) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
