"""A report over 10,000 queries, 20 systems and a million judgments: its time and memory.

The report is made by a process of its own, whose peak memory the kernel counts (VmHWM):
`python -m eval.benchmarks.reports RECORD OUT`.
"""

import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from eval.experiments.record import (
    Analysis,
    CollectionRecord,
    Experiment,
    Lineage,
    Price,
    Record,
    SystemRecord,
    open_record,
    write_record,
)
from eval.provenance import ROOT
from eval.reports.writing import write_report

SYSTEMS, QUERIES, JUDGED, DEPTH = 20, 10_000, 100, 100
GIVEN = 20  # documents that a reranker is given
NAME = "synthetic"
AIM_S, AIM_GB = 60, 2


def bench_reports(systems: int = SYSTEMS, queries: int = QUERIES) -> dict[str, object]:
    """Return the seconds and the memory of a report, files to files."""
    with tempfile.TemporaryDirectory() as scratch:
        record, out = Path(scratch) / "record", Path(scratch) / "out"
        make(record, systems, queries)
        command = [sys.executable, "-m", "eval.benchmarks.reports", str(record), str(out)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)  # noqa: S603
        found = json.loads(done.stdout)
        sizes = {file.suffix[1:]: round(file.stat().st_size / 1e6, 1) for file in out.iterdir()}
    return {
        "systems": systems,
        "queries": queries,
        "judgments": queries * JUDGED,
        "lines of runs": systems * queries * DEPTH,
        "seconds": found["seconds"],
        "seconds of all cores": found["cpu"],
        "peak_gb": found["peak_gb"],
        "megabytes": sizes,
        "ratio": round(found["seconds"] / AIM_S, 2),
        "aim": f"≤ 1 ({AIM_S} s), and under {AIM_GB} GB",
    }


def make(folder: Path, systems: int, queries: int, seed: int = 1) -> Record:
    """Write a record in which each system finds what is relevant a little better than the last."""
    names = [f"system {i:02}" for i in range(systems)]
    reranker = (Lineage("reranker", "family", "model"),)
    record = Record(
        folder,
        Experiment(
            name="A million judgments",
            collections=(CollectionRecord(NAME, "test", queries * 2 * DEPTH, "0" * 64),),
            systems=tuple(
                SystemRecord(name, lineage=reranker if i % 2 else ())
                for i, name in enumerate(names)
            ),
            analysis=Analysis(),
            provenance={"commit": "synthetic"},
            prices=(Price("model", 0.1, 0.3),),
        ),
    )
    write_record(record)
    rng = random.Random(seed)
    ids = [f"q{i:05}" for i in range(queries)]
    _write_judgments(record.of(NAME), ids, rng)
    for i, name in enumerate(names):
        _write_system(record, name, ids, i / systems, reranks=bool(i % 2), rng=rng)
    return record


def _write_judgments(folder: Path, ids: list[str], rng: random.Random) -> None:
    for part in ("qrels", "runs", "rows"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    with (folder / "queries.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(f'{{"_id": "{q}", "text": "question {q}"}}\n' for q in ids)
    with (folder / "qrels" / "human.tsv").open("w", encoding="utf-8") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        for q in ids:
            grades = rng.choices((0, 1, 2, 3), (70, 15, 10, 5), k=JUDGED)
            file.writelines(f"{q}\t{q}-d{j}\t{grade}\n" for j, grade in enumerate(grades))
    with (folder / "snippets.jsonl").open("w", encoding="utf-8") as file:
        for q in ids:
            file.writelines(
                f'{{"document_id": "{q}-d{j}", "title": "document {j}", "text": "beginning"}}\n'
                for j in range(GIVEN)
            )


def _write_system(
    record: Record, name: str, ids: list[str], skill: float, *, reranks: bool, rng: random.Random
) -> None:
    rows = record.of(NAME) / "rows" / f"{name}.jsonl"
    documents = list(range(JUDGED + DEPTH))
    with (
        gzip.open(record.run(NAME, name), "wt", compresslevel=1, encoding="utf-8") as run,
        rows.open("w", encoding="utf-8") as costs,
    ):
        for q in ids:
            # What is judged has small numbers: the better a system, the more of them it finds.
            found = rng.sample(documents[: JUDGED + round(DEPTH * (1 - skill))], DEPTH)
            run.writelines(f"{q} Q0 {q}-d{d} {i} {200 - i} x\n" for i, d in enumerate(found, 1))
            costs.write(_row(q, found, rng, reranks=reranks))


def _row(q: str, found: list[int], rng: random.Random, *, reranks: bool) -> str:
    stages: list[Mapping[str, object]] = [{"name": "find", "ms": 5 + 3 * rng.random()}]
    before: list[str] = []
    if reranks:
        stages.append(
            {
                "name": "rerank",
                "ms": 60 + 40 * rng.random(),
                "calls": 1,
                "tokens_in": 900,
                "tokens_out": 5,
            }
        )
        before = [f"{q}-d{d}" for d in sorted(found[:GIVEN])]
    return json.dumps({"query_id": q, "stages": stages, "before": before}) + "\n"


def _peak_gb() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(kilobytes) * 1024 / 1e9, 2)


def main() -> None:
    """Report on a record; print the seconds and the peak of memory as JSON."""
    started = time.perf_counter()
    write_report(open_record(Path(sys.argv[1])), Path(sys.argv[2]))
    seconds = round(time.perf_counter() - started, 1)
    cpu = round(time.process_time(), 1)
    sys.stdout.write(json.dumps({"seconds": seconds, "cpu": cpu, "peak_gb": _peak_gb()}))


if __name__ == "__main__":
    main()
