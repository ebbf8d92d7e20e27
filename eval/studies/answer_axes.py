"""Extractive answers on both axes, judged by words: `python -m eval.studies.answer_axes --out DIR`.

On every second question of CLAP NQ dev, with people's answers as references: two settings, compared
pair by pair, and what the judge says of a person's answer and of one to another question. No
language model is asked.
"""

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from eval.answers import axes
from eval.answers.asking import Answers, answers
from eval.answers.comparing import to_json
from eval.answers.intervals import interval
from eval.answers.judge import Words
from eval.answers.nuggets import scored
from eval.answers.references import Reference
from eval.answers.report import write_answers, write_scores
from eval.answers.scoring import Judged, judged
from eval.answers.systems import read_system
from eval.markdown import made_by, table
from eval.measuring import measuring
from eval.provenance import provenance
from eval.studies.clapnq import Asked, read_asked
from rag.settings import Settings, quiet
from rag.wiring import build

Figures: TypeAlias = dict[str, Any]

SYSTEMS: Mapping[str, Mapping[str, object]] = {
    "at most 5 sentences (default)": {},
    "at most 2 sentences": {"sentences": 2},
}
"""What is set of `answer`, by the name of the row."""

EVERY = 2  # chosen: every second question, 300 of 600

COLUMNS = ("V_strict", "W", "precision", "recall", "hallucination", "faithfulness", "WR all")


async def measure(collection: Path, scratch: Path) -> Figures:
    """Return the figures of both systems, of the judge, and of the systems compared."""
    asked = read_asked(collection)[::EVERY]
    references = {one.id: Reference(one.answers, answerable=one.answerable) for one in asked}
    queries = {one.id: one.question for one in asked}
    systems: Figures = {}
    for place, (name, changes) in enumerate(SYSTEMS.items()):
        folder = scratch / str(place)
        folder.mkdir()
        found, settings = await _answered(collection, queries, changes, scratch / "store")
        said = await judged(found.checked, queries, references, Words())
        write_answers(found, settings, folder / "answers.jsonl")
        write_scores([said], folder / "scores.jsonl")
        systems[name] = _figures(said)
        sys.stderr.write(f"{name}\n")
    return {
        "systems": systems,
        "judge": await validity(asked),
        "comparison": to_json(read_system(scratch / "0"), read_system(scratch / "1")),
        "provenance": provenance(),
    }


async def _answered(
    collection: Path, queries: Mapping[str, str], changes: Mapping[str, object], store: Path
) -> tuple[Answers, Settings]:
    settings = Settings()
    settings = msgspec.structs.replace(
        settings,
        store=msgspec.structs.replace(settings.store, path=str(store)),
        answer=msgspec.structs.replace(settings.answer, **changes),
    )
    engine = build(settings)
    try:
        return await answers(collection, queries, engine, name="clapnq"), settings
    finally:
        await engine.close()


def _figures(said: Judged) -> Figures:
    return {**axes.figures(said), "words": sum(one.words for one in said.scores)}


async def validity(asked: tuple[Asked, ...]) -> Figures:
    """Return how much of a person's answer the judge finds in another's, and in one beside it.

    Of questions that two people answered: the first's sentences are looked for in the second's
    answer to the same question, which a judge that reads meaning would find, and in that to the
    next one, where nothing is to be found.
    """
    judge, twice = Words(), [one for one in asked if len(one.answers) > 1]
    rows: dict[str, list[float]] = {"same question": [], "another question": []}
    for one, other in zip(twice, [*twice[1:], twice[0]], strict=True):
        made = await judge.nuggets(one.question, Reference(one.answers[:1]))
        for name, text in zip(rows, (one.answers[1], other.answers[1]), strict=True):
            held = await judge.assigned(one.question, text, made.nuggets)
            found = scored([nugget.importance for nugget in made.nuggets], held).w
            rows[name] += [] if found is None else [found]
    return {
        name: {
            "answers": len(found),
            "W": sum(found) / len(found),
            "95 %": list(interval(found)),
        }
        for name, found in rows.items()
    }


def shown(report: Mapping[str, Any]) -> list[str]:
    """Return the table of systems, and the line of what the judge is worth."""
    body = [
        [
            name,
            *(_cell(found["metrics"][column]) for column in COLUMNS),
            _rate(found["abstention"]["answered"]),
            _rate(found["abstention"]["refused"]),
        ]
        for name, found in report["systems"].items()
    ]
    same, another = (report["judge"][name] for name in ("same question", "another question"))
    told = (
        f"W of another person's answer to the same question {same['W']:.3f}, of one to another "
        f"question {another['W']:.3f} ({same['answers']} questions)."
    )
    head = ["judged by words", *COLUMNS, "answered of answerable", "refused of others"]
    return [*table(head, body), "", told]


def compared(report: Mapping[str, Any]) -> list[str]:
    """Return the line of how the systems compare."""
    found = report["comparison"]
    by = found["judges"]["words"]
    raw, equal = by["rate"], by["at_equal_length"]
    return [
        (
            f"Default against at most 2 sentences: {found['words_a']:.0f} against "
            f"{found['words_b']:.0f} words; {by['wins']} won, {by['ties']} ties, {by['losses']} "
            f"lost, {by['not_judged']} not judged; win rate {raw['mean']:.3f} ({raw['low']:.3f} to "
            f"{raw['high']:.3f}), at equal length {equal['mean']:.3f} ({equal['low']:.3f} to "
            f"{equal['high']:.3f})."
        )
    ]


def _cell(found: Figures) -> str:
    return "–" if found["mean"] is None else f"{found['mean']:.3f}"


def _rate(found: Figures) -> str:
    return f"{found['share']:.2f} ({found['low']:.2f} to {found['high']:.2f})"


def main() -> None:
    """Measure and write `report.json` and `report.md`."""
    options = measuring(__doc__).parse_args()
    quiet()
    with tempfile.TemporaryDirectory() as scratch:
        report = asyncio.run(measure(options.collections / "clapnq-dev", Path(scratch)))
    lines = ["# Extractive answers on both axes, CLAP NQ dev", "", *shown(report), ""]
    lines += [*compared(report), ""]
    for name, found in report["systems"].items():
        lines += [f"## {name}", "", *axes.shown("words", found)]
    lines += [made_by(report["provenance"]), ""]
    options.out.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(report))
    (options.out / "report.json").write_bytes(encoded + b"\n")
    (options.out / "report.md").write_text("\n".join(lines), encoding="utf-8")
    sys.stdout.write("\n".join(lines))


if __name__ == "__main__":
    main()
