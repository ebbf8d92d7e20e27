"""Finding: the branches of a plan are encoded and looked up, the best chunks are fetched."""

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from rag.seams import Encoder, SparseEncoder, Store
from rag.terms import mixed
from rag.values import (
    Branch,
    Candidate,
    Found,
    Fused,
    Lookup,
    Part,
    Plan,
    Probe,
    Results,
    SparseVector,
    Stage,
    Vector,
)


async def find(plan: Plan, encoder: Encoder, sparse: SparseEncoder, store: Store) -> Found:
    """Return one ranking per branch, each under the query's access, conditions and instant.

    A text that stands in several dense branches is encoded once. The vector of several weighted
    texts is their weighted sum, of unit length. A plan without branches finds nothing.

    Raises:
        StoreUnavailable: from the store.
    """
    dense = [part for b in plan.branches if b.kind == "dense" for part in _parts(b)]
    vectors = {
        **await _encoded(dense, "query", encoder),
        **await _encoded(dense, "document", encoder),
    }
    probes = tuple(_probe(branch, vectors, sparse) for branch in plan.branches)
    lookup = Lookup(probes, plan.query.access, plan.query.where, plan.query.as_of)
    rankings = await store.find(lookup) if probes else {}
    detail = ", ".join(f"{name} {len(ranking)}" for name, ranking in rankings.items())
    stage = Stage("find", 0.0, "ok" if probes else "skipped", detail or "no branches")
    return Found(plan, rankings, (*plan.trace, stage))


async def fetch(fused: Fused, store: Store, least: int = 0) -> Results:
    """Return the k best chunks, or `least` where that is more, with text, score and ranks.

    Raises:
        StoreUnavailable: from the store.
    """
    best = fused.ranking[: max(fused.query.k, least)]
    got = await store.get([hit.chunk_id for hit in best], fused.query.access)
    chunks = {chunk.id: chunk for chunk in got}
    ranks: dict[str, dict[str, int]] = {hit.chunk_id: {} for hit in best}
    for name, ranking in fused.rankings.items():
        for rank, hit in enumerate(ranking, start=1):
            if hit.chunk_id in ranks:
                ranks[hit.chunk_id][name] = rank
    candidates = tuple(
        Candidate(chunks[hit.chunk_id], hit.score, ranks[hit.chunk_id])
        for hit in best
        if hit.chunk_id in chunks  # dropped, or closed to who asks, since it was found
    )
    stage = Stage("fetch", 0.0, detail=f"{len(candidates)} chunks")
    return Results(fused.query, candidates, (*fused.trace, stage))


def _parts(branch: Branch) -> tuple[Part, ...]:
    """Return the weighted texts that a branch looks with."""
    if isinstance(branch.form, SparseVector):
        raise TypeError(f"'{branch.name}' is a dense branch: it cannot look with terms")
    return branch.form or (Part(branch.text),)


async def _encoded(
    parts: Iterable[Part], reads: Literal["query", "document"], encoder: Encoder
) -> dict[tuple[str, str], Vector]:
    texts = tuple(dict.fromkeys(part.text for part in parts if part.reads == reads))
    vectors = await encoder.encode(texts, reads) if texts else ()
    return {(text, reads): vector for text, vector in zip(texts, vectors, strict=True)}


def _probe(
    branch: Branch, vectors: Mapping[tuple[str, str], Vector], sparse: SparseEncoder
) -> Probe:
    if branch.kind == "dense":
        parts = _parts(branch)
        each = [(vectors[part.text, part.reads], part.weight) for part in parts]
        return Probe(branch.name, each[0][0] if len(each) == 1 else _summed(each), branch.depth)
    if isinstance(branch.form, SparseVector):
        return Probe(branch.name, branch.form, branch.depth)
    terms = mixed((sparse.query(part.text), part.weight) for part in _parts(branch))
    return Probe(branch.name, terms, branch.depth)


def _summed(each: Iterable[tuple[Vector, float]]) -> Vector:
    total = np.sum([vector * np.float32(weight) for vector, weight in each], axis=0)
    length = float(np.linalg.norm(total))
    found: Vector = total / np.float32(length or 1.0)
    return found
