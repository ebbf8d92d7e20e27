"""Retrieval evaluation: index a test collection, run systems over its queries, measure, report."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eval.data.collection import Collection, corpus_of
from eval.data.runs import Ranked, ScoredDocument, best_chunks
from eval.measures import Scores, score
from indexers.bulk import IndexReport
from indexers.reading import read_paths
from rag.errors import BadCollection, BadInput, CollectionMismatch
from rag.expand.methods import EXPANSIONS
from rag.pipeline import QueryPath
from rag.values import Frozen, Query
from rag.wiring import Engine

DEPTH = 100
CHUNKS_PER_DOCUMENT = 4  # chosen: chunks fetched for each document wanted, when documents are split
WARM_UP = 5  # queries answered before the clock starts
PATIENCE_S = 600.0  # for the expansions of a query: an evaluation leaves none out for being slow


@dataclass(frozen=True, slots=True)
class System(Frozen):
    """What a system asks for in a query; empty means what the settings say."""

    branches: tuple[str, ...] = ()
    fusion: str = ""
    expand: tuple[str, ...] = ()


SYSTEMS: Mapping[str, System] = {
    "bm25": System(branches=("bm25",)),
    "dense": System(branches=("dense",)),
    "fused": System(),
    "rrf": System(fusion="rrf"),
    "dbsf": System(fusion="dbsf"),
    "convex": System(fusion="convex"),
}


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


def choose(names: Sequence[str]) -> Mapping[str, System]:
    """Return the systems of these names, in the order asked, none twice.

    Expansions follow a system after a plus: "fused+rocchio".

    Raises:
        BadInput: an unknown system or expansion.
    """
    return {name: _system(name) for name in names}


def _system(name: str) -> System:
    base, *expand = name.split("+")
    if base not in SYSTEMS:
        raise BadInput(f"unknown system '{base}'. Known: {', '.join(SYSTEMS)}")
    if unknown := [one for one in expand if one not in EXPANSIONS]:
        raise BadInput(f"unknown expansion '{unknown[0]}'. Known: {', '.join(EXPANSIONS)}")
    return replace(SYSTEMS[base], expand=tuple(expand))


async def evaluate(
    collection: Collection,
    systems: Mapping[str, System],
    engine: Engine,
    show: Show = lambda _stage, _done, _total: None,
) -> Experiment:
    """Index the collection, run every system over every query, and measure.

    Raises:
        BadCollection: no document of the corpus can be read.
        CollectionMismatch: the collection holds other documents, too.
        StoreUnavailable, ModelUnavailable: from the engine.
    """
    name = scratch_name(collection.folder, engine)
    report, path = await indexed(collection.folder, name, engine, show)
    whole = engine.settings.index.splitter == "none"
    k = DEPTH if whole else DEPTH * CHUNKS_PER_DOCUMENT
    results = [
        await _run(path, name, system, collection, k, show) for name, system in systems.items()
    ]
    return Experiment(collection, report, tuple(results), await configuration(engine, path))


async def indexed(
    folder: Path, name: str, engine: Engine, show: Show
) -> tuple[IndexReport, QueryPath]:
    """Index the documents of a BEIR folder; return the report and the path of the collection.

    Raises:
        BadCollection: there is no corpus, or no document of it can be read.
        CollectionMismatch: the collection holds other documents, too.
        StoreUnavailable, ModelUnavailable: from the engine.
    """
    corpus = corpus_of(folder)
    limits = engine.settings.index
    report = await engine.index(
        read_paths([folder], limits=limits),
        name,
        lambda p: show(p.stage, p.done, p.total),
    )
    if not report.documents:
        why = f", e.g. {report.faults[0]}" if report.faults else ""
        raise BadCollection(f"no document of {corpus} can be read{why}")
    path = await engine.collection(name)
    held = await path.parts.store.count()
    if held != report.chunks:
        raise CollectionMismatch(
            f"'{name}' holds {held:,} chunks and the corpus has {report.chunks:,}: it holds other "
            "documents, too, or the corpus has changed since; delete that collection and run again"
        )
    return report, path


async def _run(
    path: QueryPath, name: str, system: System, collection: Collection, k: int, show: Show
) -> SystemResult:
    changes = {"expand": system.expand, "seconds": PATIENCE_S} if system.expand else {}

    def query(text: str) -> Query:
        return Query(text, k, branches=system.branches, fusion=system.fusion, changes=changes)

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
        show(f"search {name}", done, len(texts))
        await asyncio.sleep(0)  # let Ctrl-C through
    run = {query_id: [d.document_id for d in docs] for query_id, docs in ranked.items()}
    p50, p95 = np.percentile(times, [50, 95])
    return SystemResult(name, ranked, score(run, collection.qrels), float(p50), float(p95))


async def configuration(engine: Engine, path: QueryPath) -> Mapping[str, object]:
    """Return what a collection was built with and how it is searched."""
    settings = engine.settings
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


def scratch_name(folder: Path, engine: Engine) -> str:
    """Return a name that no other collection, and no other way to index it, has on a server."""
    index = engine.settings.index
    parts = (
        str(folder.resolve()),
        engine.encoder.spec.fingerprint,
        engine.sparse.spec.fingerprint,
        index.splitter,
        index.chunk_tokens,
    )
    return f"eval-{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"
