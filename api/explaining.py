"""Why results are where they are."""

from typing import Annotated

from msgspec import Meta, Struct

from rag.values import Found, Fused, Results


class Placed(Struct, frozen=True):
    """A rank, from 1 on, with the score that it was given for."""

    rank: int
    score: float


class Why(Struct, frozen=True):
    """Why a chunk was found: its places in the branches, and in their fusion.

    What only a further search found has none; what a reranker did says `ranks`.
    """

    chunk_id: str
    branches: dict[str, Placed]
    fused: Placed | None


class Looked(Struct, frozen=True):
    """A branch: what it looked for, and how much it found, of at most `depth`."""

    name: str
    text: str
    weight: float
    depth: int
    found: int


class Explanation(Struct, frozen=True):
    """What was searched for, and why the results are where they are; `results` in their order."""

    query: Annotated[str, Meta(description="As it was searched for.")]
    fusion: str
    branches: list[Looked]
    results: list[Why]


def explanation(results: Results, found: Found, fused: Fused) -> Explanation:
    """Return the wire form of why results are where they are."""
    plan = found.plan
    places = {
        name: {hit.chunk_id: Placed(rank, hit.score) for rank, hit in enumerate(ranking, start=1)}
        for name, ranking in {**found.rankings, "": fused.ranking}.items()
    }
    return Explanation(
        plan.query.text,
        plan.fusion,
        [
            Looked(of.name, of.text, of.weight, of.depth, len(found.rankings.get(of.name, ())))
            for of in plan.branches
        ],
        [
            Why(
                candidate.chunk.id,
                {name: by[id_] for name, by in places.items() if name and id_ in by},
                places[""].get(id_),
            )
            for candidate in results.candidates
            for id_ in (candidate.chunk.id,)
        ],
    )
