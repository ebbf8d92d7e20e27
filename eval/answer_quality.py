"""What extractive answers are worth: `python -m eval.answer_quality --out DIR`.

On CLAP NQ dev: how far the cited sentences are those that people selected, and how well answerable
questions are told from others. What quotes is fitted on half of the questions and measured on the
other, both ways; the gate is measured on fifths that were held out. The weights of
`rag/generate/weights.py` are those that the report prints, fitted on half 0.
"""

import argparse
import asyncio
import hashlib
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np

from eval.clapnq import Asked, Passage, overlap, read_asked, sentences_of
from eval.provenance import provenance
from eval.report import table
from indexers.readers import read_paths
from rag.abstain import evidence
from rag.calibrate import Fact, auc, calibrate, fitted
from rag.generate.choosing import Limits, chosen
from rag.generate.features import features
from rag.generate.lines import Read, read
from rag.logistic import Logistic
from rag.packing import pack
from rag.settings import Settings, quiet
from rag.values import Frozen, Query
from rag.wiring import Engine, build

Figures: TypeAlias = dict[str, Any]
Picked: TypeAlias = frozenset[str]
"""Sentences of the collection, by their text."""
Passages: TypeAlias = Mapping[str, Passage]

L2 = 10.0  # chosen, both halves seen: 1 to 30 differ by less than .01
LIMITS = Limits(Settings().answer.sentences)
WRONG_AT_MOST = (None, 0.2, 0.1, 0.05)
DAY = date(2026, 11, 22)  # of models that nobody keeps
FLOOR = Settings().answer.floor


@dataclass(frozen=True, slots=True, eq=False)
class Seen(Frozen):
    """A question with what was found for it.

    `dense` are the best passage by its vector, its sentences by their cosines, and that passage's
    own cosine: what the simplest answer would be made of.
    """

    asked: Asked
    found: Read
    evidence: Mapping[str, float]
    passage: str
    cosines: tuple[float, ...]
    similarity: float

    @property
    def half(self) -> int:
        """0 or 1, by the question's id."""
        return hashlib.sha256(self.asked.id.encode()).digest()[-1] % 2


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


def quoting(seen: Sequence[Seen], passages: Passages) -> Figures:
    """Return the overlap with what people selected, by way of choosing, half by half."""
    told = [one for one in seen if one.asked.selected]
    models = [fitted(_facts(told, half, passages), DAY, L2) for half in (0, 1)]
    ways: dict[str, Callable[[Seen], Picked]] = {
        "first 3 of the top passage": lambda one: _of_top(one, range(3), passages),
        "3 best by cosine of the top passage": lambda one: _of_top(
            one, _nearest(one)[:3], passages
        ),
        "4 best by cosine of the top passage": lambda one: _of_top(
            one, _nearest(one)[:4], passages
        ),
        "cosine and BM25, 3 of 5 passages": lambda one: _of(one, _by_both(one), passages),
        "fitted, 5 passages": lambda one: _of(one, _by_model(one, models[1 - one.half]), passages),
    }
    rows = {
        name: {
            f"{measure}, half {half}": round(
                statistics.mean(
                    best([overlap(way(one), gold) for gold in one.asked.selected])
                    for one in told
                    if one.half == half
                ),
                4,
            )
            for measure, best in _AGAINST.items()
            for half in (0, 1)
        }
        for name, way in ways.items()
    }
    lengths = [len(_by_model(one, models[1 - one.half])) for one in told]
    return {
        "questions": [sum(one.half == half for one in told) for half in (0, 1)],
        "rows": rows,
        "sentences": round(statistics.mean(lengths), 2),
        "weights": msgspec.to_builtins(_rounded(models[0])),
    }


_AGAINST: Mapping[str, Callable[[Sequence[float]], float]] = {
    "first annotation": lambda found: found[0],
    "nearest annotation": max,
}


def _facts(told: Sequence[Seen], half: int, passages: Passages) -> list[Fact]:
    return [
        (found, bool(_of(one, [i], passages) & one.asked.selected[0]))
        for one in told
        if one.half == half
        for i, found in enumerate(features(one.found))
    ]


def _of_top(one: Seen, places: Sequence[int], passages: Passages) -> Picked:
    sentences = passages[one.passage].sentences
    return frozenset(sentences[i] for i in places if i < len(sentences))


def _nearest(one: Seen) -> list[int]:
    return sorted(range(len(one.cosines)), key=lambda i: (-one.cosines[i], i))


def _by_both(one: Seen) -> list[int]:
    """Return what was chosen before: at most three over the floor, by the mean of two scores."""
    lines = one.found.lines
    passing = [i for i, line in enumerate(lines) if line.cosine >= FLOOR]
    return sorted(passing, key=lambda i: (-lines[i].cosine - lines[i].lexical, i))[:3]


def _by_model(one: Seen, model: Logistic) -> list[int]:
    likely = [model.probability(found) for found in features(one.found)]
    return chosen(one.found, likely, LIMITS)


def _of(one: Seen, lines: Sequence[int], passages: Passages) -> Picked:
    """Return the collection's sentences that lines quote: those they share half with."""
    found = set()
    for line in (one.found.lines[i] for i in lines):
        end, passage = line.start + len(line.text), passages[line.document]
        for text, (start, stop) in zip(passage.sentences, passage.places, strict=True):
            common = min(end, stop) - max(line.start, start)
            if 2 * common > min(stop - start, len(line.text)):
                found.add(text)
    return frozenset(found)


def _rounded(model: Logistic) -> Mapping[str, object]:
    terms = {
        name: [round(n, 4) for n in (term.weight, term.mean, term.scale)]
        for name, term in model.terms.items()
    }
    return {"bias": round(model.bias, 4), "terms": terms}


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
    """Return the table of ways to choose sentences."""
    rows = report["quoting"]["rows"]
    columns = list(next(iter(rows.values())))
    body = [[name, *(f"{found[c]:.3f}" for c in columns)] for name, found in rows.items()]
    return table(["sentence F1 with the", *columns], body)


def answered(report: Mapping[str, Any]) -> list[str]:
    """Return the table of what is answered, and the line of AUCs."""
    points = report["answering"]["points"]
    body = [[name, f"{p['right']:.2f}", f"{p['wrong']:.2f}"] for name, p in points.items()]
    aucs = ", ".join(f"{name} {value:.3f}" for name, value in report["answering"]["auc"].items())
    rows = table(["share answered", "answerable", "unanswerable"], body)
    return [*rows, "", f"AUC: {aucs}."]


def main() -> None:
    """Measure and write `report.json` and `report.md`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collections", type=Path, default=Path("../shared/collections"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
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
