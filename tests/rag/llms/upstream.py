"""A small OpenAI-compatible server on loopback: its model repeats the last message, word by word.

Tokens are words. The template costs two tokens per message and one before the answer. What it can
do is set per test, and `script` holds what the next requests get instead of an answer.
"""

import asyncio
import json
import re
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass
class Asked:
    """A request that came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]  # JSON as it came


Write: TypeAlias = asyncio.StreamWriter
Step: TypeAlias = Callable[[Asked, Write], Awaitable[None]]


def status(code: int, body: object = None, **headers: str) -> Step:
    """Return the step that answers with this status; bytes go out as they are."""

    async def step(_: Asked, write: Write) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {code} Status\r\nContent-Length: {len(content)}\r\n{extra}\r\n"
        write.write(head.encode() + content)
        await write.drain()

    return step


def stream(*pieces: bytes, ends: bool = True, pause_s: float = 0.0, resets: bool = False) -> Step:
    """Return the step that sends pieces one after the other; `ends` as HTTP wants it, or breaks."""

    async def step(asked: Asked, write: Write) -> None:
        write.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for piece in pieces:
            write.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await write.drain()
            await asyncio.sleep(pause_s)
        if ends:
            write.write(b"0\r\n\r\n")
            await write.drain()
        elif resets:
            await asyncio.sleep(0.05)  # what was sent shall arrive before the reset discards it
            await reset(asked, write)
        else:
            write.close()

    return step


def event(text: str = "", finish: str | None = None) -> bytes:
    """Return a piece of a completion as a server-sent event."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice]}, ensure_ascii=False)}\n\n".encode()


async def reset(_: Asked, write: Write) -> None:
    """Reset the connection: without lingering, closing it sends RST and discards what waits."""
    raw: socket.socket = write.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    write.transport.abort()


async def stall(_: Asked, __: Write) -> None:
    """Answer nothing for ten seconds."""
    await asyncio.sleep(10)


def token_id(token: str) -> int:
    """Return the id of a token of one character, with a space before it or without."""
    return ord(token[-1]) + (1_000 if token[0] == " " and len(token) > 1 else 0)


DONE = b"data: [DONE]\n\n"
EMPTY = {"error": {"message": "unknown", "type": "invalid_request_error"}}


