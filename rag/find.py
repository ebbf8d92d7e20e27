"""Finding: the branches of a plan are encoded and looked up, the best chunks are fetched."""

from rag.seams import Encoder, SparseEncoder, Store
from rag.values import (
    Branch,
    Candidate,
    Found,
    Fused,
    Lookup,
    Plan,
    Probe,
    Results,
    Stage,
    Vector,
)


async def find(plan: Plan, encoder: Encoder, sparse: SparseEncoder, store: Store) -> Found:
    """Return one ranking per branch, each under the query's tenant and conditions.

    A text that stands in several dense branches is encoded once.

    Raises:
        StoreUnavailable: from the store.
    """
    texts = tuple(dict.fromkeys(b.text for b in plan.branches if b.name == "dense"))
    vectors = dict(zip(texts, await encoder.encode(texts, "query"), strict=True)) if texts else {}
    probes = tuple(_probe(branch, vectors, sparse) for branch in plan.branches)
    rankings = await store.find(Lookup(probes, plan.query.tenant, plan.query.where))
    detail = ", ".join(f"{name} {len(ranking)}" for name, ranking in rankings.items())
    return Found(plan, rankings, (*plan.trace, Stage("find", 0.0, detail=detail)))


async def fetch(fused: Fused, store: Store, least: int = 0) -> Results:
    """Return the k best chunks, or `least` where that is more, with text, score and ranks.

    Raises:
        StoreUnavailable: from the store.
    """
    best = fused.ranking[: max(fused.query.k, least)]
    chunks = {chunk.id: chunk for chunk in await store.get([hit.chunk_id for hit in best])}
    ranks: dict[str, dict[str, int]] = {hit.chunk_id: {} for hit in best}
    for name, ranking in fused.rankings.items():
        for rank, hit in enumerate(ranking, start=1):
            if hit.chunk_id in ranks:
                ranks[hit.chunk_id][name] = rank
    candidates = tuple(
        Candidate(chunks[hit.chunk_id], hit.score, ranks[hit.chunk_id])
        for hit in best
        if hit.chunk_id in chunks  # it may have been dropped since it was found
    )
    stage = Stage("fetch", 0.0, detail=f"{len(candidates)} chunks")
    return Results(fused.query, candidates, (*fused.trace, stage))


def _probe(branch: Branch, vectors: dict[str, Vector], sparse: SparseEncoder) -> Probe:
    vector = vectors[branch.text] if branch.name == "dense" else sparse.query(branch.text)
    return Probe(branch.name, vector, branch.depth)
