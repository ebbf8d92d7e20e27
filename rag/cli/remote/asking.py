"""Searches and questions, put to a server."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from api.client import AsyncClient
from api.client_wire import TOLD_NAMES
from api.replies import AnswerResponse
from rag.cli.remote.values import answer_of, results_of
from rag.cli.remote.where import named_tenant
from rag.errors import Unavailable
from rag.sections import ClientSettings
from rag.values import Answer, Query, Results, Where

Tell: TypeAlias = Callable[[str, object], None]
"""Is told the name of an event, and what it holds."""


def client_of(server: ClientSettings) -> AsyncClient:
    """Return a client of the server."""
    return AsyncClient(server.url, server.key)


async def search(server: ClientSettings, collection: str | None, query: Query) -> Results:
    """Return what the server finds for a query.

    Raises:
        RagError: as the client.
    """
    async with client_of(server) as client:
        return results_of(await client.search(**asked(query, collection)), query)


async def ask(
    server: ClientSettings, collection: str | None, query: Query, tell: Tell | None = None
) -> Answer:
    """Return the server's answer to a query, told while it is made where somebody listens.

    Raises:
        RagError: as the client.
    """
    given = asked(query, collection)
    async with client_of(server) as client:
        if tell is None:
            return answer_of(await client.answer(**given), query)
        final: AnswerResponse | None = None
        async for event in client.stream(**given):
            tell(TOLD_NAMES[type(event)], event)
            final = event if isinstance(event, AnswerResponse) else final
        if final is None:
            raise Unavailable("the answer ended before it was whole: ask again")
        tell("done", {})
        return answer_of(final, query)


def asked(query: Query, collection: str | None) -> dict[str, Any]:
    """Return a query as a request says it, without what the server knows better."""
    given: Mapping[str, object] = {
        "collection": collection,
        "tenant": named_tenant(query.tenant),
        "filter": filter_of(query.where),
        "superseded": query.superseded,
        "as_of": query.as_of,
        "history": [{"role": turn.role, "content": turn.content} for turn in query.history],
        "preset": query.preset,
        "branches": query.branches,
        "fusion": query.fusion,
        **query.changes,
    }
    said = {name: value for name, value in given.items() if value not in ("", None, (), [], {})}
    if query.principals is not None:
        said["principals"] = query.principals
    return {"query": query.text, "k": query.k, **said}


def filter_of(where: Where) -> dict[str, dict[str, object]]:
    """Return conditions as JSON says them: `rag.filters.parse_where` gives them back.

    >>> from rag.values import Condition
    >>> filter_of((Condition("metadata.year", "gte", 2020), Condition("metadata.year", "lt", 2024)))
    {'metadata.year': {'gte': 2020, 'lt': 2024}}
    """
    filters: dict[str, dict[str, object]] = {}
    for condition in where:
        filters.setdefault(condition.field, {})[condition.operator] = condition.value
    return filters
