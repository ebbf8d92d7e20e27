"""What the Haystack graph costs: queries through it, and by the functions that it is made of."""

import gc
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from eval.benchmarks.search import SPEC, Corpus, K, fill, known_parts, make_corpus
from indexers.encoders.bm25 import Bm25Encoder
from indexers.stores.edge import create_edge
from rag.deepen import Deepener, deepen
from rag.errors import LLMUnavailable
from rag.expand.expand import Expander, ExpansionCache, expand
from rag.find import fetch, find
from rag.fuse import fuse
from rag.parts import Parts
from rag.pipeline import QueryPath
from rag.plan import make_plan
from rag.seams import LLM, Store
from rag.values import Query, Results

CHUNKS = 20_000
ROUNDS = 3


async def _nobody() -> LLM:
    raise LLMUnavailable("nothing here asks a model")


async def _corpus() -> tuple[str, float]:
    return "synthetic", 60.0


def _parts(store: Store, corpus: Corpus) -> Parts:
    """Return what a search takes, with every stage that a default server has."""
    sparse = Bm25Encoder()
    return replace(
        known_parts(store, corpus, sparse),
        expander=Expander({}, _nobody, sparse, _corpus, ExpansionCache()),
        deepener=Deepener({}, _nobody),
    )


async def by_hand(query: Query, parts: Parts) -> Results:
    """Return what the graph returns, without it."""
    assert parts.expander  # noqa: S101 - given above
    assert parts.deepener  # noqa: S101 - given above
    plan = make_plan(query, parts.defaults)
    plan = await expand(plan, parts.expander, partial(parts.search, query))
    found = await find(plan, parts.encoder, parts.sparse, parts.store)
    most = parts.fetched(query)
    results = await fetch(fuse(found, parts.fusions, parts.weights), parts.store, most)
    return await deepen(results, parts.deepener, partial(parts.search, results.query), most)


async def bench_graph() -> dict[str, Any]:
    """Return milliseconds per query through the graph and by hand, query by query in turn."""
    corpus = make_corpus(CHUNKS)
    gc.freeze()  # as `rag.wiring.build` does
    with tempfile.TemporaryDirectory() as scratch:
        store = create_edge(Path(scratch) / "bench", SPEC)
        await fill(store, corpus, Bm25Encoder())
        parts = _parts(store, corpus)
        ways: dict[str, Callable[[Query], Awaitable[Results]]] = {
            "graph": QueryPath(parts).search,
            "by hand": partial(by_hand, parts=parts),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(ROUNDS + 1):
            for text in corpus.queries:
                for name, way in ways.items():
                    started = time.perf_counter()
                    await way(Query(text, K))
                    if turn:  # the first round warms up
                        times[name].append((time.perf_counter() - started) * 1_000)
        await store.close()
    added = statistics.median(
        one - other for one, other in zip(times["graph"], times["by hand"], strict=True)
    )
    medians = {name: statistics.median(of) for name, of in times.items()}
    return {
        "chunks": CHUNKS,
        "queries": len(times["graph"]),
        "p50_ms": {name: round(ms, 2) for name, ms in medians.items()},
        "added_ms": round(added, 2),
        "ratio": round(medians["graph"] / medians["by hand"], 2),
        "aim": "the graph adds ≤ 2 ms to a query (added_ms, the median over pairs)",
    }
