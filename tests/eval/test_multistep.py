"""Questions over two documents: what several steps find that one search does not.

An expert's replies are canned, made from the collection's own supporting facts: this shows the
mechanics. What the embedded model achieves is measured by `python -m eval.studies.query_quality`.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from eval.data.collection import Collection, read_collection
from indexers.reading import read_paths
from rag.llms.scripted import ScriptedLLM
from rag.pipeline import QueryPath
from rag.seams import LLM
from rag.sections import IndexSettings, StoreSettings
from rag.settings import Settings
from rag.values import Complete, Query
from rag.wiring import build

pytestmark = [pytest.mark.model, pytest.mark.collections, pytest.mark.anyio]


@dataclass(frozen=True)
class Known:
    """What an expert knows of a question: the titles that support its answer, and the answer."""

    titles: tuple[str, ...]
    answer: str
    bridges: bool


class Expert:
    """Replies as somebody who knows every question of a collection."""

    def __init__(self, known: Mapping[str, Known]) -> None:
        self._known = known

    def reply(self, request: Complete) -> str:
        """Return sub-questions, an answer that is read, or the next thought."""
        text = request.prompt[-1].content
        if "split it into" in text:
            return self._parts(self._of(text))
        if text.startswith("Read an answer"):
            return self._read(text)
        known = self._of(text)
        thoughts = text.partition("Thoughts so far: ")[2].partition("\n")[0]
        for title in known.titles:
            if title not in thoughts:
                return f"We look for {title}."
        return f"The answer is {known.answer}."

    def _of(self, text: str) -> Known:
        return next(one for question, one in self._known.items() if words(question) in words(text))

    def _parts(self, known: Known) -> str:
        first = known.titles[0]
        if known.bridges:
            return f"Which name belongs to {first}?\nWhat is known about #1?"
        return "\n".join(f"What is known about {title}?" for title in known.titles)

    def _read(self, text: str) -> str:
        asked = text.partition("Question: ")[2]
        for known in self._known.values():
            if words(f"belongs to {known.titles[0]}") in words(asked):
                return known.titles[-1]
        return "unknown"


def words(text: str) -> str:
    """Return the words of a text alone: prompts rewrite marks and white space."""
    return " ".join(re.findall(r"\w+", text))


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for the module's store."""
    return "asyncio"


@pytest.fixture(scope="module")
async def path(
    tmp_path_factory: pytest.TempPathFactory, collections: Path
) -> AsyncIterator[QueryPath]:
    """A query path over HotpotQA-100 whose model is the expert."""
    folder = collections / "hotpotqa-hippo100"
    settings = msgspec.structs.replace(
        Settings(),
        store=StoreSettings(path=str(tmp_path_factory.mktemp("multistep"))),
        index=IndexSettings(splitter="none"),
    )
    engine = build(settings)
    await engine.index(read_paths([folder]), "hotpotqa")
    parts = (await engine.collection("hotpotqa")).parts
    llm = ScriptedLLM(complete=Expert(read_known(folder)).reply)

    async def expert() -> LLM:
        return llm

    assert parts.deepener
    yield QueryPath(replace(parts, deepener=replace(parts.deepener, llm=expert)))
    await engine.close()


def read_known(folder: Path) -> dict[str, Known]:
    """Return what is known of every question, by its text."""
    found = {}
    for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines():
        query = json.loads(line)
        facts = query["metadata"]
        titles = tuple(dict.fromkeys(title for title, _ in facts["supporting_facts"]))
        found[query["text"]] = Known(titles, facts["answer"], facts["type"] == "bridge")
    return found


async def both_at_ten(path: QueryPath, collection: Collection, iterate: str) -> float:
    """Return the share of questions that have both passages in the first ten."""

    async def found(query_id: str, text: str) -> bool:
        changes = {"iterate": iterate, "calls": 40, "seconds": 60.0}
        results = await path.search(Query(text, 10, preset="fast", changes=changes))
        ids = {candidate.chunk.document_id for candidate in results.candidates}
        return collection.qrels[query_id].keys() <= ids

    each = await asyncio.gather(*(found(*one) for one in collection.queries.items()))
    return sum(each) / len(each)


async def test_an_experts_steps_find_the_second_passage(path: QueryPath, collections: Path) -> None:
    collection = read_collection(collections / "hotpotqa-hippo100", "test")
    shares = {
        iterate: await both_at_ten(path, collection, iterate)
        for iterate in ("", "decompose", "ircot")
    }
    assert shares["decompose"] > shares[""] + 0.1, shares
    assert shares["ircot"] > shares[""] + 0.1, shares
