"""The reranker that keeps the first stage's order: the shipped fake of the `Reranker` seam."""

from collections.abc import Sequence

from rag.seams import Reranked
from rag.values import Candidate, Stage


class Unchanged:
    """Returns the candidates as they came."""

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """Return the same order; `query` is not read."""
        del query
        return Reranked(tuple(candidates), Stage("rerank", 0.0, "skipped", "no reranker is set"))