@dataclass
class Upstream:
    """What the server can do, what it was asked, and who is connected."""

    models: list[dict[str, object]] = field(
        default_factory=lambda: [{"id": "Qwen/Qwen2.5-test", "max_model_len": 2048}]
    )
    top: list[tuple[str, float]] = field(default_factory=lambda: [("A", -0.5), (" A", -2.0)])
    reported: int = 20  # of `top`
    most_top: int = 20  # 0: no log-probabilities, -1: they are left out in silence
    flags: bool = True  # knows continue_final_message
    prefills: bool = False  # continues the last turn by itself
    strict: bool = False  # refuses what it does not know, as hosted servers do
    scores: bool = True  # knows prompt_logprobs
    echoes: bool = True
    tokenizes: bool = True
    usage: bool = True
    limit: str = "max_tokens"  # the name that it takes, and the only one
    thinks: bool = False  # begins with a thought, unless it is told not to in the prompt
    key: str = ""
    pause_s: float = 0.0
    script: deque[Step] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    cut: list[Asked] = field(default_factory=list)  # texts to tokenize, which is asked in passing
    open: int = 0
    peak: int = 0
    dropped: int = 0
    connections: int = 0
    url: str = ""

    async def answer(self, asked: Asked, write: Write) -> None:
        """Answer one request."""
        if self.key and asked.headers.get("authorization") != f"Bearer {self.key}":
            text = f"wrong key: {asked.headers.get('authorization')}"
            await status(401, {"error": {"message": text}})(asked, write)
            return
        await asyncio.sleep(self.pause_s)
        routes: dict[str, Step] = {
            "/v1/models": status(200, {"object": "list", "data": self.models}),
            "/v1/chat/completions": self._chat,
            "/v1/completions": self._echo if self.echoes else status(404, EMPTY),
            "/tokenize": self._tokenize if self.tokenizes else status(404, EMPTY),
        }
        await routes.get(asked.path, status(404, EMPTY))(asked, write)

    async def _chat(self, asked: Asked, write: Write) -> None:
        refusal = self._refusal(asked.body)
        if refusal:
            await status(400, {"error": {"message": refusal}})(asked, write)
            return
        words = asked.body["messages"][-1]["content"].split()
        said = words[: asked.body[self.limit]]
        finish = "length" if len(said) < len(words) else "stop"
        if asked.body.get("stream"):
            pieces = [event(f" {word}" if i else word) for i, word in enumerate(said)]
            ends = [event(finish=finish), *([self._spent(asked.body, said)] if self.usage else [])]
            await stream(*pieces, *ends, DONE)(asked, write)
            return
        message = {"role": "assistant", "content": " ".join(said)}
        choice: dict[str, object] = {"index": 0, "message": message, "finish_reason": finish}
        if asked.body.get("logprobs") and self.most_top > 0:
            top = (
                [("<think>", -0.01), ("A", -6.0)] if self._begins_to_think(asked.body) else self.top
            )
            tops = [{"token": token, "logprob": logprob} for token, logprob in top]
            first = [
                {**t, "top_logprobs": tops[: self.reported]} for t in self._held(asked.body, tops)
            ]
            choice["logprobs"] = {"content": first[:1]}
        reply: dict[str, object] = {"choices": [choice]}
        if self.usage:
            reply["usage"] = self._cost(asked.body, said)
        if self.scores and "prompt_logprobs" in asked.body:
            reply["prompt_logprobs"] = self._scored(asked.body)
        await status(200, reply)(asked, write)

    def _held(self, body: dict[str, Any], tops: list[dict[str, object]]) -> list[dict[str, object]]:
        """Return the tokens that are allowed, where the server knows the parameter."""
        allowed = body.get("allowed_token_ids") if self.flags else None
        fitting = [top for top in tops if allowed and token_id(str(top["token"])) in allowed]
        return fitting or tops

    def _cost(self, body: dict[str, Any], said: list[str]) -> dict[str, int]:
        return {"prompt_tokens": self._tokens(body), "completion_tokens": len(said)}

    def _spent(self, body: dict[str, Any], said: list[str]) -> bytes:
        """Return the last event, which has no choices; only who asked for it gets one."""
        if not body.get("stream_options", {}).get("include_usage"):
            return b": nothing more\n\n"
        usage = self._cost(body, said)
        return f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode()

    async def _tokenize(self, asked: Asked, write: Write) -> None:
        """Cut a text into characters, a space and what follows being one; "T" is two tokens."""
        signs = re.findall(r" ?\S| ", asked.body["prompt"].replace("T", "tt"))
        await status(200, {"tokens": [token_id(sign) for sign in signs]})(asked, write)

    def _refusal(self, body: dict[str, Any]) -> str:
        if self.limit not in body:
            return f"Unsupported parameter: use '{self.limit}' instead."
        known = {"model", "messages", self.limit, "temperature", "logprobs", "top_logprobs"}
        unknown = set(body) - known - {"stream", "stream_options"}
        if self.strict and unknown:
            return f"unknown parameters: {sorted(unknown)}"
        if self.most_top >= 0 and body.get("top_logprobs", 0) > self.most_top:
            return f"top_logprobs must be at most {self.most_top}"
        if body.get("allowed_token_ids") == [] and self.flags:
            return "allowed_token_ids must not be empty"
        return ""

    def _is_open(self, body: dict[str, Any]) -> bool:
        flagged = self.flags and body.get("continue_final_message")
        return bool(body["messages"][-1]["role"] == "assistant" and (flagged or self.prefills))

    def _tokens(self, body: dict[str, Any]) -> int:
        words = sum(len(message["content"].split()) + 2 for message in body["messages"])
        # An open turn has no end, and no header follows it.
        unthinking = 2 if self.thinks and not self._begins_to_think(body) else 0
        return words + unthinking + (-1 if self._is_open(body) else 1)

    def _begins_to_think(self, body: dict[str, Any]) -> bool:
        told = body.get("chat_template_kwargs", {}).get("enable_thinking") is False
        return self.thinks and not (told and self.flags)

    def _scored(self, body: dict[str, Any]) -> list[dict[str, object] | None]:
        """Score the last message's words with −1 each, "the" as second to another with −2."""
        words = ["<user>", *" ".join(m["content"] for m in body["messages"]).split()]
        entries: list[dict[str, object] | None] = [None]
        for i, word in enumerate(words):
            entry = {"logprob": -1.0, "rank": 1, "decoded_token": f" {word}"}
            other = {"logprob": -0.1, "rank": 1, "decoded_token": " other"}
            own = entry | {"logprob": -2.0, "rank": 2}
            entries.append({str(i): own, "999": other} if word == "the" else {str(i): entry})
        return entries

    async def _echo(self, asked: Asked, write: Write) -> None:
        """Echo characters in tokens of four, −1 each, and one more token."""
        text = asked.body["prompt"] + "more"
        offsets = list(range(0, len(text), 4))
        logprobs = {"text_offset": offsets, "token_logprobs": [None, *[-1.0] * (len(offsets) - 1)]}
        spent = {"prompt_tokens": len(offsets) - 1, "completion_tokens": 1}
        choice = {"text": text, "logprobs": logprobs}
        await status(200, {"choices": [choice], "usage": spent})(asked, write)

    async def serve(self, reader: asyncio.StreamReader, write: Write) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        try:
            while True:
                asked = await _read(reader)
                (self.cut if asked.path == "/tokenize" else self.asked).append(asked)
                await self._one(asked, reader, write)
        except (asyncio.IncompleteReadError, ConnectionError, _Gone):
            pass
        finally:
            self.connections -= 1
            write.close()

    async def _one(self, asked: Asked, reader: asyncio.StreamReader, write: Write) -> None:
        """Answer one request; stop when the client goes away."""
        self.open += 1
        self.peak = max(self.peak, self.open)
        scripted = self.script and asked.path != "/tokenize"
        step = self.script.popleft() if scripted else self.answer
        work = asyncio.ensure_future(step(asked, write))
        # The client sends nothing until it has its answer: what can be read is its going away.
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self.dropped += 1
                raise _Gone
            work.result()
            if write.is_closing():
                raise _Gone
        finally:
            self.open -= 1
            work.cancel()
            gone.cancel()
            await asyncio.wait({work, gone})


class _Gone(Exception):
    """The client went away."""


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split()
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, json.loads(content) if content else {})


@asynccontextmanager
async def serving(upstream: Upstream, port: int = 0) -> AsyncIterator[Upstream]:
    """Serve on a free port; `upstream.url` is the address. Clients must leave before the end."""
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", port)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        server.close()
        async with asyncio.timeout(1):  # a client that leaves a connection behind fails here
            while upstream.connections:  # noqa: ASYNC110 - milliseconds
                await asyncio.sleep(0.001)
