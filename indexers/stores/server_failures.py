"""What a failure of a Qdrant server means: may it pass, how long to wait, what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import (
    ApiException,
    ResponseHandlingException,
    UnexpectedResponse,
)

from rag.backoff import asked_for
from rag.values import Frozen

PASSING = frozenset({429, 500, 502, 503, 504})
_HTTP_OF_GRPC: Mapping[str, int] = {  # the codes that Qdrant's gRPC side uses
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "INVALID_ARGUMENT": 400,
    "ALREADY_EXISTS": 409,
    "FAILED_PRECONDITION": 400,
    "RESOURCE_EXHAUSTED": 429,
    "OUT_OF_RANGE": 413,  # "decoded message length too large"
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_UP = "Is the server of store.url up?"
_REMEDY: Mapping[int, str] = {
    401: "set store.api_key",
    403: "set store.api_key to a key that may do it",
    404: "was the collection dropped meanwhile? Index again",
    413: "one text is more than the server takes: cut it (index.splitter), or raise the server's "
    "service.max_request_size_mb",
    429: "it is overloaded: lower store.concurrency, or raise store.retries",
}
_EXCERPT = 300
_PASSING_TRANSPORT = (
    httpx.TimeoutException,
    httpx.NetworkError,
    httpx.RemoteProtocolError,
    httpx.ProxyError,
)


class Unfinished(Exception):
    """The server took a write, and answered before it was applied."""


@dataclass(frozen=True, slots=True)
class Failure(Frozen):
    """What went wrong, whether it may pass, the seconds the server asks for, and the remedy."""

    says: str
    passes: bool = False
    wait_s: float = 0.0
    remedy: str = ""


def failure_of(error: Exception, limit_s: float) -> Failure | None:
    """Return what an error of a call means; None where it is no failure of the server."""
    match error:
        case Unfinished():
            return Failure(str(error), passes=True, remedy="raise store.timeout_s")
        case TimeoutError():
            says = f"no answer within {limit_s:g} s"
            return Failure(says, passes=True, remedy=f"{_UP} If it is slow, raise store.timeout_s")
        case UnexpectedResponse():
            content = error.content.decode(errors="replace")
            wait = asked_for(error.headers.get("retry-after", ""))
            return _of_status(error.status_code or 0, content, wait)
        case ResponseHandlingException(source=source):
            says = f"{type(source).__name__}: {source}"
            return Failure(says, isinstance(source, _PASSING_TRANSPORT), remedy=_UP)
        case QdrantException():  # 429, with a Retry-After
            return _of_status(429, str(error), float(getattr(error, "retry_after_s", 0)))
        case OSError():
            return Failure(f"{type(error).__name__}: {error}", passes=True, remedy=_UP)
        case ApiException() | ValueError():
            return Failure(str(error))
        case _:
            return _of_grpc(error)


def _of_status(status: int, says: str, wait_s: float = 0.0) -> Failure:
    remedy = _REMEDY.get(status, _UP if status in PASSING else "")
    return Failure(f"{status}: {says}", status in PASSING, wait_s, remedy)


def _of_grpc(error: Exception) -> Failure | None:
    # They share no base with HTTP's, and grpc has no types to name them by.
    code = getattr(error, "code", None)
    if not type(error).__module__.startswith("grpc") or not callable(code):
        return None
    name, says = code().name, str(getattr(error, "details", str)() or "")
    status = _HTTP_OF_GRPC.get(name, 0)
    if "message" in says and ("too large" in says or "larger than" in says):
        status = 413
    found = _of_status(status, says)
    remedy = found.remedy
    if status in {503, 504}:
        remedy = f"{_UP} Is store.grpc_port open there, or must store.grpc be false?"
    return Failure(f"{name}: {says}", found.passes, 0.0, remedy)


def excerpt(text: str) -> str:
    """Return a text that is not long, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[:_EXCERPT]}…"
