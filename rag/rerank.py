"""Reranking: the head of what was found is put in a better order."""

from dataclasses import replace

from rag.seams import Reranker
from rag.values import Candidate, Results


async def rerank(results: Results, reranker: Reranker, depth: int) -> Results:
    """Return all candidates, the first `depth` of them in the reranker's order.

    It reads the query as it was asked. What it does not see follows in the order it came in, its
    scores lowered to those above where they would exceed them.
    """
    head, tail = results.candidates[:depth], results.candidates[depth:]
    reranked = await reranker.rerank(results.query.text, head)
    lowest = min((c.score for c in reranked.candidates), default=float("inf"))
    below = tuple(replace(c, score=min(c.score, lowest)) for c in tail)
    every: tuple[Candidate, ...] = (*reranked.candidates, *below)
    return replace(results, candidates=every, trace=(*results.trace, reranked.stage))


def cut(results: Results) -> Results:
    """Return the k best candidates, as many as were asked for."""
    return replace(results, candidates=results.candidates[: results.query.k])
