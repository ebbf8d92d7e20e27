"""How well answers are cited: `python -m eval.studies.citation_quality --out DIR`.

The queries of the test split where there is one for all of them, else every query; answers as the
settings say, by default quoted without a language model. Ends with 1 where a quote does not stand
in its document.
"""

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import msgspec

from eval.answers.asking import Answers, answers
from eval.answers.report import write_report
from eval.data.collection import read_collection, read_questions
from eval.measuring import measuring
from eval.provenance import ROOT
from rag.sections import StoreSettings
from rag.settings import Settings, load_settings, quiet
from rag.wiring import build

COLLECTIONS: Mapping[str, str] = {
    "scifact": "",
    "trec-dl19-passage-pool": "test",
    "hotpotqa-hippo100": "",
    "clapnq-dev": "",
}
"""The split whose queries are asked; "" is every query."""


async def measure(collections: Path, settings: Settings) -> list[Answers]:
    """Return the checked answers of each collection, and of the example handbook."""
    folders = {collections / name: split for name, split in COLLECTIONS.items()}
    folders[ROOT / "examples" / "handbook"] = ""
    engine = build(settings)
    try:
        found = []
        for folder, split in folders.items():
            queries = read_collection(folder, split).queries if split else read_questions(folder)
            found.append(await answers(folder, queries, engine, partial(_say, folder.name)))
        return found
    finally:
        await engine.close()


def _say(folder: str, stage: str, done: int, total: int) -> None:
    if done == total:
        sys.stderr.write(f"{folder}: {stage}, {done:,}\n")


def main() -> None:
    """Measure and write `report.json` and `report.md`."""
    options = measuring(__doc__).parse_args()
    quiet()
    with tempfile.TemporaryDirectory() as scratch:
        store = StoreSettings(path=scratch)
        settings = msgspec.structs.replace(load_settings(), store=store)
        found = asyncio.run(measure(options.collections, settings))
    sys.stdout.write(write_report(found, settings, options.out).read_text(encoding="utf-8"))
    if not all(one.sound for one in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
