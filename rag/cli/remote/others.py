"""Reranking by a server, and how a server is."""

from collections.abc import Sequence
from typing import Any

from api.client import AsyncClient
from rag.cli.remote.asking import client_of
from rag.errors import Forbidden, RagError
from rag.sections import ClientSettings
from rag.values import Chunk

_DEGRADED = "degraded: "


async def reranked(
    client: AsyncClient, query: str, chunks: Sequence[Chunk], method: str
) -> dict[str, Any]:
    """Return what a server made of texts: status, cost, and the candidates, the best first.

    Raises:
        RagError: as the client.
    """
    if not chunks:
        return _row("", 0, 0, [])
    reply = await client.rerank(query, [chunk.text for chunk in chunks], model=method or None)
    said = [w.removeprefix(_DEGRADED) for w in reply.meta.warnings if w.startswith(_DEGRADED)]
    read, both = reply.usage.prompt_tokens, reply.usage.total_tokens
    found = [
        {"document_id": chunks[one.index].document_id, "score": one.relevance_score}
        for one in reply.results
    ]
    return _row("; ".join(said), read, both - read, found)


def _row(detail: str, read: int, written: int, found: list[dict[str, object]]) -> dict[str, Any]:
    return {
        "status": "degraded" if detail else "ok",
        "detail": detail,
        "tokens_in": read,
        "tokens_out": written,
        "candidates": found,
    }


async def looked_at(server: ClientSettings) -> list[tuple[bool, str, str]]:
    """Return what there is to know of a server, line by line, and whether that is well."""
    async with client_of(server) as client:
        try:
            ready = await client.ready()
        except RagError as error:
            return [(False, "server", f"{server.url}: {error}")]
        lines = [
            (True, "server", f"{server.url} is {ready.status}"),
            (True, "encoder", f"{ready.encoder} in {ready.precision}"),
            (True, "collection", f"{ready.collection}, where none is named"),
        ]
        try:
            config = await client.config()
        except Forbidden as error:
            return [*lines, (True, "settings", f"not told to this key: {error}")]
        except RagError as error:
            return [*lines, (False, "settings", str(error))]
    told = (
        (True, section, ", ".join(f"{name} {value!r}" for name, value in keys.items()))
        for section, keys in config.items()
    )
    return [*lines, *told]
