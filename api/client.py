"""A server, from Python: `Client`, and `AsyncClient` for event loops.

    with Client("http://127.0.0.1:8000", key="fc_…") as client:
        client.put([{"id": "dogs.md", "text": "Dogs may come along."}], collection="handbook")
        client.answer("May my spaniel come?", collection="handbook").answer

What is asked beside the query is named as in docs/http.md, and what comes back is what the server
sends, as values. Errors are those of `rag.errors`, by the names that the server gives them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from api.client_loop import AsyncClient
from api.client_wire import (
    Asked,
    Line,
    Told,
    done,
    events,
    given,
    keyed,
    line_of,
    parsed,
    reaching,
    refusal,
    to_alias,
    to_answer,
    to_collections,
    to_config,
    to_count,
    to_delete,
    to_delete_where,
    to_describe,
    to_document,
    to_drop,
    to_job,
    to_ready,
    to_reindex,
    to_rerank,
    to_search,
    to_unalias,
)
from api.collections import Counted, Details, Listed
from api.compatible.reranking import RerankReply
from api.documents import DocumentBody
from api.jobs.job import Job
from api.replies import AnswerResponse, Ready, SearchResponse

T = TypeVar("T")


class Client:
    """A server.

    Args:
        url: its address.
        key: an API key, where it wants one.
        timeout: seconds to wait for a piece of a reply.
        transport: carries the requests instead of the network (tests).
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str = "",
        timeout: float = 120.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=url, headers=keyed(key), timeout=timeout, transport=transport
        )

    def search(self, query: str, **how: object) -> SearchResponse:
        """Return the k best chunks for a query.

        Raises:
            RagError: as the server says; Unavailable where there is none.
        """
        return self._ask(to_search(query, how))

    def answer(self, query: str, **how: object) -> AnswerResponse:
        """Return a cited answer, or why there is none.

        Raises:
            RagError: as `search`.
        """
        return self._ask(to_answer(query, how))

    def stream(self, query: str, **how: object) -> Iterator[Told]:
        """Yield an answer while it is made. Leaving the loop stops that.

        Raises:
            RagError: as `search`.
        """
        asked = {"query": query, **how, "stream": True}
        sent = self._http.stream("POST", "/v1/answer", json=asked)
        with reaching(self._http.base_url), sent as reply:
            if reply.is_error:
                reply.read()
                raise refusal(reply)
            yield from events(reply.iter_lines())

    def rerank(self, query: str, documents: Iterable[str], **how: object) -> RerankReply:
        """Return the places of texts, best first.

        Raises:
            RagError: as `search`.
        """
        return self._ask(to_rerank(query, documents, how))

    def put(
        self,
        documents: Iterable[Mapping[str, Any] | msgspec.Raw],
        on_line: Callable[[Line], None] = lambda _: None,
        idempotency_key: str = "",
        **how: object,
    ) -> Job:
        """Put documents into a collection; return the job, which is done.

        Args:
            documents: each {"id", "text", …}, or that as JSON; they are sent as they come.
            on_line: is told what becomes of each.
            idempotency_key: names what is not to be done twice.
            how: `collection`, `tenant`.

        Raises:
            RagError: as `search`, also where the job failed.
        """
        lines = (msgspec.json.encode(document) + b"\n" for document in documents)
        headers = {"content-type": "application/x-ndjson"}
        if idempotency_key:
            headers["idempotency-key"] = idempotency_key
        return self._put("POST", "/v1/documents", lines, headers, on_line, how)

    def put_file(
        self,
        file: Path,
        name: str = "",
        on_line: Callable[[Line], None] = lambda _: None,
        **how: object,
    ) -> Job:
        """Put a file of any format into a collection, under its name or another one.

        Raises:
            RagError: as `put`.
            OSError: the file cannot be read.
        """
        path = f"/v1/files/{quote(name or file.name, safe='/')}"
        with file.open("rb") as opened:
            return self._put("PUT", path, opened, {}, on_line, how)

    def document(self, document_id: str, **how: object) -> DocumentBody:
        """Return a document with its chunks.

        Raises:
            RagError: as `search`.
        """
        return self._ask(to_document(document_id, how))

    def delete(self, document_id: str, **how: object) -> int:
        """Delete a document; return 1.

        Raises:
            RagError: as `search`; DocumentNotFound where there is none.
        """
        return self._ask(to_delete(document_id, how)).deleted

    def delete_where(self, where: Mapping[str, Any], **how: object) -> int:
        """Delete the documents that all conditions hold for; return how many.

        Raises:
            RagError: as `search`.
        """
        return self._ask(to_delete_where(where, how)).deleted

    def job(self, job_id: str) -> Job:
        """Return how far a job is.

        Raises:
            RagError: as `search`.
        """
        return self._ask(to_job(job_id))

    def collections(self, *, details: bool = False) -> list[Listed]:
        """Return the collections in which something is found; with details, all there are.

        Raises:
            RagError: as `search`.
        """
        return self._ask(to_collections(details=details)).collections

    def describe(self, collection: str) -> Details:
        """Return everything about a collection.

        Raises:
            RagError: as `search`.
        """
        return self._ask(to_describe(collection))

    def count(self, collection: str, where: Mapping[str, Any], **how: object) -> Counted:
        """Return how many chunks all conditions hold for, and of how many documents.

        Raises:
            RagError: as `search`.
        """
        return self._ask(to_count(collection, where, how))

    def drop(self, collection: str, *, dry_run: bool = False) -> list[str]:
        """Delete a collection; return which physical ones went, or would go.

        Raises:
            RagError: as `search`.
        """
        return self._ask(to_drop(collection, dry_run=dry_run)).collections

    def alias(self, name: str, collection: str) -> str:
        """Let a further name stand for a collection; return which physical one that is.

        Raises:
            RagError: as `search`; Conflict: the name is the only one of another collection.
        """
        return self._ask(to_alias(name, collection)).physical

    def unalias(self, name: str) -> None:
        """Take a name away from a collection that has others.

        Raises:
            RagError: as `search`; Conflict: it has none.
        """
        self._ask(to_unalias(name))

    def reindex(self, collection: str) -> Job:
        """Let a collection be built anew; return the job, which has begun.

        Raises:
            RagError: as `search`.
        """
        return self._ask(to_reindex(collection))

    def config(self) -> dict[str, dict[str, Any]]:
        """Return the settings in effect, secrets masked.

        Raises:
            RagError: as `search`.
        """
        return self._ask(to_config())

    def ready(self) -> Ready:
        """Return how the server is.

        Raises:
            RagError: as `search`; Unavailable while it is not ready.
        """
        return self._ask(to_ready())

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, asked: Asked[T]) -> T:
        with reaching(self._http.base_url):
            return parsed(asked, self._http.request(**asked.sent()))

    def _put(
        self,
        method: str,
        path: str,
        content: Iterable[bytes],
        headers: Mapping[str, str],
        on_line: Callable[[Line], None],
        how: Mapping[str, object],
    ) -> Job:
        sent: dict[str, Any] = {"content": content, "headers": headers, "params": given(how)}
        with reaching(self._http.base_url), self._http.stream(method, path, **sent) as reply:
            if reply.is_error:
                reply.read()
                raise refusal(reply)
            job: Job | None = None
            for row in reply.iter_lines():
                job = line_of(row, on_line) or job
        return done(job)


__all__ = ["AsyncClient", "Client", "Line"]
