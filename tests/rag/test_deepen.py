"""A question that needs several steps is searched further; what fails leaves what was found."""

import asyncio
import time
from collections.abc import Mapping

import pytest

from rag.deepen import Deepener, deepen
from rag.errors import LLMUnavailable
from rag.flows import Flow
from rag.iterate.gathered import Gathered, Stop, Trail, gathering
from rag.iterate.methods import ITERATIONS
from rag.llms.scripted import ScriptedLLM
from rag.seams import LLM
from rag.values import (
    Candidate,
    Chunk,
    Complete,
    Completed,
    Handling,
    Message,
    Query,
    Results,
    Search,
    Searched,
    Stage,
)

PLAIN = Handling()
SEVERAL = "Who is older, Ada Lovelace or Charles Babbage?"
ONE = "How long does the freezer stay cold?"


def candidate(name: str) -> Candidate:
    return Candidate(Chunk(name, f"doc-{name}", f"text {name}", 0, 6), 1.0, {"bm25": 1})


async def search(request: Search) -> Searched:
    names = {"first": ("a", "b"), "second": ("c", "a")}.get(request.text, ("a", "b"))
    return Searched(tuple(map(candidate, names)))


def second(question: str) -> Flow[Gathered]:
    return gathering(question, again, 10)


def again(trail: Trail) -> Flow[Stop]:
    yield from trail.search(["second"], "because")
    return "rounds"


def asking(question: str) -> Flow[Gathered]:
    return gathering(question, asks, 10)


def asks(trail: Trail) -> Flow[Stop]:
    yield [Complete((Message("user", trail.question),))]
    return "rounds"


def deepened(
    question: str, handling: Handling = PLAIN, llm: LLM | None = None, most: int = 10
) -> tuple[list[str], Mapping[str, Stage]]:
    async def opened() -> LLM:
        return llm or ScriptedLLM(complete=lambda _: "said")

    deepener = Deepener({"second": second, "asking": asking}, opened)
    query = Query(question, handling=handling)
    results = Results(query, (candidate("a"), candidate("b")))
    found = asyncio.run(deepen(results, deepener, search, most))
    return [c.chunk.id for c in found.candidates], {stage.name: stage for stage in found.trace}


def test_without_an_iteration_nothing_is_done() -> None:
    assert deepened(SEVERAL) == (["a", "b"], {})


def test_what_further_searches_find_is_merged_and_told() -> None:
    found, trace = deepened(ONE, Handling(iterate="second"))
    assert sorted(found) == ["a", "b", "c"]
    assert trace["iterate second"].status == "ok"
    assert "second (because, 1 new)" in trace["iterate second"].detail
    assert trace["iterate second"].cost.searches == 2
    assert deepened(ONE, Handling(iterate="second"), most=2)[0] == found[:2]


def test_a_model_that_fails_leaves_what_was_found() -> None:
    class Dead(ScriptedLLM):
        async def complete(self, requests: object) -> tuple[Completed, ...]:
            del requests
            raise LLMUnavailable("gone")

    found, trace = deepened(ONE, Handling(iterate="asking"), Dead())
    assert found == ["a", "b"]
    assert trace["iterate asking"].status == "cut short"
    assert trace["iterate asking"].detail.startswith("failed: ")


def test_a_slow_model_is_left_behind_in_time() -> None:
    class Slow(ScriptedLLM):
        async def complete(self, requests: object) -> tuple[Completed, ...]:
            del requests
            await asyncio.sleep(30)
            return ()

    began = time.monotonic()
    found, trace = deepened(ONE, Handling(iterate="asking", seconds=0.2), Slow())
    assert time.monotonic() - began < 15
    assert found == ["a", "b"]
    assert trace["iterate asking"].status == "cut short"


@pytest.mark.parametrize("name", ITERATIONS)
def test_every_iteration_by_name_finds_at_least_what_the_question_finds(name: str) -> None:
    async def opened() -> LLM:
        return ScriptedLLM(complete=lambda _: "I cannot say.")

    deepener = Deepener(ITERATIONS, opened)
    query = Query(SEVERAL, handling=Handling(iterate=name))
    results = Results(query, (candidate("a"), candidate("b")))
    found = asyncio.run(deepen(results, deepener, search, 10))
    assert {c.chunk.id for c in found.candidates} == {"a", "b"}
    assert found.trace[-1].name == f"iterate {name}"
