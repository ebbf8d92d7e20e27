"""A call to a Qdrant server is a span, and the server is told to go on below it."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from rag.errors import StoreUnavailable
from rag.spans import timed, told_to
from tests.indexers.stores import test_server_grpc as by_grpc
from tests.indexers.stores import test_server_writing as by_http
from tests.indexers.stores.faulty import FaultyQdrant, Refused
from tests.seams.points import ask, point

pytestmark = pytest.mark.anyio


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(kept: InMemorySpanExporter) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return provider.get_tracer("test")


async def test_over_grpc(kept: InMemorySpanExporter, tracer: Tracer) -> None:
    points = by_grpc.Points([])
    async with by_grpc.store_on(points) as store:
        await store.find(ask())
        with told_to(tracer), timed("find"):
            await store.find(ask())
        await store.find(ask())
    call, find = kept.get_finished_spans()
    assert (call.name, find.name) == ("qdrant", "find")
    assert call.parent is not None
    assert call.parent.span_id == find.context.span_id
    assert call.attributes == {"db.system.name": "qdrant", "server.address": "127.0.0.1"}
    going = f"00-{call.context.trace_id:032x}-{call.context.span_id:016x}-"
    before, told, after = points.traceparents
    assert told.startswith(going)
    assert (before, after) == ("", "")


async def test_over_http_again_and_again_below_one_span(
    kept: InMemorySpanExporter, tracer: Tracer
) -> None:
    fake = FaultyQdrant([Refused(503), "ok"])
    async with by_http.store_on(fake) as store:
        with told_to(tracer):
            await store.put([point(1, {})])
    (call,) = kept.get_finished_spans()
    assert call.status.is_ok or call.status.is_unset
    assert [told[36:52] for told in fake.traceparents] == [f"{call.context.span_id:016x}"] * 2


async def test_what_fails_is_told_by_its_kind_alone(
    kept: InMemorySpanExporter, tracer: Tracer
) -> None:
    fake = FaultyQdrant([Refused(400, says="zanzibar")])
    async with by_http.store_on(fake) as store:
        with told_to(tracer), pytest.raises(StoreUnavailable, match="zanzibar"):
            await store.put([point(1, {})])
    (call,) = kept.get_finished_spans()
    assert not call.status.is_ok
    assert call.attributes is not None
    assert call.attributes["error.type"] == "StoreUnavailable"
    assert "zanzibar" not in call.to_json()
