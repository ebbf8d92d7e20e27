"""What a client sends, and what it makes of the replies, on an event loop or not."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from api.aliases import Aliased
from api.collections import Collections, Counted, Details, Dropped
from api.compatible.reranking import RerankReply
from api.documents import DocumentBody
from api.jobs.job import Job
from api.replies import AnswerResponse, Problem, Ready, SearchResponse
from api.streaming import (
    CitationEvent,
    DeltaEvent,
    MetaEvent,
    SearchResultsEvent,
    VerificationEvent,
)
from rag import errors
from rag.errors import BadInput, Overloaded, RagError, Unavailable

T = TypeVar("T")
BAD_REQUEST = 400
Told: TypeAlias = (
    MetaEvent | SearchResultsEvent | DeltaEvent | CitationEvent | VerificationEvent | AnswerResponse
)
"""An event of a streamed answer, the answer itself last."""

_TOLD: Mapping[str, type[Any]] = {
    "meta": MetaEvent,
    "search_results": SearchResultsEvent,
    "delta": DeltaEvent,
    "citation": CitationEvent,
    "verification": VerificationEvent,
    "final": AnswerResponse,
}

TOLD_NAMES: Mapping[type[Any], str] = {kind: name for name, kind in _TOLD.items()}
"""What the events are called."""


class Line(Struct, frozen=True):
    """What became of a document, or of a file, that was sent."""

    status: str
    line: int = 0
    document_id: str = ""
    file: str = ""
    chunks: int = 0
    pages: int = 0
    reason: str = ""
    notices: tuple[str, ...] = ()
    faults: tuple[dict[str, Any], ...] = ()


class Deleted(Struct, frozen=True):
    """How many documents went."""

    deleted: int


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """A request, and what its reply is."""

    reply: type[T]
    method: str
    path: str
    json: Mapping[str, object] | None = None
    params: Mapping[str, object] = field(default_factory=dict)

    def sent(self) -> dict[str, Any]:
        """Return it as httpx takes it."""
        params = given(self.params)
        return {"method": self.method, "url": self.path, "json": self.json, "params": params}


def given(how: Mapping[str, object]) -> dict[str, object]:
    """Return what is said; None says nothing."""
    return {name: value for name, value in how.items() if value is not None}


def to_search(query: str, how: Mapping[str, object]) -> Asked[SearchResponse]:
    """Return the request of a search."""
    return Asked(SearchResponse, "POST", "/v1/search", {"query": query, **how})


def to_answer(query: str, how: Mapping[str, object]) -> Asked[AnswerResponse]:
    """Return the request of a question."""
    return Asked(AnswerResponse, "POST", "/v1/answer", {"query": query, **how})


def to_rerank(
    query: str, documents: Iterable[str], how: Mapping[str, object]
) -> Asked[RerankReply]:
    """Return the request to put texts in order."""
    asked = {"query": query, "documents": list(documents), **how}
    return Asked(RerankReply, "POST", "/v1/rerank", asked)


def to_document(id_: str, how: Mapping[str, object]) -> Asked[DocumentBody]:
    """Return the request for a document."""
    return Asked(DocumentBody, "GET", f"/v1/documents/{quote(id_, safe='')}", params=how)


def to_delete(id_: str, how: Mapping[str, object]) -> Asked[Deleted]:
    """Return the request to delete a document."""
    return Asked(Deleted, "DELETE", f"/v1/documents/{quote(id_, safe='')}", params=how)


def to_delete_where(where: Mapping[str, Any], how: Mapping[str, object]) -> Asked[Deleted]:
    """Return the request to delete what conditions hold for."""
    said = msgspec.json.encode(where).decode()
    return Asked(Deleted, "DELETE", "/v1/documents", params={"filter": said, **how})


def to_job(job_id: str) -> Asked[Job]:
    """Return the request for a job."""
    return Asked(Job, "GET", f"/v1/jobs/{quote(job_id, safe='')}")


def to_ready() -> Asked[Ready]:
    """Return the request for how the server is."""
    return Asked(Ready, "GET", "/ready")


def to_collections(*, details: bool) -> Asked[Collections]:
    """Return the request for the collections."""
    return Asked(Collections, "GET", "/v1/collections", params={"details": details})


def to_describe(name: str) -> Asked[Details]:
    """Return the request for everything about a collection."""
    return Asked(Details, "GET", f"{_named(name)}/details")


def to_count(name: str, where: Mapping[str, Any], how: Mapping[str, object]) -> Asked[Counted]:
    """Return the request to count what conditions hold for."""
    said = msgspec.json.encode(where).decode()
    return Asked(Counted, "GET", f"{_named(name)}/count", params={"filter": said, **how})


def to_drop(name: str, *, dry_run: bool) -> Asked[Dropped]:
    """Return the request to delete a collection."""
    return Asked(Dropped, "DELETE", _named(name), params={"dry_run": dry_run})


def to_alias(name: str, collection: str) -> Asked[Aliased]:
    """Return the request to let a further name stand for a collection."""
    return Asked(Aliased, "PUT", _aliased(name), {"collection": collection})


def to_unalias(name: str) -> Asked[None]:
    """Return the request to take a name away from a collection that has others."""
    return Asked(type(None), "DELETE", _aliased(name))


def to_reindex(name: str) -> Asked[Job]:
    """Return the request to build a collection anew."""
    return Asked(Job, "POST", f"{_named(name)}/reindex")


def to_config() -> Asked[dict[str, dict[str, Any]]]:
    """Return the request for the settings in effect."""
    return Asked(dict[str, dict[str, Any]], "GET", "/v1/config")


def _aliased(name: str) -> str:
    return f"/v1/aliases/{quote(name, safe='')}"


def _named(collection: str) -> str:
    return f"/v1/collections/{quote(collection, safe='@')}"


def refusal(reply: httpx.Response) -> RagError:
    """Return the error that a reply tells, whose body is there."""
    try:
        told = msgspec.json.decode(reply.content, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return RagError(f"the server answered {reply.status_code}: {reply.text[:200]}")
    return _told(told, reply.headers.get("retry-after", ""))


def _told(problem: Problem, retry_after: str = "") -> RagError:
    kind = getattr(errors, problem.type.rpartition(":")[2], None)
    if problem.status == BAD_REQUEST and kind is None:
        fields = [f"{of.key}: {of.message}" for of in problem.extra or ()]
        return BadInput("; ".join(fields) or problem.detail)
    if kind is Overloaded:
        return Overloaded(problem.detail, int(retry_after or 1))
    if isinstance(kind, type) and issubclass(kind, RagError):
        return kind(problem.detail)
    return RagError(f"{problem.title} ({problem.status}): {problem.detail}")


def keyed(key: str) -> dict[str, str]:
    """Return the header of a key."""
    return {"authorization": f"Bearer {key}"} if key else {}


@contextmanager
def reaching(url: httpx.URL) -> Generator[None, None, None]:
    """Say that a server is not there as everything else is said.

    Raises:
        Unavailable: it is not, or its reply broke off.
    """
    try:
        yield
    except httpx.TransportError as error:
        raise Unavailable(
            f"no answer from {url} ({type(error).__name__}: {error}): begin it by firstcite serve"
        ) from error


def parsed(asked: Asked[T], reply: httpx.Response) -> T:
    """Return what a reply holds.

    Raises:
        RagError: as it says.
    """
    if reply.is_error:
        raise refusal(reply)
    return msgspec.json.decode(reply.content or b"null", type=asked.reply)


def line_of(row: str, on_line: Callable[[Line], None]) -> Job | None:
    """Hand on what became of a document; return the job where that is what the line holds."""
    if not row:
        return None
    told = msgspec.json.decode(row)
    if "job_id" in told:
        return msgspec.convert(told, Job)
    on_line(msgspec.convert(told, Line))
    return None


def done(job: Job | None) -> Job:
    """Return a job that is done.

    Raises:
        RagError: it failed; Unavailable where the reply ended before it.
    """
    if job is None:
        raise Unavailable("the reply ended before the job was over: ask the server for its jobs")
    if job.error:
        raise _told(job.error)
    if job.state == "cancelled":
        raise Unavailable("the job was cancelled, and what it had written stays: begin it again")
    return job


def events(rows: Iterable[str]) -> Iterator[Told]:
    """Yield the events of a stream, by its lines.

    Raises:
        RagError: an event tells one.
    """
    name = ""
    for row in rows:
        name, event = event_of(name, row)
        if event is not None:
            yield event


def event_of(name: str, row: str) -> tuple[str, Told | None]:
    """Return the name of the event that a line belongs to, and the event where it ends one.

    Raises:
        RagError: the event tells one.
    """
    if row.startswith("event: "):
        return row.removeprefix("event: "), None
    if not row.startswith("data: "):
        return name, None
    data = row.removeprefix("data: ")
    if name == "error":
        raise _told(msgspec.json.decode(data, type=Problem))
    event: Told | None = msgspec.json.decode(data, type=_TOLD[name]) if name in _TOLD else None
    return name, event
