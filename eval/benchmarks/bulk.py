"""`firstcite index` over 50,000 chunks of real text: its time beside the encoder's, and its memory.

The corpus is every collection there is, and sources of Python's standard library. Each side is a
process of its own, because each has its own peak of memory. The encoder alone reads every eighth
text before the run, and another eighth after it, so that a machine that changes its pace is seen.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from indexers.encoders.dense import DenseEncoder
from indexers.reading import read_paths
from indexers.splitting.splitters import make_split
from rag.sections import IndexSettings
from rag.settings import quiet
from rag.values import Document, Frozen

LEFT_OUT = {"site-packages", "test", "tests", "__pycache__", "encodings", "idlelib", "lib2to3"}
SHARE = 8  # every so many texts are encoded before, and after
EVERY_S = 0.2  # memory is looked at
TOGETHER = 1_024  # texts that the encoder alone is given at a time: as many as a run gives it
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ran(Frozen):
    """A process that ended: its seconds, those until it said something, its children's peak too.

    `own_mb` is the peak without mapped files, which the system gives up when it wants the memory.
    """

    seconds: float
    until: float
    peak_mb: int
    own_mb: int
    said: str


def bench_bulk(collections: Path) -> Figures:
    """Return what a run takes beside the encoder alone, once: it takes a quarter of an hour."""
    with tempfile.TemporaryDirectory(dir=".") as scratch:
        paths = corpus(collections, Path(scratch).resolve())
        before = alone(paths, scratch, 0)
        command = [sys.executable, "-m", "rag", "index", *map(str, paths), "--report", "r.jsonl"]
        index = ran(command, scratch, "building the search index")
        lines = (Path(scratch) / "r.jsonl").read_text("utf-8").splitlines()
        report = json.loads(lines[-1])
        after = alone(paths, scratch, SHARE // 2)
    given = before["seconds"] + after["seconds"], before["texts"] + after["texts"]
    encoder = given[0] / given[1] * before["of"]  # seconds for all texts
    return {
        "documents": report["documents"],
        "chunks": report["chunks"],
        "encoded": report["encoded"],
        "seconds": {
            "encoder before": round(before["seconds"], 1),
            "encoder after": round(after["seconds"], 1),
            "encoder, all texts": round(encoder, 1),
            "index, all written": round(index.until, 1),
            "index, search index built": round(index.seconds, 1),
        },
        "texts_encoded_alone": given[1],
        "peak_mb": {
            "model loaded": before["model_mb"],
            "encoder at work": before["encoder_mb"],
            "index": index.peak_mb,
            "index without mapped files": index.own_mb,
        },
        "beyond_encoder_mb": index.peak_mb - before["encoder_mb"],
        "ratio": round(index.until / encoder, 3),
        "aim": "≤ 1.10 until all is written, the process's start counted in; "
        "memory beyond the encoder at work ≤ 1,500 MB",
    }


def alone(paths: Sequence[Path], folder: str, first: int) -> Figures:
    """Return what a process tells that encodes an eighth of the texts and does nothing else."""
    command = [
        sys.executable,
        "-m",
        "eval.benchmarks.bulk",
        *map(str, paths),
        "--first",
        str(first),
    ]
    told: Figures = json.loads(ran(command, folder).said.splitlines()[-1])
    return told


def corpus(collections: Path, scratch: Path) -> list[Path]:
    """Return what is indexed: the collections, and a copy of the standard library's sources."""
    library = Path(sysconfig.get_paths()["stdlib"])
    copied = scratch / "library"
    for file in sorted(library.rglob("*.py")):
        inside = file.relative_to(library)
        if not LEFT_OUT & set(inside.parts):
            (copied / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copied / inside)
    found = sorted(collections.glob("*/corpus.jsonl*")) if collections.is_dir() else []
    return [*(file.resolve() for file in found), copied]


def ran(command: Sequence[str], folder: str, marked: str = "") -> Ran:
    """Return how a process ended, which may skip inputs (3).

    Raises:
        CalledProcessError: it failed.
    """
    started, until = time.perf_counter(), 0.0
    process = subprocess.Popen(  # noqa: S603
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
    )
    said, peak, ended = [], [0, 0], threading.Event()
    watch = threading.Thread(target=_watch, args=(process.pid, peak, ended))
    watch.start()
    assert process.stdout is not None  # noqa: S101 - a pipe
    for line in process.stdout:
        said.append(line)
        if marked and marked in line:
            until = until or time.perf_counter() - started
    process.wait()
    seconds = time.perf_counter() - started
    ended.set()
    watch.join()
    if process.returncode not in {0, 3}:
        raise subprocess.CalledProcessError(process.returncode, command, "".join(said))
    return Ran(seconds, until or seconds, peak[0] >> 20, peak[1] >> 20, "".join(said))


def _watch(pid: int, peak: list[int], ended: threading.Event) -> None:
    """Keep the largest sum of a process's and its children's memory, and that without files."""
    first = psutil.Process(pid)
    while not ended.wait(EVERY_S):
        now = own = 0
        for process in _family(first):
            with suppress(psutil.Error):  # ended meanwhile
                memory = process.memory_info()
                now, own = now + memory.rss, own + memory.rss - memory.shared
        peak[:] = max(peak[0], now), max(peak[1], own)


def _family(first: psutil.Process) -> list[psutil.Process]:
    try:
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def texts(paths: Sequence[Path], encoder: DenseEncoder) -> Iterator[str]:
    """Yield the texts that a run would encode."""
    split = make_split(IndexSettings(), encoder.tokenizer, encoder.spec.max_tokens)
    for item in read_paths(paths):
        if isinstance(item, Document):
            yield from (chunk.indexed_text for chunks in split([item]) for chunk in chunks)


def main() -> None:
    """Encode the texts of the files, and tell the seconds and the memory of the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    quiet()
    encoder = DenseEncoder()
    encoder.encode_now(["A text to begin with."] * 64)
    model = _peak_mb()
    every = list(texts(options.paths, encoder))
    given = every[options.first :: SHARE]
    started = time.perf_counter()
    for start in range(0, len(given), TOGETHER):
        encoder.encode_now(given[start : start + TOGETHER])
    seconds = time.perf_counter() - started
    told = {"seconds": seconds, "model_mb": model, "encoder_mb": _peak_mb()}
    told |= {"texts": len(given), "of": len(every)}
    sys.stdout.write(json.dumps(told))
    sys.stdout.write("\n")


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
