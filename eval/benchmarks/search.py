"""The search benchmark: one synthetic corpus, five ways to search it, the encoder excluded.

The corpus is made from a seed: 60 words a chunk, drawn from 30,000 by Zipf's law, and 384
dimensions around 200 centres; queries are six such words and a point near a centre.
"""

import gc
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from indexers.encoders.bm25 import Bm25Encoder
from indexers.stores.edge import create_edge
from indexers.stores.server import connect, create_collection
from rag.abstain import Floor
from rag.answering.answering import quoting
from rag.fuse import FUSIONS
from rag.packing import Packing
from rag.parts import Parts
from rag.pipeline import QueryPath
from rag.plan import Defaults
from rag.quoting.choosing import Limits
from rag.seams import CollectionSpec, EncoderSpec, Store
from rag.sections import StoreSettings
from rag.values import Chunk, Frozen, Point, Query, Vector

CHUNKS, SMALL = 100_000, 20_000
DIMENSION, WORDS, VOCABULARY, CENTRES, QUERIES, K = 384, 60, 30_000, 200, 200, 100
MEAN_LENGTH = float(WORDS)
SPEC = CollectionSpec("synthetic", "synthetic", DIMENSION, "synthetic", "none")


@dataclass(frozen=True, slots=True)
class Corpus(Frozen):
    """Texts and unit vectors, shape (n, h); queries likewise."""

    texts: tuple[str, ...]
    vectors: Vector
    queries: tuple[str, ...]
    query_vectors: Vector


def make_corpus(chunks: int, seed: int = 0) -> Corpus:
    """Return the synthetic corpus; the first chunks of a larger one are the smaller one's."""
    rng = np.random.default_rng(seed)
    vocabulary = np.array([f"w{i}q{(i * 7_919) % 9_973}" for i in range(VOCABULARY)])
    share = 1 / np.arange(1, VOCABULARY + 1)
    share /= share.sum()
    queries = rng.choice(VOCABULARY, size=(QUERIES, 6), p=share)
    centres = rng.standard_normal((CENTRES, DIMENSION), dtype=np.float32)
    query_vectors = _near(centres, QUERIES, rng)
    words = rng.choice(VOCABULARY, size=(chunks, WORDS), p=share)
    return Corpus(
        tuple(" ".join(row) for row in vocabulary[words]),
        _near(centres, chunks, rng),
        tuple(" ".join(row) for row in vocabulary[queries]),
        query_vectors,
    )


def _near(centres: Vector, n: int, rng: np.random.Generator) -> Vector:
    noise = rng.standard_normal((n, DIMENSION), dtype=np.float32)
    points = centres[rng.integers(0, len(centres), n)] + noise  # (n, h)
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), dtype=np.float32)


class KnownVectors:
    """An encoder that looks its texts up, so that encoding costs nothing."""

    def __init__(self, corpus: Corpus) -> None:
        self._rows = dict(zip(corpus.queries, corpus.query_vectors, strict=True))
        self.spec = EncoderSpec("synthetic", DIMENSION, "synthetic", WORDS)

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        """Return the known rows, shape (n, h)."""
        del kind
        return np.stack([self._rows[text] for text in texts])


def points(corpus: Corpus, sparse: Bm25Encoder) -> Iterator[Point]:
    """Yield the corpus as points."""
    for i, text in enumerate(corpus.texts):
        chunk = Chunk(str(uuid.UUID(int=i + 1)), f"d{i}", text, 0, len(text), title=f"Chunk {i}")
        yield Point(chunk, corpus.vectors[i], sparse.document(text, MEAN_LENGTH), WORDS)


async def fill(store: Store, corpus: Corpus, sparse: Bm25Encoder) -> float:
    """Put the corpus and build the indexes; return the seconds."""
    started = time.perf_counter()
    batch = []
    for point in points(corpus, sparse):
        batch.append(point)
        if len(batch) == 1_024:
            await store.put(batch)
            batch = []
    await store.put(batch)
    await store.optimize()
    return time.perf_counter() - started


def query_path(store: Store, corpus: Corpus, sparse: Bm25Encoder) -> QueryPath:
    """Return the product's own query path over known vectors."""
    return QueryPath(known_parts(store, corpus, sparse))


def known_parts(store: Store, corpus: Corpus, sparse: Bm25Encoder) -> Parts:
    """Return what a search over known vectors takes."""
    encoder = KnownVectors(corpus)
    return Parts(
        encoder=encoder,
        sparse=sparse,
        store=store,
        generator=quoting(encoder, Floor(0.0), Limits(1)),
        defaults=Defaults("dbsf", K, tuple(FUSIONS)),
        fusions=FUSIONS,
        weights={"bm25": 0.5, "dense": 0.5},
        packing=Packing(1),
    )


async def latencies(ask: Callable[[str], Awaitable[object]], queries: Sequence[str]) -> list[float]:
    """Return milliseconds per query, after one unclocked round over a tenth of them."""
    for query in queries[: len(queries) // 10]:
        await ask(query)
    times = []
    for query in queries:
        started = time.perf_counter()
        await ask(query)
        times.append((time.perf_counter() - started) * 1_000)
    return times


async def bench_search() -> dict[str, Any]:
    """Return p50 and p95 of fused top-100 with payload, ours and the peers', in one run."""
    from eval.benchmarks.peers import bm25s_with_numpy, haystack_in_memory

    sparse = Bm25Encoder()
    corpus = make_corpus(CHUNKS)
    gc.freeze()  # as `rag.wiring.build` does
    small = Corpus(
        corpus.texts[:SMALL], corpus.vectors[:SMALL], corpus.queries, corpus.query_vectors
    )
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        edge = create_edge(Path(scratch) / "bench", SPEC)
        fill_s = await fill(edge, corpus, sparse)
        path = query_path(edge, corpus, sparse)
        times[f"firstcite, {CHUNKS:,}"] = await latencies(
            lambda text: path.search(Query(text, K)), corpus.queries
        )
        await edge.close()
    peer = bm25s_with_numpy(corpus)
    times[f"bm25s + exact numpy, {CHUNKS:,}"] = await latencies(peer, corpus.queries)
    local = await create_collection(connect(StoreSettings(url=":memory:")), "bench", SPEC)
    await fill(local, small, sparse)
    slow = query_path(local, small, sparse)
    few = corpus.queries[:20]
    times[f"qdrant-client local mode, {SMALL:,}"] = await latencies(
        lambda text: slow.search(Query(text, K)), few
    )
    await local.close()
    times[f"Haystack in-memory store, {SMALL:,}"] = await latencies(haystack_in_memory(small), few)
    shown = {
        name: {
            "p50_ms": round(float(np.percentile(t, 50)), 2),
            "p95_ms": round(float(np.percentile(t, 95)), 2),
        }
        for name, t in times.items()
    }
    ours, first = list(shown.values())[:2]
    return {
        "filled_and_indexed_s": round(fill_s, 1),
        **shown,
        "ratio": round(first["p50_ms"] / ours["p50_ms"], 2),
        "aim": "p50 ≤ 3 ms; the ratio is bm25s + numpy over ours at the same size",
    }
