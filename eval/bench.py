"""Benchmarks: `python -m eval.bench`. Every claim is a ratio of medians within one run.

Sections: `encoder` (against SentenceTransformer.encode), `index` (`firstcite index`, the whole
process, against the encoder alone on the same texts), `search` (100,000 chunks, encoder excluded,
beside bm25s with exact numpy, qdrant-client's local mode and Haystack's in-memory store), `graph`
(what the Haystack graph adds to the functions it is made of). In `eval.benchmarks`: `bulk`, the
whole process over 50,000 chunks, with its memory; `encode` (`encoders`), the encoder in every
runtime and precision, on documents; of the language model (`llm`) `choose` (labels, by backend) and
`write` (drafting); `rerank`, every method and schedule on 100 candidates; `http` (`serving`), the
server under load; `measures`, the figures of a report beside pytrec_eval and ranx; `reports`, a
report over 10,000 queries of 20 systems, with its memory.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from eval.benchmarks.pipeline import bench_graph
from eval.benchmarks.search import bench_search
from eval.markdown import table
from eval.provenance import provenance
from indexers.encoders.dense import DenseEncoder
from indexers.reading import read_paths
from indexers.splitting.splitters import make_split
from rag.sections import IndexSettings
from rag.settings import Settings, models_folder, quiet
from rag.values import Document

ROUNDS = 3  # each side is timed this often, in turn; the median counts
LONG_ROUNDS = 2  # where a round takes minutes
ENCODER_TEXTS = 512

Figures = dict[str, Any]


def timed(call: Callable[[], object]) -> float:
    """Return the seconds a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def in_turn(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each side's rounds, taken in turn so that a slow minute hits all."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, call in sides.items():
            seconds[name].append(timed(call))
    return seconds


def bench_encoder(documents: Sequence[Document]) -> Figures:
    """Return texts per second of the default encoder and of sentence-transformers' defaults."""
    from sentence_transformers import SentenceTransformer

    from indexers.encoders.packaged import packaged_model

    texts = [f"{document.title} {document.text}" for document in documents[:ENCODER_TEXTS]]
    ours = DenseEncoder()
    theirs = SentenceTransformer(str(packaged_model()), device="cpu")
    sides: dict[str, Callable[[], object]] = {
        "firstcite": lambda: ours.encode_now(texts),
        "sentence-transformers fp32": lambda: theirs.encode(texts, show_progress_bar=False),
    }
    ours.encode_now(texts[:64])
    theirs.encode(texts[:64], show_progress_bar=False)
    seconds = in_turn(sides, ROUNDS)
    rates = {name: len(texts) / statistics.median(times) for name, times in seconds.items()}
    return {
        "texts": len(texts),
        "precision": f"{ours.spec.precision} ({ours.spec.why})",
        "texts_per_s": {name: round(rate, 1) for name, rate in rates.items()},
        "ratio": round(rates["firstcite"] / rates["sentence-transformers fp32"], 2),
        "aim": "≥ 2.5 on a CPU with native bf16",
    }


def bench_index(folder: Path, documents: Sequence[Document]) -> Figures:
    """Return the seconds of a whole `firstcite index` process, and of the encoder alone."""
    encoder = DenseEncoder()
    split = make_split(IndexSettings(), encoder.tokenizer, encoder.spec.max_tokens)
    texts = [chunk.indexed_text for chunks in split(documents) for chunk in chunks]

    def whole_process() -> None:
        with tempfile.TemporaryDirectory() as scratch:
            command = [sys.executable, "-m", "rag", "index", str(folder.resolve())]
            subprocess.run(command, check=True, capture_output=True, cwd=scratch)  # noqa: S603

    encoder.encode_now(texts[:64])
    seconds = in_turn(
        {"index": whole_process, "encoder": lambda: encoder.encode_now(texts)}, LONG_ROUNDS
    )
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "documents": len(documents),
        "chunks": len(texts),
        "seconds": {name: [round(t, 1) for t in times] for name, times in seconds.items()},
        "ratio": round(medians["index"] / medians["encoder"], 3),
        "aim": "≤ 1.15; the process's start and model loading are counted in",
    }


