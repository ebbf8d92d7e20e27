"""Small points whose scores can be worked out by eye, and questions about them."""

import uuid
from collections.abc import Mapping, Sequence

import numpy as np

from rag.seams import CollectionSpec, Store
from rag.values import (
    DEFAULT_TENANT,
    Access,
    Chunk,
    Lookup,
    Metadata,
    Point,
    Probe,
    Ranking,
    SparseVector,
    Vector,
    Where,
)

SPEC = CollectionSpec("hashed", "hashed/4", 4, "qdrant-bm25/english/k1=0.9/b=0.4", "none", 2.5)
EAST = (1.0, 0.0, 0.0, 0.0)
NORTH = (0.0, 1.0, 0.0, 0.0)


def id_of(number: int) -> str:
    """The chunk id of a number; ids sort as their numbers do."""
    return str(uuid.UUID(int=number))


def unit(values: Sequence[float]) -> Vector:
    """The values, scaled to length 1."""
    vector = np.asarray(values, np.float32)
    return vector / np.linalg.norm(vector)


def sparse(weights: Mapping[int, float]) -> SparseVector:
    """Weights by term id."""
    return SparseVector(tuple(sorted(weights)), tuple(weights[i] for i in sorted(weights)))


def point(
    number: int,
    weights: Mapping[int, float],
    dense: Sequence[float] = EAST,
    *,
    text: str = "",
    document_id: str = "",
    title: str = "",
    source: str = "",
    tenant: str = DEFAULT_TENANT,
    metadata: Metadata | None = None,
    ordinal: int = 0,
) -> Point:
    """A point with the chunk id of a number."""
    text = text or f"text {number}"
    chunk = Chunk(
        id=id_of(number),
        document_id=document_id or f"document {number}",
        text=text,
        start=10,
        end=10 + len(text),
        title=title,
        context=title,
        source=source,
        metadata=metadata or {},
        tenant=tenant,
        ordinal=ordinal,
    )
    return Point(chunk, unit(dense), sparse(weights), len(weights))


def ask(
    terms: Mapping[int, float] | None = None,
    dense: Sequence[float] = EAST,
    *,
    depth: int = 100,
    tenant: str = DEFAULT_TENANT,
    principals: tuple[str, ...] | None = None,
    where: Where = (),
    at: str = "",
) -> Lookup:
    """Both branches under one access, filter and instant; the terms default to term 1."""
    probes = (
        Probe("bm25", sparse(terms or {1: 1.0}), depth),
        Probe("dense", np.asarray(dense, np.float32), depth),
    )
    return Lookup(probes, Access(tenant, principals), where, at)


def numbers(ranking: Ranking) -> list[int]:
    """The numbers of the chunks of a ranking, best first."""
    return [uuid.UUID(hit.chunk_id).int for hit in ranking]


async def ids_in(store: Store) -> list[str]:
    """Every chunk id that a scan yields, as often as it does."""
    return [stored.chunk.id async for page in store.scan() for stored in page]
