"""A second look: what the reranker learnt moves the dense query, which then finds more.

The passages that were reranked teach the query vector (`Move`), the store is searched with it once
more, and both rankings are merged. Chunks that only the second look finds come without a rank by
the reranker. "FIRST", EMNLP 2024, section on relevance feedback.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from rag.errors import RagError
from rag.fuse import rrf
from rag.seams import Encoder, Store
from rag.values import (
    Candidate,
    FeedbackProbe,
    Hit,
    Lookup,
    Probe,
    Results,
    Stage,
    Vector,
)

Move: TypeAlias = Callable[[Vector, Vector, Sequence[float]], Probe | FeedbackProbe]
"""Maps query (h,), passages (n, h) and the passages' scores to what the store is asked."""

BRANCH = "feedback"


async def look_again(
    results: Results, encoder: Encoder, store: Store, move: Move, depth: int
) -> Results:
    """Return the candidates merged with what the moved query finds, by reciprocal rank fusion.

    Where that cannot be, they stay as they are, and the trace says why.

    Args:
        results: reranked; the first `depth` of them teach.
        encoder: of the query and of the candidates' texts.
        store: is searched under the query's access and conditions.
        move: makes the new question to the store.
        depth: how many chunks teach.
    """
    taught = results.candidates[:depth]
    if len(taught) < 2:
        stage = Stage(BRANCH, 0.0, "skipped", "nothing to learn from")
        return replace(results, trace=(*results.trace, stage))
    try:
        return await _merged(results, taught, encoder, store, move)
    except RagError as error:
        stage = Stage(BRANCH, 0.0, "failed", str(error))
        return replace(results, trace=(*results.trace, stage))


async def _merged(
    results: Results, taught: Sequence[Candidate], encoder: Encoder, store: Store, move: Move
) -> Results:
    query, before = results.query, results.candidates
    (vector,) = await encoder.encode([query.text], "query")
    passages = await encoder.encode([c.chunk.indexed_text for c in taught], "document")
    probe = move(vector, passages, [c.score for c in taught])
    lookup = Lookup((probe,), query.access, query.where, query.as_of)
    (ranking,) = (await store.find(lookup)).values()
    known = {c.chunk.id: c for c in before}
    new = [hit.chunk_id for hit in ranking if hit.chunk_id not in known]
    got = await store.get(new, query.access)
    known |= {chunk.id: Candidate(chunk, 0.0, {}) for chunk in got}
    ranks = {hit.chunk_id: rank for rank, hit in enumerate(ranking, start=1)}
    fused = rrf({"before": tuple(Hit(c.chunk.id, c.score) for c in before), BRANCH: ranking}, {})
    merged = tuple(
        _placed(known[hit.chunk_id], hit.score, ranks.get(hit.chunk_id))
        for hit in fused
        if hit.chunk_id in known  # dropped, or closed to who asks, since it was found
    )
    stage = Stage(BRANCH, 0.0, detail=f"{len(merged) - len(before)} new chunks")
    return replace(results, candidates=merged, trace=(*results.trace, stage))


def _placed(candidate: Candidate, score: float, rank: int | None) -> Candidate:
    ranks = candidate.ranks if rank is None else {**candidate.ranks, BRANCH: rank}
    return replace(candidate, score=score, ranks=ranks)
