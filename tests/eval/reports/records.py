"""A record made by hand: three systems over 35 queries, one that a judge filled, hostile texts."""

import gzip
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from eval.experiments.record import (
    Analysis,
    CollectionRecord,
    Experiment,
    Lineage,
    Price,
    Record,
    Row,
    Snippet,
    StageCost,
    SystemRecord,
    write_record,
)

HOSTILE = (
    "<script>alert(1)</script> & [x](javascript:alert(2)) | `tick` **bold** <img src=x onerror=y>"
)
DEPTH = 12
QUERIES = 35
POOL = 30
SKILL = {"bm25": 0.45, "fused": 0.55, "fused+first": 0.9}


def record(
    folder: Path,
    queries: int = QUERIES,
    skill: Mapping[str, float] = SKILL,
    seed: int = 1,
    judged: bool = True,
) -> Record:
    """Write a record; a system's skill is how often it prefers what is relevant."""
    rng = random.Random(seed)  # noqa: S311
    ids = [f"q{i}" for i in range(queries)]
    grades = {q: {f"{q}-d{j}": max(0, 3 - j) for j in range(POOL)} for q in ids}
    runs = {
        name: {q: ranking(list(grades[q]), grades[q], level, rng) for q in ids}
        for name, level in skill.items()
    }
    experiment = Experiment(
        name="Three systems <b>made by hand</b>",
        collections=(
            CollectionRecord(
                "tiny", "test", queries * POOL, "f" * 64, _sources(judged), {"q99": "too long"}
            ),
        ),
        systems=tuple(_system(name) for name in skill),
        analysis=Analysis(baseline=next(iter(skill)), draws=2_000),
        provenance={
            "commit": "c" * 40,
            "command": "firstcite eval run experiment.toml",
            "time": "2026-11-22T00:00:00+00:00",
            "machine": {"cpu": "a CPU", "cores": 2},
            "versions": {"numpy": "2"},
        },
        judges={"small": Lineage("judge", "smollm", "smollm2-135m", "abc")} if judged else {},
        judge_failures={"small": 0.002} if judged else {},
        prices=(Price("first-7b", 0.2, 0.4, "USD", "2026-11-01"),),
    )
    made = Record(folder, experiment)
    write_record(made)
    write_collection(made, runs, grades, judged=judged)
    return made


def ranking(
    ids: Sequence[str], grades: Mapping[str, int], level: float, rng: random.Random
) -> list[str]:
    """Return the first documents by grade and noise."""
    return sorted(ids, key=lambda d: -(level * grades[d] + rng.gauss(0, 1)))[:DEPTH]


def _sources(judged: bool) -> tuple[str, ...]:
    return ("human", "small") if judged else ("human",)


def _system(name: str) -> SystemRecord:
    asked = {"plan": name, "note": HOSTILE}
    if name.endswith("first"):
        return SystemRecord(name, asked, (Lineage("reranker", "zephyr", "first-7b", "p" * 64),))
    return SystemRecord(name, asked)


def write_collection(
    made: Record,
    runs: Mapping[str, Mapping[str, Sequence[str]]],
    grades: Mapping[str, Mapping[str, int]],
    *,
    judged: bool,
) -> None:
    """Write queries, qrels, runs, rows and snippets; people judged two of three documents."""
    folder = made.of("tiny")
    for part in ("qrels", "runs", "rows"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    lines(folder / "queries.jsonl", [{"_id": q, "text": f"{q}? {HOSTILE}"} for q in grades])
    human = {
        q: {d: g for i, (d, g) in enumerate(of.items()) if i % 3 != 1} for q, of in grades.items()
    }
    qrels(folder / "qrels" / "human.tsv", human)
    if judged:
        qrels(folder / "qrels" / "small.tsv", grades)
    for name, run in runs.items():
        trec(made.run("tiny", name), run)
        lines(
            folder / "rows" / f"{name}.jsonl", [_row(name, i, q, run[q]) for i, q in enumerate(run)]
        )
    texts = [
        Snippet(d, f"Title {d} {HOSTILE}", "Beginning of a text. " * 4)
        for q in grades
        for d in grades[q]
    ]
    lines(folder / "snippets.jsonl", [asdict(s) for s in texts])


def _row(name: str, i: int, query: str, ranked: Sequence[str]) -> dict[str, object]:
    find = StageCost("find", 5.0 + i % 7)
    if not name.endswith("first"):
        return asdict(Row(query, (find,)))
    rerank = StageCost("rerank", 80.0 + 3 * (i % 11), calls=1, tokens_in=900, tokens_out=5)
    cached = replace(rerank, ms=0.1, cached=1) if i == 3 else rerank
    given, other = tuple(sorted(ranked)), (tuple(ranked), tuple(ranked[::-1]))
    return asdict(Row(query, (find, cached), before=given, malformed=int(i == 5), shuffled=other))


def qrels(file: Path, grades: Mapping[str, Mapping[str, int]]) -> None:
    """Write grades in BEIR's form."""
    rows = [f"{q}\t{d}\t{g}\n" for q, of in grades.items() for d, g in of.items()]
    file.write_text("query-id\tcorpus-id\tscore\n" + "".join(rows), encoding="utf-8")


def trec(file: Path, run: Mapping[str, Sequence[str]]) -> None:
    """Write a ranking with falling scores."""
    rows = [f"{q} Q0 {d} {i} {1000 - i} x\n" for q, ds in run.items() for i, d in enumerate(ds, 1)]
    file.write_bytes(gzip.compress("".join(rows).encode()))


def lines(file: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write JSON lines."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
