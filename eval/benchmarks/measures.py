"""How long figures take: 20 systems, 10,000 queries, a million judgments; beside two libraries.

Each side is a process of its own, so that its peak of memory is its own: `make bench-measures`.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from pyarrow import csv

from eval import statistics
from eval.data.collection import read_qrels
from eval.data.run_table import read_run_table
from eval.measures import MEASURES, QrelsTable, evaluate, pack, parse

QUERIES = 10_000
DEPTH = 100
JUDGED = 100  # documents of each query
SYSTEMS = 20
DOCUMENTS = 500_000
PEERS_READ = 3  # runs that the libraries are given; seconds are per run

Figures = dict[str, Any]


def make(folder: Path, systems: int, queries: int = QUERIES) -> None:
    """Write qrels and run files of made-up systems, each a little better than the one before."""
    random = np.random.default_rng(0)
    # Ids of one query are apart by less than the step, so that none stands twice.
    step = DOCUMENTS // (2 * JUDGED)
    ids = np.arange(2 * JUDGED) * step + random.integers(0, step, (queries, 2 * JUDGED))
    grades = random.choice(4, p=[0.7, 0.15, 0.1, 0.05], size=(queries, JUDGED))
    names = pa.array([f"q{i}" for i in range(queries)])

    def column(each: int) -> Any:  # noqa: ANN401 - pyarrow has no types
        return names.take(pa.array(np.repeat(np.arange(queries), each)))

    judged = {"query-id": column(JUDGED), "corpus-id": ids[:, :JUDGED].ravel()}
    _write(folder / "qrels.tsv", {**judged, "score": grades.ravel()}, "\t")
    _write(
        folder / "qrels.trec",
        {"q": judged["query-id"], "0": _same("0", grades.size), "d": ids[:, :JUDGED].ravel()}
        | {"g": grades.ravel()},
        " ",
    )
    for system in range(systems):
        signal = np.hstack([grades, np.zeros((queries, JUDGED))]) * (0.5 + 0.02 * system)
        scores = signal + random.normal(0, 1, signal.shape)
        order = np.argsort(-scores, axis=1)[:, :DEPTH]  # (q, d)
        size = order.size
        run = {
            "q": column(DEPTH),
            "0": _same("Q0", size),
            "d": np.take_along_axis(ids, order, axis=1).ravel(),
            "rank": np.tile(np.arange(1, DEPTH + 1), queries),
            "score": np.take_along_axis(scores, order, axis=1).ravel().round(9),
            "tag": _same(f"s{system}", size),
        }
        _write(folder / f"{system}.trec", run, " ")


def _same(text: str, size: int) -> Any:  # noqa: ANN401 - pyarrow has no types
    return pa.array([text]).take(pa.array(np.zeros(size, np.int64)))


def _write(file: Path, columns: Mapping[str, Any], parting: str) -> None:
    options = csv.WriteOptions(include_header=False, delimiter=parting, quoting_style="none")
    csv.write_csv(pa.table(dict(columns)), file, options)


def ours(folder: Path, systems: int) -> Figures:
    """Return seconds to read, join and measure runs, and the means of the first."""
    measures = [parse(name) for name in MEASURES]
    started = time.perf_counter()
    qrels = QrelsTable.of(read_qrels(folder / "qrels.tsv"))
    judged = time.perf_counter() - started
    read = computed = 0.0
    means = []
    for system in range(systems):
        started = time.perf_counter()
        table = read_run_table(folder / f"{system}.trec")
        read += time.perf_counter() - started
        started = time.perf_counter()
        values = evaluate(pack(table, qrels), measures)
        computed += time.perf_counter() - started
        means.append({str(m): float(np.nanmean(of)) for m, of in values.items()})
    return _figures(systems, judged, read, computed, means[0])


def by_pytrec_eval(folder: Path, systems: int) -> Figures:
    """Return the same of pytrec_eval, which has no Judged and no cutoff of RR."""
    import pytrec_eval

    names = {"ndcg_cut_10": "nDCG@10", "recall_100": "R@100", "map": "AP"}
    started = time.perf_counter()
    with (folder / "qrels.trec").open() as lines:
        qrels = pytrec_eval.parse_qrel(lines)
    asked = {"ndcg_cut.10", "recall.100", "map", "recip_rank"}
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, asked)
    judged = time.perf_counter() - started
    read = computed = 0.0
    means: list[dict[str, float]] = []
    for system in range(systems):
        started = time.perf_counter()
        with (folder / f"{system}.trec").open() as lines:
            run = pytrec_eval.parse_run(lines)
        read += time.perf_counter() - started
        started = time.perf_counter()
        rows = evaluator.evaluate(run).values()
        means.append(
            {ours_: float(np.mean([row[name] for row in rows])) for name, ours_ in names.items()}
        )
        computed += time.perf_counter() - started
    return _figures(systems, judged, read, computed, means[0])


def by_ranx(folder: Path, systems: int) -> Figures:
    """Return the same of ranx, which has no Judged; its functions are compiled before."""
    import ranx

    names = {"ndcg@10": "nDCG@10", "recall@100": "R@100", "mrr@10": "RR@10", "map": "AP"}
    small = {"q": {"d": 1}}
    ranx.evaluate(ranx.Qrels(small), ranx.Run({"q": {"d": 0.5}}), list(names))
    started = time.perf_counter()
    qrels = ranx.Qrels.from_file(str(folder / "qrels.trec"), kind="trec")
    judged = time.perf_counter() - started
    read = computed = 0.0
    means: list[dict[str, float]] = []
    for system in range(systems):
        started = time.perf_counter()
        run = ranx.Run.from_file(str(folder / f"{system}.trec"), kind="trec")
        read += time.perf_counter() - started
        started = time.perf_counter()
        found = ranx.evaluate(qrels, run, list(names))
        means.append({ours_: float(found[name]) for name, ours_ in names.items()})
        computed += time.perf_counter() - started
    return _figures(systems, judged, read, computed, means[0])


def whole_report(folder: Path, systems: int) -> Figures:
    """Return seconds of all figures of a report: values, intervals, comparisons, all pairs."""
    measures = [parse(name) for name in MEASURES]
    marks = [time.perf_counter()]
    qrels = QrelsTable.of(read_qrels(folder / "qrels.tsv"))
    marks.append(time.perf_counter())
    values = [
        evaluate(pack(read_run_table(folder / f"{system}.trec"), qrels), measures)
        for system in range(systems)
    ]
    marks.append(time.perf_counter())
    counted = ~np.isnan(values[0][measures[0]])
    columns = np.stack([of[m][counted] for m in measures for of in values], axis=1)
    statistics.intervals(columns)
    marks.append(time.perf_counter())
    first = columns[:, :systems]
    found = statistics.compare_all(first[:, 0], first[:, 1:])
    statistics.adjusted([comparison.p for comparison in found], "holm")
    marks.append(time.perf_counter())
    statistics.letters(first.mean(axis=0), statistics.tukey(first), 0.05, len(first))
    marks.append(time.perf_counter())
    pairs = statistics.randomised_tukey(first)
    marks.append(time.perf_counter())
    parts = ["qrels", "runs", "intervals", "comparisons", "tukey", "randomised_tukey"]
    return {
        **{
            f"{part}_s": round(t, 2) for part, t in zip(parts, np.diff(marks).tolist(), strict=True)
        },
        "all_s": round(marks[-1] - marks[0], 2),
        "draws_of_randomised_tukey": pairs.draws,
        "peak_mb": peak_mb(),
    }


def _figures(
    runs: int, judged: float, read: float, computed: float, means: Mapping[str, float]
) -> Figures:
    return {
        "runs": runs,
        "qrels_s": round(judged, 2),
        "read_s_per_run": round(read / runs, 3),
        "measure_s_per_run": round(computed / runs, 3),
        "from_file_s_per_run": round((read + computed) / runs, 3),
        "peak_mb": peak_mb(),
        "means": {name: round(value, 6) for name, value in means.items()},
    }


def peak_mb() -> int:
    """Return the most memory this process has had, in megabytes; 0 where no kernel tells."""
    status = Path("/proc/self/status")
    lines = status.read_text("utf-8").splitlines() if status.exists() else []
    return sum(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


SIDES: Mapping[str, Callable[[Path, int], Figures]] = {
    "firstcite": ours,
    "pytrec_eval": by_pytrec_eval,
    "ranx": by_ranx,
    "report": whole_report,
}


def bench_measures(systems: int = SYSTEMS) -> Figures:
    """Return seconds per run and peaks of memory of each side, and of a whole report's figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make(folder, systems)
        found = {
            name: _process(name, folder, PEERS_READ if name in {"pytrec_eval", "ranx"} else systems)
            for name in SIDES
            if name in {"firstcite", "report"} or find_spec(name)
        }
        bytes_ = (folder / "0.trec").stat().st_size
    us = found["firstcite"]
    expected = us["means"]
    for side in found.values():
        for name, value in side.pop("means", {}).items():
            if abs(value - expected[name]) > 1e-5:
                raise ValueError(f"{name} is {value} there and {expected[name]} here")
    peers = [name for name in ("pytrec_eval", "ranx") if name in found]
    return {
        "queries": QUERIES,
        "systems": systems,
        "judgments": QUERIES * JUDGED,
        "bytes_per_run": bytes_,
        **found,
        "ratio": {
            f"{name} {way}": round(found[name][f"{way}_s_per_run"] / us[f"{way}_s_per_run"], 1)
            for name in peers
            for way in ("from_file", "measure")
        },
        "left_out": [name for name in ("pytrec_eval", "ranx") if name not in found],
        "aim": "all figures of a report of 20 systems in < 60 s and < 2,000 MB on 2 cores",
    }


def _process(side: str, folder: Path, systems: int) -> Figures:
    command = [sys.executable, "-m", "eval.benchmarks.measures", side, str(folder), str(systems)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603
    found: Figures = msgspec.json.decode(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the figures of one side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=list(SIDES))
    parser.add_argument("folder", type=Path)
    parser.add_argument("systems", type=int)
    options = parser.parse_args()
    found = SIDES[options.side](options.folder, options.systems)
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")


if __name__ == "__main__":
    main()
