"""When to say nothing, the floor of extractive answers: `python -m eval.studies.abstention`.

Questions are asked of a collection that answers them, and of collections about something else. For
every floor: which share is answered. The floor of `answer.floor` is read off this table.
"""

import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from eval.data.collection import read_collection, read_queries
from eval.markdown import table
from eval.measuring import measuring
from eval.provenance import provenance
from indexers.reading import read_paths
from rag.packing import pack
from rag.quoting.lines import read
from rag.settings import Settings, quiet
from rag.values import Query
from rag.wiring import Engine, build

FLOORS = (0.30, 0.34, 0.38, 0.40, 0.42, 0.44, 0.46, 0.48, 0.50, 0.54, 0.58)
LIMIT = 150  # questions per row
ASKED = {
    "clapnq-dev": ("clapnq-dev", "hotpotqa-hippo100", "scifact"),
    "hotpotqa-hippo100": ("hotpotqa-hippo100", "clapnq-dev", "scifact"),
}
"""Collection asked → collections whose answerable questions are put to it."""


async def best_cosines(engine: Engine, name: str, questions: Sequence[str]) -> list[float]:
    """Return, per question, the cosine of the nearest quotable sentence; -1 where there is none."""
    path = await engine.collection(name)
    found = []
    for question in questions:
        context = pack(await path.search(Query(question)), path.parts.packing)
        lines = (await read(context, engine.encoder)).lines
        found.append(max((line.cosine for line in lines), default=-1.0))
    return found


async def measure(collections: Path, scratch: Path) -> dict[str, list[float]]:
    """Return the best cosines of every row of the table."""
    store = msgspec.structs.replace(Settings().store, path=str(scratch))
    engine = build(msgspec.structs.replace(Settings(), store=store))
    rows: dict[str, list[float]] = {}
    try:
        for name, sources in ASKED.items():
            await engine.index(read_paths([collections / name]), name)
            for source in sources:
                queries = list(read_collection(collections / source, "test").queries.values())
                kind = "answerable" if source == name else "about something else"
                label = f"{source} questions, {name} documents ({kind})"
                rows[label] = await best_cosines(engine, name, queries[:LIMIT])
            unjudged = unanswerable(collections / name)
            if unjudged:
                label = f"{name} questions without an answer in their own passage"
                rows[label] = await best_cosines(engine, name, unjudged[:LIMIT])
    finally:
        await engine.close()
    return rows


def unanswerable(folder: Path) -> list[str]:
    """Return the texts of a collection's queries that have no judgment."""
    judged = read_collection(folder, "test").queries
    return [text for query_id, text in read_queries(folder).items() if query_id not in judged]


def answered(cosines: Mapping[str, Sequence[float]]) -> list[str]:
    """Return the Markdown table: the share answered, by row and floor."""
    rows = [
        [
            label,
            str(len(found)),
            *(f"{sum(c >= f for c in found) / len(found):.2f}" for f in FLOORS),
        ]
        for label, found in cosines.items()
    ]
    return table(["share answered at floor", "n", *(f"{floor:.2f}" for floor in FLOORS)], rows)


def main() -> None:
    """Measure and write `report.json` and `report.md`."""
    options = measuring(__doc__).parse_args()
    quiet()
    with tempfile.TemporaryDirectory() as scratch:
        cosines = asyncio.run(measure(options.collections, Path(scratch)))
    report: dict[str, Any] = {
        "floors": FLOORS,
        "best_cosines": {k: [round(c, 4) for c in v] for k, v in cosines.items()},
        "provenance": provenance(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(report))
    (options.out / "report.json").write_bytes(encoded + b"\n")
    lines = ["# Abstention: the floor of extractive answers", "", *answered(cosines), ""]
    where = report["provenance"]
    lines.append(f"`{where['command']}`, commit `{where['commit'] or 'unknown'}`, {where['time']}.")
    (options.out / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
