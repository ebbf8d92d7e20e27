"""Traces: a span for every request, sent with those below it to an OTLP collector.

Each application has a provider of its own, and none is OpenTelemetry's global one: two applications
of a process do not mix. Nothing waits for the collector. What it does not take is dropped.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from urllib.parse import urlsplit

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Tracer

from api.problems import status_of
from api.stamping import request_id
from rag.errors import BadSettings
from rag.spans import NOWHERE, Timed, following, timed, told_to

SENT_S = 3.0  # chosen: the most that sending a batch may take, all tries together
QUEUED = 2_048  # spans that wait, at most, as OpenTelemetry has it; the oldest are dropped

_UNTOLD = frozenset({"/health", "/ready"})
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_log = logging.getLogger("firstcite.traces")


class Sending(SpanExporter):
    """Sends spans, and says once when that fails, and once when it works again.

    Args:
        sender: does it.
        address: where to, for the log.
    """

    def __init__(self, sender: SpanExporter, address: str) -> None:
        self._sender, self._address = sender, address
        self._fails, self._ends = False, False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; when all ends, to nobody who did not answer before."""
        if self._ends and self._fails:
            return SpanExportResult.FAILURE
        result = self._sender.export(spans)
        fails = result is not SpanExportResult.SUCCESS
        if fails and not self._fails:
            _log.warning(
                "the OTLP collector at %s (server.otlp) takes no traces: is it up? They are "
                "dropped until it does",
                self._address,
            )
        elif self._fails and not fails:
            _log.warning("the OTLP collector at %s takes traces again", self._address)
        self._fails = fails
        return result

    def ending(self) -> None:
        """Say that what comes now is the last."""
        self._ends = True

    def shutdown(self) -> None:
        """Close the connection."""
        self._sender.shutdown()


class Tracing(ASGIMiddleware):
    """A span for every request but those that only ask, every few seconds, how the server is.

    Args:
        address: of an OTLP collector.

    Raises:
        BadSettings: the address is none.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadSettings(
                f"server.otlp is '{address}': write http://HOST:4318, the address of an OTLP "
                "collector, or leave it empty"
            )
        self._address = address.rstrip("/")
        self._tracer: Tracer = NOWHERE

    @asynccontextmanager
    async def lifespan(self, _: Litestar) -> AsyncIterator[None]:
        """Send spans while the application is up; the last ones before it ends."""
        provider, sending = opened(self._address)
        self._tracer = provider.get_tracer("firstcite")
        try:
            with told_to(self._tracer):  # jobs of before begin here, and no request
                yield
        finally:
            sending.ending()
            await asyncio.to_thread(provider.shutdown)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Answer a request below a span, which goes on with the caller's trace, if there is one."""
        if scope["path_template"] in _UNTOLD:
            await next_app(scope, receive, send)
            return
        method = str(scope.get("method", ""))
        method = method if method in _METHODS else "_OTHER"
        route = scope["path_template"]
        about = {
            "http.request.method": method,
            "http.route": route,
            "url.scheme": str(scope["scheme"]),
            "firstcite.request.id": request_id(scope),
        }
        with (
            told_to(self._tracer),
            following(_caller(scope)),
            timed(f"{method} {route}", SpanKind.SERVER, about) as span,
        ):
            raised = await _Reply(span).of(next_app, scope, receive, send)
        if raised is not None:
            raise raised


class _Reply:
    """What became of a request, told to its span."""

    def __init__(self, span: Timed) -> None:
        self._span = span
        self._status, self._whole = 0, False

    async def of(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> Exception | None:
        """Answer; return what another middleware raised, which is answered further out."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
            elif message["type"] == "http.response.body":
                self._whole = not message.get("more_body")
            await send(message)

        try:
            await app(scope, receive, noting)
        except Exception as error:  # noqa: BLE001 - it is raised again
            self._tell(status_of(error), type(error).__name__)
            return error
        self._tell(self._status, str(self._status) if self._whole else "cancelled")
        return None

    def _tell(self, status: int, kind: str) -> None:
        if status:
            self._span.note({"http.response.status_code": status})
        if status >= 500 or kind == "cancelled":
            self._span.failed(kind)


def opened(address: str) -> tuple[TracerProvider, Sending]:
    """Return what makes spans, sends them from a thread of its own, and drops what is too many.

    OpenTelemetry's own variables (`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`, …) count.
    """
    # Imported when it is needed: .2 s.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    for name, level in _QUIET.items():  # `Sending` says it, once
        logging.getLogger(name).setLevel(level)
    ours = Resource.create({"service.name": "firstcite", "service.version": version("firstcite")})
    provider = TracerProvider(
        resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
    )
    sender = OTLPSpanExporter(f"{address}/v1/traces", timeout=SENT_S)
    sending = Sending(sender, address)
    provider.add_span_processor(BatchSpanProcessor(sending, max_queue_size=QUEUED))
    return provider, sending


_QUIET = {
    "opentelemetry.exporter.otlp.proto.http.trace_exporter": logging.CRITICAL,
    "opentelemetry.sdk._shared_internal": logging.ERROR,
}


def _caller(scope: Scope) -> dict[str, str]:
    names = (b"traceparent", b"tracestate")
    return {
        name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in names
    }
