"""What extractive answers are worth: `python -m eval.studies.answer_quality --out DIR`.

On CLAP NQ dev: how far the cited sentences are those that people selected, and how well answerable
questions are told from others. What quotes is measured on halves and tenths of the questions that
were held out, the gate on fifths. The weights of `rag/quoting/weights.py` are those that the
report prints, fitted on all questions.
"""

import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np

from eval.markdown import table
from eval.measuring import measuring
from eval.provenance import provenance
from eval.studies.clapnq import read_asked, sentences_of
from eval.studies.quoting import DAY, FLOOR, Passages, Seen, quoting
from indexers.reading import read_paths
from rag.abstain import evidence
from rag.calibrate import Fact, auc, calibrate
from rag.packing import pack
from rag.quoting.lines import Read, read
from rag.settings import Settings, quiet
from rag.values import Query
from rag.wiring import Engine, build

Figures: TypeAlias = dict[str, Any]

WRONG_AT_MOST = (None, 0.2, 0.1, 0.05)


async def see(collection: Path, scratch: Path) -> tuple[list[Seen], Passages]:
    """Return every question with what was found, everything encoded once."""
    settings = Settings()
    store = msgspec.structs.replace(settings.store, path=str(scratch))
    engine = build(msgspec.structs.replace(settings, store=store))
    try:
        await engine.index(read_paths([collection]), "clapnq")
        passages = sentences_of(collection)
        whole = await engine.encoder.encode([p.indexed for p in passages.values()], "document")
        questions = read_asked(collection)
        asked = await engine.encoder.encode([one.question for one in questions], "query")
        similar = asked @ whole.T  # (questions, passages)
        seen = []
        for one, vector, row in zip(questions, asked, similar, strict=True):
            best = list(passages)[int(row.argmax())]
            rows = await engine.encoder.encode(passages[best].sentences, "document")
            cosines = tuple((rows @ vector).tolist())
            found, facts = await _found(engine, one.question)
            seen.append(Seen(one, found, facts, best, cosines, float(row.max())))
        return seen, passages
    finally:
        await engine.close()


async def _found(engine: Engine, question: str) -> tuple[Read, Mapping[str, float]]:
    path = await engine.collection("clapnq")
    context = pack(await path.search(Query(question)), path.parts.packing)
    found = await read(context, engine.encoder)
    return found, await evidence(context, found, engine.encoder)


def answering(seen: Sequence[Seen]) -> Figures:
    """Return how well answerable questions are told from others, and what is answered."""
    labels = np.array([one.asked.answerable for one in seen])
    simple = {
        "top passage's cosine": np.array([one.similarity for one in seen]),
        "nearest sentence's cosine": np.array([one.evidence["sentence"] for one in seen]),
    }
    facts: list[Fact] = [(one.evidence, one.asked.answerable) for one in seen]
    points = {
        "both errors alike" if most is None else f"wrong at most {most}": calibrate(
            facts, "", DAY, most
        ).held_out
        for most in WRONG_AT_MOST
    }
    nearest = simple["nearest sentence's cosine"]
    floor = {
        "right": float((nearest[labels] >= FLOOR).mean()),
        "wrong": float((nearest[~labels] >= FLOOR).mean()),
    }
    return {
        "questions": [int(labels.sum()), int((~labels).sum())],
        "auc": {
            **{name: round(auc(v[labels], v[~labels]), 4) for name, v in simple.items()},
            "calibrated, held out": round(points["both errors alike"]["auc"], 4),
        },
        "points": {
            f"floor {FLOOR}": {name: round(value, 4) for name, value in floor.items()},
            **{
                name: {key: round(found[key], 4) for key in ("right", "wrong")}
                for name, found in points.items()
            },
        },
    }


def quoted(report: Mapping[str, Any]) -> list[str]:
    """Return the table of ways to choose sentences, and the line of what can be reached."""
    rows = report["quoting"]["rows"]
    columns = list(next(iter(rows.values())))
    body = [[name, *(f"{found[c]:.3f}" for c in columns)] for name, found in rows.items()]
    most = "; ".join(f"{name} {v:.3f}" for name, v in report["quoting"]["at most"].items())
    told = (
        f"{report['quoting']['questions']} questions; standard error of the last row's mean "
        f"{report['quoting']['standard error']:.3f}. At most: {most}."
    )
    return [*table(["sentence F1 with the", *columns], body), "", told]


def answered(report: Mapping[str, Any]) -> list[str]:
    """Return the table of what is answered, and the line of AUCs."""
    points = report["answering"]["points"]
    body = [[name, f"{p['right']:.2f}", f"{p['wrong']:.2f}"] for name, p in points.items()]
    aucs = ", ".join(f"{name} {value:.3f}" for name, value in report["answering"]["auc"].items())
    rows = table(["share answered", "answerable", "unanswerable"], body)
    return [*rows, "", f"AUC: {aucs}."]


def main() -> None:
    """Measure and write `report.json` and `report.md`."""
    options = measuring(__doc__).parse_args()
    quiet()
    with tempfile.TemporaryDirectory() as scratch:
        seen, passages = asyncio.run(see(options.collections / "clapnq-dev", Path(scratch)))
    report: Figures = {
        "quoting": quoting(seen, passages),
        "answering": answering(seen),
        "provenance": provenance(),
    }
    where = report["provenance"]
    lines = ["# Extractive answers on CLAP NQ dev", "", *quoted(report), "", *answered(report), ""]
    lines.append(f"`{where['command']}`, commit `{where['commit'] or 'unknown'}`, {where['time']}.")
    options.out.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(report))
    (options.out / "report.json").write_bytes(encoded + b"\n")
    (options.out / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