def bench_encode(documents: Sequence[Document]) -> Figures:
    """Return what the encoder takes in every runtime and precision."""
    from eval.benchmarks.encoders import TEXTS, figures, measured

    texts = [f"{document.title} {document.text}" for document in documents[:TEXTS]]
    found = measured(texts, "", models_folder(Settings()), rounds=ROUNDS)
    return {"texts": len(texts), **figures(found)}


def bench_bulk(collections: Path) -> Figures:
    """Return what a run over 50,000 chunks takes; imports psutil, which is for benchmarks alone."""
    from eval.benchmarks import bulk

    return bulk.bench_bulk(collections)


def bench_http(collections: Path, seconds: float) -> Figures:
    """Return how the server does under load; imports psutil, which is for benchmarks alone."""
    from eval.benchmarks import serving

    return serving.bench_http(collections, seconds)


def bench_llm() -> ModuleType:
    """Return the benchmarks of the language model; imports transformers, which `quiet` precedes."""
    return import_module("eval.benchmarks.llm")


def to_markdown(report: Figures) -> str:
    """Return the report as Markdown."""
    where = report["provenance"]
    rows = [
        [section, shown(found["ratio"]), found["aim"]]
        for section, found in report["sections"].items()
    ]
    lines = ["# Benchmarks", "", *table(["section", "ratio", "aim"], rows), ""]
    for section, found in report["sections"].items():
        lines += [f"## {section}", "", figures(found), ""]
    lines.append(
        f"`{where['command']}`, commit `{where['commit'] or 'unknown'}`, {where['time']}, "
        f"{where['machine']['cores']} cores of {where['machine']['cpu']}."
    )
    return "\n".join(lines) + "\n"


def figures(section: Figures) -> str:
    """Return a section's figures as text, without its ratio and aim."""
    return "; ".join(f"{k}: {shown(v)}" for k, v in section.items() if k not in {"ratio", "aim"})


def shown(value: object) -> str:
    """Return a figure, or several with their names, as text."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {shown(v)}" for k, v in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def main() -> None:
    """Run the sections asked for and write `<time>-<commit>.json` and `.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collections", type=Path, default=Path("../shared/collections"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--only",
        nargs="*",
        default=["encoder", "index", "search", "graph"],
        help="of these; bulk (make bench-bulk), encode (make bench-encode), choose and write "
        "(make bench-llm), rerank (make bench-rerank), http (make bench-http), measures "
        "(make bench-measures), reports (make bench-reports)",
    )
    parser.add_argument("--seconds", type=float, default=60, help="http: of overload")
    options = parser.parse_args()
    quiet()
    scifact = options.collections / "scifact"
    folder = scifact if scifact.is_dir() else Path("examples/handbook")
    documents = [item for item in read_paths([folder]) if isinstance(item, Document)]
    sections: dict[str, Callable[[], Figures]] = {
        "encoder": lambda: bench_encoder(documents),
        "index": lambda: bench_index(folder, documents),
        "search": lambda: asyncio.run(bench_search()),
        "graph": lambda: asyncio.run(bench_graph()),
        "bulk": lambda: bench_bulk(options.collections),
        "encode": lambda: bench_encode(documents),
        "choose": lambda: bench_llm().bench_choose(documents),
        "write": lambda: bench_llm().bench_write(documents),
        "rerank": lambda: import_module("eval.benchmarks.rerank").bench_rerank(documents),
        "http": lambda: bench_http(options.collections, options.seconds),
        "measures": lambda: import_module("eval.benchmarks.measures").bench_measures(),
        "reports": lambda: import_module("eval.benchmarks.reports").bench_reports(),
    }
    report: Figures = {
        "collection": folder.name,
        "sections": {name: sections[name]() for name in options.only},
        "provenance": provenance(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    commit = report["provenance"]["commit"][:10] or "unknown"
    name = f"{datetime.now(UTC):%Y-%m-%dT%H%M}-{commit}"
    encoded = msgspec.json.format(msgspec.json.encode(report))
    (options.out / f"{name}.json").write_bytes(encoded + b"\n")
    (options.out / f"{name}.md").write_text(to_markdown(report), encoding="utf-8")
    sys.stdout.write(to_markdown(report))


if __name__ == "__main__":
    main()
