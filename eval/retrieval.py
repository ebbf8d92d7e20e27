"""Retrieval evaluation: index a test collection, run systems over its queries, measure, report."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from eval.collection import Collection
from eval.measures import Scores, score
from eval.runs import Ranked, ScoredDocument, best_chunks
from indexers.bulk import IndexReport
from indexers.readers import read_paths
from rag.errors import BadInput
from rag.pipeline import QueryPath
from rag.settings import Settings
from rag.values import Frozen, Query
from rag.wiring import Engine, build

DEPTH = 100
CHUNKS_PER_DOCUMENT = 4  # chosen: chunks fetched for each document wanted, when documents are split
WARM_UP = 5  # queries answered before the clock starts


@dataclass(frozen=True, slots=True)
class System(Frozen):
    """What a system asks for in a query; empty means what the settings say."""

    branches: tuple[str, ...] = ()
    fusion: str = ""


SYSTEMS: Mapping[str, System] = {
    "bm25": System(branches=("bm25",)),
    "dense": System(branches=("dense",)),
    "fused": System(),
    "rrf": System(fusion="rrf"),
    "dbsf": System(fusion="dbsf"),
    "convex": System(fusion="convex"),
}

Splitter = Literal["none", "recursive"]


@dataclass(frozen=True, slots=True)
class SystemResult(Frozen):
    """One system: its ranking of every query, its measures, and how long a query took (ms)."""

    name: str
    ranked: Ranked
    scores: Scores
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Experiment(Frozen):
    """Systems over one collection, with what the index was built with."""

    collection: Collection
    index: IndexReport
    systems: tuple[SystemResult, ...]
    configuration: Mapping[str, object]


Show = Callable[[str, int, int], None]


async def evaluate(
    collection: Collection,
    systems: Sequence[str],
    splitter: Splitter,
    settings: Settings,
    show: Show,
) -> Experiment:
    """Index the collection, run every system over every query, and measure.

    Raises:
        BadInput: an unknown system.
        StoreUnavailable, ModelUnavailable: from the engine.
    """
    unknown = [name for name in systems if name not in SYSTEMS]
    if unknown:
        raise BadInput(f"unknown system '{unknown[0]}'. Known: {', '.join(SYSTEMS)}")
    settings = msgspec.structs.replace(
        settings, index=msgspec.structs.replace(settings.index, splitter=splitter)
    )
    engine = build(settings)
    try:
        name = _collection_name(collection)
        report = await engine.index(
            read_paths([collection.folder], max_line_bytes=settings.index.max_line_bytes),
            name,
            lambda p: show(p.stage, p.done, p.total),
        )
        path = await engine.collection(name)
        k = DEPTH if splitter == "none" else DEPTH * CHUNKS_PER_DOCUMENT
        results = [await _run(path, name, collection, k, show) for name in systems]
        return Experiment(
            collection, report, tuple(results), await _configuration(engine, path, settings)
        )
    finally:
        await engine.close()


async def _run(
    path: QueryPath, system: str, collection: Collection, k: int, show: Show
) -> SystemResult:
    asks = SYSTEMS[system]

    def query(text: str) -> Query:
        return Query(text, k, branches=asks.branches, fusion=asks.fusion)

    texts = list(collection.queries.items())
    for _, text in texts[:WARM_UP]:
        await path.search(query(text))
    ranked: dict[str, tuple[ScoredDocument, ...]] = {}
    times = []
    for done, (query_id, text) in enumerate(texts, start=1):
        started = time.perf_counter()
        results = await path.search(query(text))
        times.append((time.perf_counter() - started) * 1_000)
        ranked[query_id] = best_chunks(results.candidates, DEPTH)
        show(f"search {system}", done, len(texts))
        await asyncio.sleep(0)  # let Ctrl-C through
    run = {query_id: [d.document_id for d in docs] for query_id, docs in ranked.items()}
    p50, p95 = np.percentile(times, [50, 95])
    return SystemResult(system, ranked, score(run, collection.qrels), float(p50), float(p95))


async def _configuration(
    engine: Engine, path: QueryPath, settings: Settings
) -> Mapping[str, object]:
    spec, encoder = await path.parts.store.info(), engine.encoder.spec
    return {
        "encoder": encoder.fingerprint,
        "precision": f"{encoder.precision} ({encoder.why})",
        "bm25": spec.sparse_fingerprint,
        "mean_length": round(spec.mean_length, 3),
        "splitter": spec.splitter,
        "fusion": settings.search.fusion,
        "depth_per_branch": settings.search.depth,
        "store": "qdrant server" if settings.store.url else "qdrant edge",
    }


def _collection_name(collection: Collection) -> str:
    """Return a name that no other collection on a shared server is likely to have."""
    digest = hashlib.sha256(str(collection.folder.resolve()).encode()).hexdigest()
    return f"eval-{digest[:12]}"
