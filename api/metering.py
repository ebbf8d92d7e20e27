"""What the server did, in figures for Prometheus."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from api.problems import status_of
from rag.citing.events import Event, Final
from rag.settings import figures_folder
from rag.values import Answer
from rag.values.stages import Trace

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
"""Seconds: from a cached search to an answer of a large model on a small machine."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Those that are counted by their name, where anybody may send any."""


class Meter:
    """Counts of one application, and what the other processes of its server count."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "firstcite_request_seconds",
            "Time until a reply was sent whole",
            ["route", "method", "status"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._stages = Histogram(
            "firstcite_stage_seconds",
            "Time of a stage of a query",
            ["stage", "status"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._tokens = Counter(
            "firstcite_llm_tokens",
            "Tokens that a language model has read or written",
            ["stage", "direction"],
            registry=self._registry,
        )
        self._calls = Counter(
            "firstcite_llm_calls",
            "Requests to a language model, answered from the cache or not",
            ["stage", "cached"],
            registry=self._registry,
        )
        self._answers = Counter(
            "firstcite_answers", "Answers", ["answerable"], registry=self._registry
        )
        self._running = Gauge(
            "firstcite_requests_in_progress",
            "Requests that are being answered",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._jobs = Gauge(
            "firstcite_jobs_unfinished",
            "Jobs",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def trace(self, trace: Trace) -> None:
        """Count the stages of a query."""
        for stage in trace:
            self._stages.labels(stage.name, stage.status).observe(stage.ms / 1_000)
            cost = stage.cost
            if cost.calls:
                self._tokens.labels(stage.name, "read").inc(cost.tokens_in)
                self._tokens.labels(stage.name, "written").inc(cost.tokens_out)
                self._calls.labels(stage.name, "yes").inc(cost.cached)
                self._calls.labels(stage.name, "no").inc(cost.calls - cost.cached)

    def answer(self, answer: Answer) -> None:
        """Count an answer and its stages."""
        self._answers.labels(answer.answerable).inc()
        self.trace(answer.trace)

    async def events(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        """Yield the events of an answer, and count it when it is there."""
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Final):
                    self.answer(event.answer)
                yield event

    def began(self) -> None:
        """Count a request that is being answered."""
        self._running.inc()

    def ended(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._running.dec()
        self._requests.labels(route, method, str(status)).observe(seconds)

    def jobs(self, unfinished: int) -> None:
        """Note how many jobs this process has not finished."""
        self._jobs.set(unfinished)

    async def unrouted(self, message: Message, scope: Scope) -> None:
        """Count a reply to what led to no route, before it is sent: no middleware sees it."""
        if message["type"] == "http.response.start" and not scope.get("path_template"):
            method = str(scope.get("method", ""))
            known = method if method in METHODS else "other"
            self._requests.labels("none", known, str(message["status"])).observe(0)

    def exposed(self) -> bytes:
        """Return all figures as Prometheus reads them, of every process of this server."""
        folder = figures_folder()
        if folder is None:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, str(folder))  # type: ignore[no-untyped-call]
        return generate_latest(together)


def forget_process(pid: int) -> None:
    """Count a process no longer that is gone: what it was at work in is not under way any more."""
    folder = figures_folder()
    if folder is not None:
        mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


class Metering(ASGIMiddleware):
    """Counts every request, by its route and not by its path: there are as many as routes."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer a request, and count it."""
        began, status = time.perf_counter(), 499  # who goes away before is counted as in nginx

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._meter.began()
        try:
            await next_app(scope, receive, noting)
        except Exception as error:  # of another middleware: it is answered further out
            status = status_of(error)
            raise
        finally:
            route = scope["path_template"]
            seconds = time.perf_counter() - began
            method = str(scope.get("method", ""))
            self._meter.ended(route, method, status, seconds)
