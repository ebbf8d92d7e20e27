"""Spans and stages are one measurement, and stand where they belong whoever goes on with them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer, get_current_span

from rag.heartbeat import beating
from rag.spans import Timed, apart, following, headers, timed, told_to
from rag.values import Cost, Stage

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Kept:
    """Spans that have ended, by name."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer: Tracer = provider.get_tracer("test")

    def __getitem__(self, name: str) -> ReadableSpan:
        (found,) = (span for span in self.exporter.get_finished_spans() if span.name == name)
        return found

    def said(self, name: str) -> dict[str, object]:
        return dict(self[name].attributes or {})

    def parent(self, name: str) -> str:
        above = self[name].parent
        known = {s.context.span_id: s.name for s in self.exporter.get_finished_spans()}
        return known.get(above.span_id, "outside") if above else ""


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_a_stage_takes_as_long_as_its_span(kept: Kept) -> None:
    cost = Cost(calls=3, depth=1, tokens_in=70, tokens_out=7, cached=1)
    with told_to(kept.tracer), timed("find") as clock:
        stage = clock.stage(Stage("find", 0.0, "cut short", "a secret", cost))
    span = kept["find"]
    assert span.start_time is not None
    assert span.end_time is not None
    assert (span.end_time - span.start_time) / 1e6 == pytest.approx(stage.ms, abs=1e-6)
    assert stage == Stage("find", stage.ms, "cut short", "a secret", cost)
    assert kept.said("find") == {
        "firstcite.stage.status": "cut short",
        "firstcite.llm.calls": 3,
        "firstcite.llm.cached": 1,
        "firstcite.llm.tokens_read": 70,
        "firstcite.llm.tokens_written": 7,
        "firstcite.searches": 0,
    }
    assert "secret" not in span.to_json()


def test_where_nobody_is_told_stages_are_measured_all_the_same() -> None:
    with timed("find") as clock:
        assert headers() == {}
        assert not get_current_span().get_span_context().is_valid
        assert clock.stage(Stage("find", 0.0)).ms > 0


async def _saying() -> AsyncGenerator[int, None]:
    for number in range(3):
        with timed(f"piece {number}"):
            await asyncio.sleep(0)
        yield number


def test_what_a_stream_begins_stands_below_it_though_every_piece_is_a_task(kept: Kept) -> None:
    async def telling() -> AsyncGenerator[int, None]:
        with Timed("stage") as clock:
            async with aclosing(clock.over(_saying())) as pieces:
                async for piece in pieces:
                    yield piece

    async def run() -> None:
        with told_to(kept.tracer), timed("request"):
            async for _ in beating(telling()):
                with timed("listener"):
                    pass

    asyncio.run(run())
    assert kept.parent("stage") == "request"
    for number in range(3):
        assert kept.parent(f"piece {number}") == "stage"
    spans = kept.exporter.get_finished_spans()
    above = {s.parent.span_id for s in spans if s.name == "listener" and s.parent}
    assert above == {kept["request"].context.span_id}


def test_a_stream_that_is_left_says_so_and_is_no_failure(kept: Kept) -> None:
    async def run() -> None:
        with told_to(kept.tracer), Timed("stage") as clock:
            async with aclosing(clock.over(_left())) as pieces:
                async for _ in pieces:
                    break

    async def _left() -> AsyncGenerator[int, None]:
        with Timed("below"):
            yield 1

    asyncio.run(run())
    assert kept.said("below") == {"firstcite.left": True}
    assert kept["below"].status.is_unset


def test_tasks_side_by_side_have_their_own_parents(kept: Kept) -> None:
    async def one(name: str) -> None:
        with timed(name):
            await asyncio.sleep(0.001)
            async with asyncio.TaskGroup() as group:
                group.create_task(below(f"{name} below"))

    async def below(name: str) -> None:
        with timed(name):
            await asyncio.sleep(0.001)

    async def run() -> None:
        with told_to(kept.tracer), timed("all"):
            await asyncio.gather(*(one(name) for name in "abc"))

    asyncio.run(run())
    for name in "abc":
        assert kept.parent(name) == "all"
        assert kept.parent(f"{name} below") == name


def test_who_is_cancelled_and_who_fails_says_so_without_the_message(kept: Kept) -> None:
    async def run() -> None:
        async with asyncio.timeout(0.01):
            with told_to(kept.tracer), timed("waiting"):
                await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    with told_to(kept.tracer), pytest.raises(ValueError, match="secret"), timed("failing"):
        raise ValueError("secret")
    assert kept.said("waiting") == {"error.type": "cancelled"}
    assert kept.said("failing") == {"error.type": "ValueError"}
    for name in ("waiting", "failing"):
        assert not kept[name].status.is_ok
        assert "secret" not in kept[name].to_json()
        assert not kept[name].events


def test_another_server_is_told_to_go_on_and_so_are_we(kept: Kept) -> None:
    with told_to(kept.tracer), following({"traceparent": PARENT}), timed("here"):
        told = headers()["traceparent"].split("-")
    assert told[1] == PARENT.split("-")[1]
    assert told[2] == f"{kept['here'].context.span_id:016x}"
    assert kept.parent("here") == "outside"


def test_what_outlives_its_request_is_a_trace_of_its_own_in_which_nothing_is_told(
    kept: Kept,
) -> None:
    with told_to(kept.tracer), timed("request"):
        with apart("job", {"firstcite.job.id": "1"}), timed("call"):
            going = headers()["traceparent"]
        with timed("afterwards"):
            pass
    job = kept["job"]
    assert kept.parent("job") == ""
    assert [link.context.span_id for link in job.links] == [kept["request"].context.span_id]
    assert {s.name for s in kept.exporter.get_finished_spans()} == {"request", "job", "afterwards"}
    assert going.split("-")[1] == f"{job.context.trace_id:032x}"
    assert kept.parent("afterwards") == "request"
