"""What generators write: `python -m eval.studies.generator_quality --out DIR`.

Every generator answers the same answerable questions of CLAP NQ dev. Nothing is dropped
(`answer.policy` mark, `answer.verified` 0), so that what is written is seen; the ladder says how
much of it the sources carry. Quotes are looked up in the documents.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, get_args

import msgspec

from eval.answers.asking import Told, check, cited_texts
from eval.answers.figures import measured
from eval.markdown import made_by, table
from eval.measuring import measuring
from eval.provenance import provenance
from eval.studies.clapnq import read_asked
from indexers.reading import read_paths
from rag.pipeline import QueryPath
from rag.settings import Settings, load_settings, quiet
from rag.values import Query, Stage, Support
from rag.wiring import Engine, build

Figures: TypeAlias = dict[str, Any]

ARMS: Mapping[str, Mapping[str, Any]] = {
    "extractive": {"generator": "extractive"},
    "inline": {"generator": "inline"},
    "inline, best of 4": {"generator": "inline", "samples": 4},
    "attribute-first": {"generator": "attribute-first"},
    "quote-first": {"generator": "quote-first"},
    "ensemble": {"generator": "ensemble"},
}
"""What differs from the settings, by name."""

QUESTIONS = 30  # chosen: with the packaged model on two cores half an hour for all arms


async def measure(collection: Path, settings: Settings, most: int) -> tuple[Figures, str]:
    """Return the figures of every arm, and the name of the model."""
    engine = build(settings)
    try:
        await engine.index(read_paths([collection]), "clapnq")
        path = await engine.collection("clapnq")
        asked = [one for one in read_asked(collection) if one.answerable][:most]
        questions = {one.id: one.question for one in asked}
        model = (await engine.llm()).spec.name
        found = {}
        for name, arm in ARMS.items():
            found[name] = await answered(collection, path, engine, questions, arm)
            sys.stderr.write(f"{name}: {found[name]['seconds']} s\n")
        return found, model
    finally:
        await engine.close()


async def answered(
    collection: Path,
    path: QueryPath,
    engine: Engine,
    questions: Mapping[str, str],
    arm: Mapping[str, Any],
) -> Figures:
    """Return the figures of the answers that one arm gives."""
    told = []
    for id_, question in questions.items():
        began = time.perf_counter()
        answer = await path.answer(Query(question, changes=arm))
        told.append(Told(id_, answer, time.perf_counter() - began))
    texts = cited_texts(collection, told, engine.settings.index)
    checked = [await check(one, texts, engine.encoder) for one in told]
    sentences = [sentence for one in told for sentence in one.answer.sentences]
    stages = [stage for one in told for stage in one.answer.trace]
    supports: Mapping[Support, float] = {
        support: sum(one.support == support for one in sentences) / max(1, len(sentences))
        for support in get_args(Support)
    }
    return {
        **measured(checked),
        "support": {name: round(share, 4) for name, share in supports.items() if name != "unknown"},
        "verbatim": round(
            sum(_verbatim(one.citations) for one in sentences) / max(1, len(sentences)), 4
        ),
        "failed": sum(_failed(stage) for stage in stages),
    }


def _verbatim(citations: Sequence[Any]) -> bool:
    return any(one.method == "verbatim" for one in citations)


def _failed(stage: Stage) -> bool:
    return stage.name == "generate" and stage.status != "ok"


def shown(report: Mapping[str, Any]) -> list[str]:
    """Return the table of generators."""
    head = ["sentences", "full", "partial", "none", "quotes themselves", "bad quotes"]
    body = [
        [
            name,
            f"{found['sentences_per_answer']:.1f}",
            *(f"{found['support'][support]:.2f}" for support in ("full", "partial", "none")),
            f"{found['verbatim']:.2f}",
            f"{found['bad_quotes']} of {found['quotes']}",
            f"{found['cost']['calls'] / found['queries']:.1f}",
            f"{found['cost']['tokens_out'] / found['queries']:.0f}",
            f"{found['seconds']['median']:.1f}",
        ]
        for name, found in report["arms"].items()
    ]
    return table(["generator", *head, "calls", "tokens written", "s"], body)


def main() -> None:
    """Measure and write `report.json` and `report.md`."""
    parser = measuring(__doc__)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    options = parser.parse_args()
    quiet()
    replace = msgspec.structs.replace
    with tempfile.TemporaryDirectory() as scratch:
        settings = load_settings()
        settings = replace(
            settings,
            store=replace(settings.store, path=scratch),
            answer=replace(settings.answer, policy="mark", verified=0.0),
            llm=replace(settings.llm, replies_mb=0),  # what is kept costs nothing
        )
        arms, model = asyncio.run(
            measure(options.collections / "clapnq-dev", settings, options.questions)
        )
    report: Figures = {"model": model, "arms": arms, "provenance": provenance()}
    options.out.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode(report)) + b"\n"
    (options.out / "report.json").write_bytes(data)
    lines = [f"# Answers by {model}", "", *shown(report), "", made_by(report["provenance"]), ""]
    (options.out / "report.md").write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    main()
