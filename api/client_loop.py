"""The client of `api.client` for event loops."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

import httpx
import msgspec

from api.client_wire import (
    Asked,
    Line,
    Told,
    done,
    event_of,
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


class AsyncClient:
    """A server, for event loops; the arguments are those of `api.client.Client`."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str = "",
        timeout: float = 120.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, headers=keyed(key), timeout=timeout, transport=transport
        )

    async def search(self, query: str, **how: object) -> SearchResponse:
        """Do as `api.client.Client.search`."""
        return await self._ask(to_search(query, how))

    async def answer(self, query: str, **how: object) -> AnswerResponse:
        """Do as `api.client.Client.answer`."""
        return await self._ask(to_answer(query, how))

    async def stream(self, query: str, **how: object) -> AsyncIterator[Told]:
        """Do as `api.client.Client.stream`."""
        asked = {"query": query, **how, "stream": True}
        with reaching(self._http.base_url):
            async with self._http.stream("POST", "/v1/answer", json=asked) as reply:
                if reply.is_error:
                    await reply.aread()
                    raise refusal(reply)
                name = ""
                async for row in reply.aiter_lines():
                    name, event = event_of(name, row)
                    if event is not None:
                        yield event

    async def rerank(self, query: str, documents: Iterable[str], **how: object) -> RerankReply:
        """Do as `api.client.Client.rerank`."""
        return await self._ask(to_rerank(query, documents, how))

    async def put(
        self,
        documents: Iterable[Mapping[str, Any] | msgspec.Raw],
        on_line: Callable[[Line], None] = lambda _: None,
        idempotency_key: str = "",
        **how: object,
    ) -> Job:
        """Do as `api.client.Client.put`."""

        async def lines() -> AsyncIterator[bytes]:
            for document in documents:
                yield msgspec.json.encode(document) + b"\n"

        headers = {"content-type": "application/x-ndjson"}
        if idempotency_key:
            headers["idempotency-key"] = idempotency_key
        sent: dict[str, Any] = {"content": lines(), "headers": headers, "params": given(how)}
        with reaching(self._http.base_url):
            async with self._http.stream("POST", "/v1/documents", **sent) as reply:
                if reply.is_error:
                    await reply.aread()
                    raise refusal(reply)
                job: Job | None = None
                async for row in reply.aiter_lines():
                    job = line_of(row, on_line) or job
        return done(job)

    async def document(self, document_id: str, **how: object) -> DocumentBody:
        """Do as `api.client.Client.document`."""
        return await self._ask(to_document(document_id, how))

    async def delete(self, document_id: str, **how: object) -> int:
        """Do as `api.client.Client.delete`."""
        return (await self._ask(to_delete(document_id, how))).deleted

    async def delete_where(self, where: Mapping[str, Any], **how: object) -> int:
        """Do as `api.client.Client.delete_where`."""
        return (await self._ask(to_delete_where(where, how))).deleted

    async def job(self, job_id: str) -> Job:
        """Do as `api.client.Client.job`."""
        return await self._ask(to_job(job_id))

    async def collections(self, *, details: bool = False) -> list[Listed]:
        """Do as `api.client.Client.collections`."""
        return (await self._ask(to_collections(details=details))).collections

    async def describe(self, collection: str) -> Details:
        """Do as `api.client.Client.describe`."""
        return await self._ask(to_describe(collection))

    async def count(self, collection: str, where: Mapping[str, Any], **how: object) -> Counted:
        """Do as `api.client.Client.count`."""
        return await self._ask(to_count(collection, where, how))

    async def drop(self, collection: str, *, dry_run: bool = False) -> list[str]:
        """Do as `api.client.Client.drop`."""
        return (await self._ask(to_drop(collection, dry_run=dry_run))).collections

    async def alias(self, name: str, collection: str) -> str:
        """Do as `api.client.Client.alias`."""
        return (await self._ask(to_alias(name, collection))).physical

    async def unalias(self, name: str) -> None:
        """Do as `api.client.Client.unalias`."""
        await self._ask(to_unalias(name))

    async def reindex(self, collection: str) -> Job:
        """Do as `api.client.Client.reindex`."""
        return await self._ask(to_reindex(collection))

    async def config(self) -> dict[str, dict[str, Any]]:
        """Do as `api.client.Client.config`."""
        return await self._ask(to_config())

    async def ready(self) -> Ready:
        """Do as `api.client.Client.ready`."""
        return await self._ask(to_ready())

    async def close(self) -> None:
        """Release the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(self, asked: Asked[T]) -> T:
        with reaching(self._http.base_url):
            return parsed(asked, await self._http.request(**asked.sent()))
