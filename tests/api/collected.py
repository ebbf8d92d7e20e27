"""An OTLP collector on loopback that keeps the spans it is sent."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from api.app import create_app
from rag.sections import LLMSettings
from rag.settings import Settings
from tests.api.served import Served, engine_of, wait_until_ready
from tests.rag.llms.upstream import Upstream


@dataclass(frozen=True)
class Span:
    """A span as it came over the wire."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str  # "" where there is none
    links: tuple[str, ...]
    start: int  # nanoseconds
    end: int
    failed: bool
    said: dict[str, Any]

    @property
    def ms(self) -> float:
        """How long it took."""
        return (self.end - self.start) / 1e6


@dataclass
class Collector:
    """What a collector was sent, and the bytes in which it came."""

    url: str = ""
    status: int = 200
    spans: list[Span] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def carried(self, span: Span, sent: Upstream) -> bool:
        """Whether a server was told to go on below a span."""
        told = (asked.headers.get("traceparent", "") for asked in sent.asked)
        return any(one.startswith(f"00-{span.trace}-{span.id}-") for one in told)

    def named(self, name: str) -> list[Span]:
        """Return the spans of a name, in the order in which they began."""
        found = [span for span in self.spans if span.name == name]
        return sorted(found, key=lambda span: span.start)

    def sole(self, name: str) -> Span:
        """Return the only span of a name."""
        (found,) = self.named(name)
        return found

    def below(self, span: Span) -> list[Span]:
        """Return the children of a span, in the order in which they began."""
        found = [one for one in self.spans if (one.trace, one.parent) == (span.trace, span.id)]
        return sorted(found, key=lambda one: one.start)

    def names_below(self, span: Span) -> list[str]:
        """Return the names of a span's children, in the order in which they began."""
        return [child.name for child in self.below(span)]

    def take(self, body: bytes) -> None:
        """Keep what was sent."""
        self.raw.append(body)
        for of in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(_said(of.resource.attributes))
            self.spans += [_span(sent) for scope in of.scope_spans for sent in scope.spans]


def _span(sent: Sent) -> Span:
    return Span(
        sent.name,
        Sent.SpanKind.Name(sent.kind).removeprefix("SPAN_KIND_").lower(),
        sent.trace_id.hex(),
        sent.span_id.hex(),
        sent.parent_span_id.hex(),
        tuple(link.span_id.hex() for link in sent.links),
        sent.start_time_unix_nano,
        sent.end_time_unix_nano,
        sent.status.code == Status.STATUS_CODE_ERROR,
        _said(sent.attributes),
    )


def _said(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """Collect on a free port."""
    collector = Collector()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            assert self.headers["content-type"] == "application/x-protobuf"
            body = self.rfile.read(int(self.headers["content-length"]))
            if collector.status == 200:
                collector.take(body)
            self.send_response(collector.status)
            reply = ExportTraceServiceResponse().SerializeToString()
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def traced(settings: Settings, url: str, **changes: object) -> Iterator[httpx.Client]:
    """Serve with a collector; all spans are there when the block has ended."""
    of = msgspec.structs.replace(settings.server, otlp=url, **changes)
    settings = msgspec.structs.replace(settings, server=of)
    served = Served(create_app(settings, lambda: engine_of(settings)))
    try:
        wait_until_ready(served.client)
        yield served.client
    finally:
        served.stop()


def asking(settings: Settings, upstream: Upstream) -> Settings:
    """Settings with a language model at an address, whose replies are not kept."""
    llm = LLMSettings(url=upstream.url, model="Qwen/Qwen2.5-test", replies_mb=0, retries=0)
    return msgspec.structs.replace(settings, llm=llm)


def nested(collector: Collector) -> None:
    """Every span lies within its parent, and in its trace."""
    known = {span.id: span for span in collector.spans}
    assert len(known) == len(collector.spans)
    for span in collector.spans:
        if span.parent in known:
            parent = known[span.parent]
            assert parent.start <= span.start <= span.end <= parent.end, (parent, span)
            assert parent.trace == span.trace
