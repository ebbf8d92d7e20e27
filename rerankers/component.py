"""A reranker as a Haystack component, for pipelines of one's own."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from haystack import Document, component

from rag.seams import Reranker
from rag.values import Candidate, Chunk


@component
class DocumentReranker:
    """Puts Haystack documents in a better order; none is lost, not even for want of a score.

    Args:
        reranker: any of ours, such as `Rerankers(settings).get()`.
        top_k: how many documents are returned.
    """

    def __init__(self, reranker: Reranker, top_k: int = 10) -> None:
        self._reranker = reranker
        self._top_k = top_k

    @component.output_types(documents=list[Document], status=str)
    def run(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> dict[str, list[Document] | str]:
        """Return the best documents with their new scores, and "ok" or "degraded"."""
        return asyncio.run(self.run_async(query, documents, top_k))

    @component.output_types(documents=list[Document], status=str)
    async def run_async(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> dict[str, list[Document] | str]:
        """Return the best documents with their new scores, and "ok" or "degraded"."""
        found = await self._reranker.rerank(query, _candidates(documents))
        ranked = [replace(documents[int(c.chunk.id)], score=c.score) for c in found.candidates]
        return {
            "documents": ranked[: self._top_k if top_k is None else top_k],
            "status": found.status,
        }


def _candidates(documents: Sequence[Document]) -> list[Candidate]:
    """Return the documents as candidates; ids of Haystack's need not differ, numbers do."""
    found = []
    for i, document in enumerate(documents):
        text = document.content or ""
        score = 1 / (i + 1) if document.score is None else document.score
        found.append(Candidate(Chunk(str(i), document.id, text, 0, len(text)), score, {}))
    return found
