"""Spans: when something began and how long it took, below what, as OpenTelemetry has it.

A stage is measured here, once: `Stage.ms` and the length of its span are one figure. Where spans go
says whoever serves (`told_to`); until then they go nowhere and cost microseconds. What they say of
themselves are names and figures, never a text that somebody wrote.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NoOpTracer,
    SpanContext,
    SpanKind,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rag.values import Stage

T = TypeVar("T")
Attributes: TypeAlias = Mapping[str, str | int | bool]

NOWHERE = NoOpTracer()
_tracer: ContextVar[Tracer] = ContextVar("tracer", default=NOWHERE)
_W3C = TraceContextTextMapPropagator()


@contextmanager
def told_to(tracer: Tracer) -> Iterator[None]:
    """Send spans that begin inside, in tasks that begin inside too, where a tracer sends them."""
    token = _tracer.set(tracer)
    try:
        yield
    finally:
        _tracer.reset(token)


@contextmanager
def following(carried: Mapping[str, str]) -> Iterator[None]:
    """Put below the span that headers tell of what begins inside; below none where none do."""
    token = attach(_W3C.extract(carried, Context()))
    try:
        yield
    finally:
        detach(token)


class Timed:
    """A span below the current one, and the clock that it ends by; both end with the block.

    It is not the current one itself but where `current` or `over` say so: a block with a `yield` in
    it may be gone on with in another task.
    """

    def __init__(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes | None = None,
        links: Sequence[SpanContext] = (),
    ) -> None:
        self._began, self._took = time.perf_counter_ns(), 0
        self._since = time.time_ns()
        tracer = _tracer.get()
        self._told = tracer is not NOWHERE
        self._span = (
            tracer.start_span(
                name,
                kind=kind,
                attributes=attributes,
                links=[Link(other) for other in links if other.is_valid],
                start_time=self._since,
            )
            if self._told
            else INVALID_SPAN
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        if isinstance(error, GeneratorExit):  # whoever listened has heard enough
            self.note({"firstcite.left": True})
        elif error is not None:
            self.failed(_kind(error))
        self._span.end(self._since + (self._took or time.perf_counter_ns() - self._began))

    def note(self, attributes: Attributes) -> None:
        """Say more of what is done."""
        self._span.set_attributes(attributes)

    def failed(self, kind: str) -> None:
        """Say what kind of failure this was; what an error says is not told."""
        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)

    def stage(self, stage: Stage) -> Stage:
        """Return the stage with the time until now, which is that of the span, too."""
        self._took = time.perf_counter_ns() - self._began
        if self._span.is_recording():
            self._span.set_attributes(_said(stage))
            if stage.status == "failed":
                self._span.set_status(StatusCode.ERROR)
        return replace(stage, ms=self._took / 1e6)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Put below the span what begins inside, which must not yield."""
        if not self._told:
            yield
            return
        token = attach(set_span_in_context(self._span))
        try:
            yield
        finally:
            detach(token)

    async def over(self, pieces: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """Yield what a stream yields; what making it begins stands below the span."""
        async with aclosing(pieces):
            while True:
                try:
                    with self.current():
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                yield piece


@contextmanager
def timed(
    name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes | None = None
) -> Iterator[Timed]:
    """Give a span that is the current one inside, where nothing may yield."""
    with Timed(name, kind, attributes) as span, span.current():
        yield span


@contextmanager
def apart(name: str, attributes: Attributes) -> Iterator[Timed]:
    """Give a span that begins a trace of its own, linked to the current one: work that outlives it.

    Nothing below it is told: there may be a million calls of a model in it.
    """
    link = get_current_span().get_span_context()
    with (
        following({}),
        Timed(name, attributes=attributes, links=[link]) as span,
        span.current(),
        told_to(NOWHERE),
    ):
        yield span


def note(attributes: Attributes) -> None:
    """Say more of what the current span is about."""
    get_current_span().set_attributes(attributes)


def blame(error: BaseException) -> None:
    """Say which kind of error the current span ends with."""
    get_current_span().set_attribute("error.type", _kind(error))
    get_current_span().set_status(StatusCode.ERROR)


def headers() -> dict[str, str]:
    """Return the headers by which another server goes on with this trace; none where none is.

    >>> headers()
    {}
    """
    carried: dict[str, str] = {}
    _W3C.inject(carried)
    return carried


def _kind(error: BaseException) -> str:
    return "cancelled" if isinstance(error, asyncio.CancelledError) else type(error).__name__


def _said(stage: Stage) -> Attributes:
    cost = stage.cost
    figures = {
        "firstcite.llm.calls": cost.calls,
        "firstcite.llm.cached": cost.cached,
        "firstcite.llm.tokens_read": cost.tokens_in,
        "firstcite.llm.tokens_written": cost.tokens_out,
        "firstcite.searches": cost.searches,
    }
    return {"firstcite.stage.status": stage.status} | (
        figures if cost.calls or cost.searches else {}
    )
