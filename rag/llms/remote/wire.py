"""HTTP: a server asked within deadlines, tried again, streamed, and its failures as our errors."""

import asyncio
import email.utils
import itertools
import random
import re
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

import httpx
import msgspec
from opentelemetry.trace import SpanKind

from rag.deadline import remaining
from rag.errors import BadPrompt, BadSettings, LLMUnavailable
from rag.llms.remote.shapes import Body, Problem
from rag.sections import MASK, Secret
from rag.spans import Timed, headers

T = TypeVar("T")

RETRIED = frozenset({429, 500, 502, 503, 504})
_LONGEST_WAIT_S = 8.0  # chosen: the most that backing off doubles up to
_EXCERPT = 300
_TOO_LONG = re.compile(
    r"context.?(length|size|window)|max_model_len|maximum model length|prompt is too long",
    re.IGNORECASE,
)
_JITTER = random.SystemRandom()


def open_client(url: str, api_key: Secret, timeout_s: float, concurrency: int) -> httpx.AsyncClient:
    """Return a client for the server at an address; whoever opens it closes it.

    Raises:
        BadSettings: the url or the key cannot be used.
    """
    return httpx.AsyncClient(
        base_url=_base(url),
        headers=_headers(api_key),
        timeout=timeout_s,
        limits=httpx.Limits(max_connections=concurrency),
        trust_env=False,  # only settings read the environment, and a .netrc would beat the key
    )


class _Refused(LLMUnavailable):
    """The server answered that it will not or cannot do it."""


