"""Reranking a run: the candidates of every query in a better order, with a trace of how."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.data.runs import ScoredDocument
from indexers.reading import read_paths
from indexers.splitting.pieces import whole
from rag.errors import BadCollection
from rag.seams import Reranked, Reranker
from rag.values import Candidate, Chunk, Document, Frozen

Runs = Mapping[str, Sequence[ScoredDocument]]


@dataclass(frozen=True, slots=True)
class RerankedQuery(Frozen):
    """One query of a run: its new ranking, and what the reranker did."""

    query_id: str
    ranking: tuple[ScoredDocument, ...]
    reranked: Reranked

    def trace(self) -> dict[str, Any]:
        """Return what was done as JSON-able data."""
        return {"query_id": self.query_id, **trace(self.reranked)}


def trace(reranked: Reranked) -> dict[str, Any]:
    """Return what a reranker did as JSON-able data: status, cost, findings, every candidate."""
    stage, cost = reranked.stage, reranked.stage.cost
    return {
        "status": reranked.status,
        "detail": stage.detail,
        "ms": round(stage.ms, 2),
        "calls": cost.calls,
        "depth": cost.depth,
        "tokens_in": cost.tokens_in,
        "tokens_out": cost.tokens_out,
        "cached": cost.cached,
        "missing": reranked.missing,
        "malformed": reranked.malformed,
        "findings": dict(reranked.findings),
        "steps": [
            {"name": s.name, "ms": round(s.ms, 2), "status": s.status, "detail": s.detail}
            for s in reranked.steps
        ],
        "candidates": [
            {
                "document_id": c.chunk.document_id,
                "score": c.score,
                "first": c.ranks.get("first"),
                "rerank": c.ranks.get("rerank"),
                "flags": list(c.flags),
            }
            for c in reranked.candidates
        ],
    }


def read_texts(folder: Path, run: Runs) -> dict[str, Chunk]:
    """Return the documents of a run as whole chunks, by document id.

    Raises:
        BadCollection: the corpus lacks documents of the run.
    """
    wanted = {document.document_id for ranking in run.values() for document in ranking}
    found = [
        item for item in read_paths([folder]) if isinstance(item, Document) and item.id in wanted
    ]
    texts = {chunk.document_id: chunk for (chunk,) in whole(found)}
    if missing := sorted(wanted - set(texts)):
        raise BadCollection(
            f"{folder}: the corpus lacks {len(missing):,} documents of the run, e.g. "
            f"'{missing[0]}': name the collection that the run was made on"
        )
    return texts


async def rerank_run(
    run: Runs,
    queries: Mapping[str, str],
    texts: Mapping[str, Chunk],
    reranker: Reranker,
    depth: int,
    jobs: int = 1,
) -> AsyncIterator[RerankedQuery]:
    """Yield every query of a run reranked, in the run's order.

    Args:
        run: the first stage.
        queries: text by query id; those of the run are all there.
        texts: chunk by document id.
        reranker: orders the first `depth` documents of each query; the others follow.
        depth: how many.
        jobs: queries that are under way at the same time.
    """
    ids = list(run)
    for start in range(0, len(ids), jobs):
        batch = ids[start : start + jobs]
        made = [_reranked(i, run[i], queries[i], texts, reranker, depth) for i in batch]
        for one in await asyncio.gather(*made):
            yield one


async def _reranked(
    query_id: str,
    ranking: Sequence[ScoredDocument],
    query: str,
    texts: Mapping[str, Chunk],
    reranker: Reranker,
    depth: int,
) -> RerankedQuery:
    head = [Candidate(texts[d.document_id], d.score, {}) for d in ranking[:depth]]
    found = await reranker.rerank(query, head)
    lowest = min((c.score for c in found.candidates), default=0.0)
    return RerankedQuery(
        query_id,
        (
            *(ScoredDocument(c.chunk.document_id, c.score) for c in found.candidates),
            *(ScoredDocument(d.document_id, min(lowest, d.score)) for d in ranking[depth:]),
        ),
        found,
    )
