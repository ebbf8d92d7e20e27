"""What a collector is told of requests that fail, and what becomes of requests without one."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.app import create_app
from api.jobs.disk import DiskShelf
from api.jobs.job import Job
from api.jobs.shelf import INPUT, new_id, now
from api.streaming import streamed
from api.tracing import Sending
from rag.citing.events import Event, Meta
from rag.errors import BadSettings, StoreUnavailable
from rag.settings import Settings
from rag.spans import timed, told_to
from tests.api.collected import Collector, asking, collecting, nested, traced
from tests.api.served import engine_of, fill, settings_over
from tests.api.upstreamed import Canned, running
from tests.rag.llms.upstream import stall

QUERY = {"query": "How long does the sample freezer stay cold?"}


def test_what_fails_says_so(filled: Settings, collector: Collector) -> None:
    upstream = Canned(step=stall)
    with running(upstream), traced(asking(filled, upstream), collector.url) as client:
        asked = {**QUERY, "generator": "inline", "samples": 2}
        client.post("/v1/answer", json=QUERY)  # what is opened once is open
        late = client.post("/v1/answer", json=asked, headers={"x-request-timeout": "3"})
        invalid = client.post("/v1/search", json=QUERY, headers={"x-request-timeout": "x"})
    assert (late.status_code, invalid.status_code) == (503, 400)
    root = collector.named("POST /v1/answer")[-1]
    assert root.failed
    assert root.said["error.type"] == "DeadlineExceeded"
    assert root.said["http.response.status_code"] == 503
    waited = collector.named("POST /v1/chat/completions")[-1]
    assert (waited.failed, waited.said["error.type"]) == (True, "cancelled")
    refused = collector.sole("POST /v1/search")
    assert (refused.failed, refused.said["http.response.status_code"]) == (False, 400)
    nested(collector)


def test_an_error_in_the_middle_of_a_stream_is_told_though_its_status_was_sent() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))

    async def run(error: Exception) -> None:
        with told_to(provider.get_tracer("test")), timed("request"):
            async for _ in (await streamed(_breaking(error))).iterator:  # type: ignore[union-attr]
                pass

    for error in (StoreUnavailable("secret"), ValueError("secret")):
        asyncio.run(run(error))
    told = [dict(span.attributes or {}) for span in kept.get_finished_spans()]
    assert told == [{"error.type": "StoreUnavailable"}, {"error.type": "ValueError"}]
    assert not any(span.status.is_ok for span in kept.get_finished_spans())


async def _breaking(error: Exception) -> AsyncGenerator[Event, None]:
    yield Meta("r")
    raise error


def test_a_request_whose_client_has_gone_is_cancelled(
    filled: Settings, collector: Collector
) -> None:
    upstream = Canned(step=stall)
    with running(upstream), traced(asking(filled, upstream), collector.url) as client:
        where = urlsplit(str(client.base_url))
        body = json.dumps({**QUERY, "generator": "inline", "stream": True}).encode()
        head = "POST /v1/answer HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        with socket.create_connection((where.hostname, where.port)) as leaving:
            leaving.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            deadline = time.monotonic() + 5
            while not any(a.path.endswith("completions") for a in upstream.asked):
                assert time.monotonic() < deadline
                time.sleep(0.01)
        while upstream.open:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    root = collector.sole("POST /v1/answer")
    assert root.failed
    assert root.said["error.type"] == "cancelled"
    nested(collector)


def test_a_job_that_was_left_is_a_trace_without_a_request(
    empty: Settings, collector: Collector
) -> None:
    shelf = DiskShelf(Path(empty.server.jobs), 3_600)
    job = Job(new_id(), "documents", "handbook", "default", "running", now())
    with shelf.coming() as folder:
        (folder / INPUT).write_bytes(b'{"id": "a", "text": "left behind"}\n')
        asyncio.run(shelf.keep(folder, job))
    with traced(empty, collector.url) as client:
        client.get(f"/v1/jobs/{job.job_id}/lines")
    span = collector.sole("job documents")
    assert span.said["firstcite.job.id"] == job.job_id
    assert (span.parent, span.links) == ("", ())


def test_without_a_collector_requests_are_answered_and_the_server_ends(
    filled: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with traced(filled, nobody) as client:
        for _ in range(200):  # more spans than a batch has
            assert client.post("/v1/search", json=QUERY).status_code == 200
    told = [record for record in caplog.records if record.name.startswith(("opentel", "firstcite"))]
    (warning,) = told
    assert nobody in warning.getMessage()
    assert warning.exc_info is None


class Shaky(SpanExporter):
    """Takes spans, or not."""

    def __init__(self) -> None:
        self.takes, self.asked = False, 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked += len(spans) + 1
        return SpanExportResult.SUCCESS if self.takes else SpanExportResult.FAILURE


def test_a_collector_that_comes_and_goes_is_told_of_once_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shaky = Shaky()
    sending = Sending(shaky, "http://collector:4318")
    for takes in (False, False, True, True, False, False):
        shaky.takes = takes
        sending.export(())
    told = [record.getMessage().split(" takes ")[1][:6] for record in caplog.records]
    assert told == ["no tra", "traces", "no tra"]
    sending.ending()
    sending.export(())
    assert shaky.asked == 6  # who did not answer is not asked again at the end


def test_two_applications_of_a_process_do_not_mix(tmp_path: Path) -> None:
    one, other = settings_over(tmp_path / "one"), settings_over(tmp_path / "other")
    fill(one)
    fill(other)
    with (
        collecting() as first,
        collecting() as second,
        traced(one, first.url) as a,
        traced(other, second.url) as b,
        traced_nowhere(tmp_path) as c,
    ):
        a.post("/v1/search", json=QUERY)
        b.post("/v1/search", json={**QUERY, "k": 1})
        b.post("/v1/search", json={**QUERY, "k": 1})
        c.post("/v1/search", json=QUERY)
    assert len(first.named("POST /v1/search")) == 1
    assert len(second.named("POST /v1/search")) == 2


@contextmanager
def traced_nowhere(folder: Path) -> Iterator[httpx.Client]:
    settings = settings_over(folder / "nowhere")
    fill(settings)
    with traced(settings, "") as client:
        yield client


@pytest.mark.parametrize("address", ["127.0.0.1:4318", "ftp://127.0.0.1", "http://"])
def test_what_is_no_address_is_refused_by_name(filled: Settings, address: str) -> None:
    of = msgspec.structs.replace(filled.server, otlp=address)
    settings = msgspec.structs.replace(filled, server=of)
    with pytest.raises(BadSettings, match=r"server\.otlp"):
        create_app(settings, lambda: engine_of(settings))