class Wire:
    """The server as requests and typed replies: limits, retries, and errors without the key."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        api_key: Secret,
        timeout_s: float,
        concurrency: int,
        retries: int,
        backoff_s: float,
    ) -> None:
        self.where = f"the server of llm.url ({client.base_url.netloc.decode()})"
        self._client = client
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(concurrency)
        self._retries = retries
        self._backoff_s = backoff_s

    async def ask(self, kind: type[T], path: str, body: Body | None = None) -> T:
        """Return the decoded reply; GET where there is no body.

        Raises:
            BadPrompt: the server says that the prompt is too long.
            LLMUnavailable: it refuses, does not answer, or sends something else.
        """
        async with self._slots:  # kept while waiting to try again: less load on who is overloaded
            with self._span(path, body) as span:
                response = await self._send(self._request(path, body), span, stream=False)
        return self.read(response.content, kind)

    async def probe(self, kind: type[T], path: str, body: Body | None = None) -> T | None:
        """Return the reply, or None where the server refuses or sends something else."""
        try:
            return await self.ask(kind, path, body)
        except _Refused:
            return None

    @asynccontextmanager
    async def events(self, path: str, body: Body) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """Give the data of a stream's events; the request ends with the block."""
        async with self._slots:
            with self._span(path, body) as span:
                response = await self._send(self._request(path, body), span, stream=True)
                async with aclosing(response), aclosing(self._data(response)) as events:
                    yield events

    def read(self, content: bytes, kind: type[T]) -> T:
        """Return JSON as a value.

        Raises:
            LLMUnavailable: it is none, or of another shape.
        """
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            text = content.decode(errors="replace")
            raise _Refused(self.clean(f"sent what makes no sense ({error}): {text}")) from None

    def clean(self, text: str) -> str:
        """Return a message that begins with the server, is not long, and has no key in it."""
        shown = text.replace(self._api_key, MASK) if self._api_key else text
        cut = shown if len(shown) <= _EXCERPT else f"{shown[:_EXCERPT]}…"
        return f"{self.where}: {cut}"

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _request(self, path: str, body: Body | None) -> httpx.Request:
        if body is None:
            return self._client.build_request("GET", path)
        try:
            content = msgspec.json.encode(body)
        except UnicodeEncodeError as error:
            raise BadPrompt(f"the prompt cannot be sent ({error.reason}): mend its text") from None
        return self._client.build_request("POST", path, content=content)

    def _span(self, path: str, body: Body | None) -> Timed:
        """Return the span of a request and all of its tries."""
        url, method = self._client.base_url, "GET" if body is None else "POST"
        asked: dict[str, str | int] = {"http.request.method": method, "server.address": url.host}
        if url.port:
            asked["server.port"] = url.port
        return Timed(f"{method} {path}", SpanKind.CLIENT, asked)

    async def _send(self, request: httpx.Request, span: Timed, *, stream: bool) -> httpx.Response:
        with span.current():
            request.headers.update(headers())
        for attempt in itertools.count(1):
            outcome = await self._try(request, stream=stream)
            if attempt > 1:
                span.note({"http.request.resend_count": attempt - 1})
            if isinstance(outcome, httpx.Response):
                span.note({"http.response.status_code": outcome.status_code})
                if outcome.is_success:
                    return outcome
            wait = self._wait(outcome, attempt)
            if wait is None:
                raise self._error(outcome, attempt)
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def _try(self, request: httpx.Request, *, stream: bool) -> httpx.Response | str:
        """Return the server's answer, or why there is none."""
        # A nearer deadline ends this by itself, and must come out as what it is.
        limit = self._timeout_s if self._timeout_s < remaining() else None
        try:
            async with asyncio.timeout(limit):
                response = await self._client.send(request, stream=stream)
                if stream and not response.is_success:
                    async with aclosing(response):
                        await response.aread()
                return response
        except (TimeoutError, httpx.TimeoutException):
            return f"no answer within {self._timeout_s:g} s"
        except httpx.RequestError as error:
            return f"{type(error).__name__}: {error}"

    def _wait(self, outcome: httpx.Response | str, attempt: int) -> float | None:
        """Return the seconds until the next try, or None where there is to be none."""
        passes = isinstance(outcome, str) or outcome.status_code in RETRIED
        if not passes or attempt > self._retries:
            return None
        most = min(_LONGEST_WAIT_S, self._backoff_s * 2.0 ** (attempt - 1))
        wait = _JITTER.uniform(0.0, most)  # full jitter: AWS Architecture Blog, Brooker 2015
        if isinstance(outcome, httpx.Response):
            wait = max(wait, _retry_after(outcome.headers.get("retry-after", "")))
        return wait if wait < min(self._timeout_s, remaining()) else None

    def _error(self, outcome: httpx.Response | str, attempts: int) -> BadPrompt | LLMUnavailable:
        if isinstance(outcome, str):
            return LLMUnavailable(
                self.clean(f"{outcome} (tried {attempts}×): is it up, and is llm.url right?")
            )
        status, text = outcome.status_code, _message(outcome.content)
        if status in {401, 403}:
            return LLMUnavailable(self.clean(f"{status}, set llm.api_key: {text}"))
        if status == 413 or (status in {400, 422} and _TOO_LONG.search(outcome.text)):
            return BadPrompt(self.clean(f"send fewer or shorter passages: {text}"))
        says = self.clean(f"{status} (tried {attempts}×): {text}")
        return (LLMUnavailable if status in RETRIED - {500} else _Refused)(says)

    async def _data(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield what stands after "data:" until the end that the server sends.

        Raises:
            LLMUnavailable: the connection ends before.
        """
        why = "it closed the connection"
        try:
            async with aclosing(_lines(response)) as lines:
                async for line in lines:
                    if line == b"data: [DONE]" or line == b"data:[DONE]":
                        return
                    if line.startswith(b"data:"):
                        yield line.removeprefix(b"data:").strip()
        except httpx.RequestError as error:
            why = f"{type(error).__name__}: {error}"
        raise LLMUnavailable(self.clean(f"the stream ended before the completion did: {why}"))


async def _lines(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield lines; httpx's own end at U+2028 too, which JSON may hold as it is."""
    rest = b""
    async for block in response.aiter_bytes():
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")
    if rest:
        yield rest


async def together(calls: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """Return all results in order; the first error cancels the rest and comes out as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as failed:
        first = failed.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise first


def _message(content: bytes) -> str:
    """Return what an error's body says, in any of the shapes that servers use."""
    raw = content.decode(errors="replace").strip()
    try:
        said = msgspec.json.decode(content, type=Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return raw
    inner = said.error if isinstance(said.error, str) else said.error.message
    return inner or said.message or raw


def _retry_after(value: str) -> float:
    """Return the seconds that a Retry-After asks for: a number or an HTTP date; else 0."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (email.utils.parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return seconds if seconds > 0 else 0.0


def _base(url: str) -> str:
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise BadSettings(f"llm.url is '{url}': {error}: write http://HOST:PORT") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise BadSettings(f"llm.url is '{url}': write http://HOST:PORT or https://HOST")
    return str(parsed).rstrip("/").removesuffix("/v1")


def _headers(api_key: Secret) -> dict[str, str]:
    if not (api_key.isascii() and api_key.isprintable()):
        raise BadSettings("llm.api_key has characters that no HTTP header can carry")
    key = {"authorization": f"Bearer {api_key}"} if api_key else {}
    return {"content-type": "application/json"} | key
