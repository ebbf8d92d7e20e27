"""How the store grows: `python -m eval.benchmarks.scale --out DIR`, or `make scale-results`.

For each size, in a process of its own: a bulk run over synthetic documents whose vectors cost
nothing (`eval.benchmarks.synthetic`), the embedded store's size on disk, hybrid searches before and
after its search index is built, and the share of the exact ten nearest that are found then.
"""

import argparse
import asyncio
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from eval.benchmarks.plotting import growth
from eval.benchmarks.synthetic import Synthetic, documents, lines, questions
from eval.markdown import table
from eval.provenance import provenance
from indexers.bulk import Options, index
from indexers.encoders.bm25 import Bm25Encoder
from indexers.stores.edge import EdgeStore, create_edge
from indexers.stores.edge_config import PLAIN
from indexers.stores.room import occupied
from rag.seams import CollectionSpec
from rag.sections import StoreSettings
from rag.settings import quiet
from rag.values import Lookup, Probe, Vector

SIZES = (10_000, 100_000, 1_000_000)
QUERIES = 200
EXACT = 50  # queries whose true neighbours are computed
DEPTH = 100
Figures = dict[str, Any]


async def measured(chunks: int, folder: Path, settings: StoreSettings = PLAIN) -> Figures:
    """Return the figures of one size, of a store made as the settings say."""
    encoder, sparse = Synthetic(), Bm25Encoder()
    spec = encoder.spec
    built = CollectionSpec(
        spec.name, spec.fingerprint, spec.dimension, sparse.spec.fingerprint, "lines"
    )
    store = create_edge(folder, built, settings)
    started = time.perf_counter()
    report = await index(
        documents(chunks), lines, encoder, sparse, store, options=Options(optimize=False)
    )
    put = time.perf_counter() - started
    own = _own_memory()
    asked = questions(QUERIES)
    vectors = await _near(store, QUERIES)
    before = await _search(store, sparse, asked, vectors)
    started = time.perf_counter()
    await store.optimize()
    optimized = time.perf_counter() - started
    own = max(own, _own_memory())
    after = await _search(store, sparse, asked, vectors)
    recall = await _recall(store, vectors[:EXACT])
    await store.close()
    return {
        "chunks": report.chunks,
        "put_s": round(put, 1),
        "chunks_per_s": round(report.chunks / put),
        "optimize_s": round(optimized, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "own_memory_mb": own,
        "disk_bytes_per_chunk": round(occupied(folder) / report.chunks),
        "before_ms": before,
        "after_ms": after,
        "recall_at_10": recall,
    }


def _own_memory() -> int:
    """Return the megabytes in memory that are not a mapped file's; 0 where no kernel tells."""
    status = Path("/proc/self/status")
    lines = status.read_text("utf-8").splitlines() if status.exists() else []
    return sum(int(line.split()[1]) // 1024 for line in lines if line.startswith("RssAnon"))


async def _near(store: EdgeStore, n: int) -> Vector:
    """Return query vectors, each near a stored one: those of the chunks, and noise."""
    random = np.random.default_rng(3)
    async for page in store.scan():
        rows = np.stack([point.dense for point in page[:n]])  # (n, h)
        noisy = rows + 0.04 * random.standard_normal(rows.shape).astype(np.float32)
        return noisy / np.linalg.norm(noisy, axis=1, keepdims=True)  # type: ignore[no-any-return]
    raise ValueError("nothing is stored")


async def _search(
    store: EdgeStore, sparse: Bm25Encoder, asked: Sequence[str], vectors: Vector
) -> Figures:
    """Return the median and the 95th percentile of a hybrid search with its texts, in ms."""
    times = []
    for question, vector in zip(asked, vectors, strict=True):
        started = time.perf_counter()
        probes = (Probe("bm25", sparse.query(question), DEPTH), Probe("dense", vector, DEPTH))
        found = await store.find(Lookup(probes))
        best = dict.fromkeys(hit.chunk_id for ranking in found.values() for hit in ranking)
        await store.get(list(best)[:DEPTH], None)
        times.append(1_000 * (time.perf_counter() - started))
    return {"p50": round(statistics.median(times), 2), "p95": round(sorted(times)[-10], 2)}


async def _recall(store: EdgeStore, vectors: Vector) -> float:
    best: list[list[tuple[float, str]]] = [[] for _ in vectors]
    async for page in store.scan():
        scores = vectors @ np.stack([point.dense for point in page]).T  # (q, d)
        for row, held in zip(scores, best, strict=True):
            held += [(float(row[i]), page[i].chunk.id) for i in np.argsort(-row)[:10]]
            held[:] = sorted(held, reverse=True)[:10]
    hits = 0
    for vector, exact in zip(vectors, best, strict=True):
        found = (await store.find(Lookup((Probe("dense", vector, 10),))))["dense"]
        hits += len({hit.chunk_id for hit in found} & {id_ for _, id_ in exact})
    return round(hits / (10 * len(vectors)), 4)


def grown(report: Figures) -> list[str]:
    """Return the figures of every size as a table."""
    head = ["chunks", "put", "chunks/s", "optimize", "peak RSS", "its own", "disk per chunk"]
    head += ["p50 / p95 before", "p50 / p95 after", "recall@10"]
    rows = [
        [
            f"{row['chunks']:,}",
            f"{row['put_s']:,} s",
            f"{row['chunks_per_s']:,}",
            f"{row['optimize_s']:,} s",
            f"{row['peak_rss_mb']:,} MB",
            f"{row['own_memory_mb']:,} MB",
            f"{row['disk_bytes_per_chunk']:,} B",
            f"{row['before_ms']['p50']} / {row['before_ms']['p95']} ms",
            f"{row['after_ms']['p50']} / {row['after_ms']['p95']} ms",
            f"{row['recall_at_10']:.3f}",
        ]
        for row in report["sizes"]
    ]
    return table(head, rows)


def to_markdown(report: Figures) -> str:
    """Return the report as Markdown."""
    where = report["provenance"]
    return "\n".join(
        [
            "# Scale of the embedded store",
            "",
            *grown(report),
            "",
            (
                "Synthetic texts of 80 words, vectors of 384 numbers in 2,000 clusters that cost "
                "nothing; a search is BM25 and dense, 100 each, with the texts of 100 chunks. "
                f"Quantisation: {report['quantisation']}. Of the peak all but its own are mapped "
                "files, which the system gives up when it wants the memory."
            ),
            "",
            "![growth](scale.svg)",
            "",
            (
                f"`{where['command']}`, commit `{where['commit'] or 'unknown'}`, {where['time']}, "
                f"{where['machine']['cores']} cores of {where['machine']['cpu']}."
            ),
            "",
        ]
    )


def chart(rows: Sequence[Figures]) -> str:
    """Return the times by size as SVG."""
    series = {
        "put, s": [(row["chunks"], row["put_s"]) for row in rows],
        "optimize, s": [(row["chunks"], max(row["optimize_s"], 0.01)) for row in rows],
        "p50 before, ms": [(row["chunks"], row["before_ms"]["p50"]) for row in rows],
        "p50 after, ms": [(row["chunks"], row["after_ms"]["p50"]) for row in rows],
        "p95 after, ms": [(row["chunks"], row["after_ms"]["p95"]) for row in rows],
    }
    return growth("Growth of the embedded store", "chunks", "seconds, milliseconds", series)


def main() -> None:
    """Measure every size and write `scale.json`, `scale.md` and `scale.svg`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--one", type=int, help="measure one size in this process")
    kinds = ["none", "scalar", "binary", "product"]
    parser.add_argument("--quantisation", choices=kinds, default="none")
    options = parser.parse_args()
    quiet()
    settings = StoreSettings(quantisation=options.quantisation)
    if options.one:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            found = asyncio.run(measured(options.one, Path(folder) / "scale", settings))
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return
    rows = []
    for size in options.sizes:
        command = [sys.executable, "-m", "eval.benchmarks.scale", "--one", str(size)]
        command += ["--quantisation", options.quantisation]
        done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        rows.append(msgspec.json.decode(done.stdout))
        sys.stdout.write(f"{rows[-1]}\n")
    report = {"quantisation": options.quantisation, "sizes": rows, "provenance": provenance()}
    options.out.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(report))
    (options.out / "scale.json").write_bytes(encoded + b"\n")
    (options.out / "scale.md").write_text(to_markdown(report), encoding="utf-8")
    (options.out / "scale.svg").write_text(chart(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
