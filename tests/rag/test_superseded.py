"""What was superseded is told apart, hidden or shown; and what held at a date can be asked for."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

import pytest

from indexers.encoders.bm25 import Bm25Encoder
from indexers.stores.exact import ExactStore
from rag.abstain import Floor
from rag.answering.answering import quoting
from rag.answering.stating import statement
from rag.citing.sentences import Span, cite
from rag.cli.query import render
from rag.errors import BadQuery
from rag.fuse import FUSIONS
from rag.llms.scripted import ScriptedLLM
from rag.packing import Packing, pack
from rag.parts import Parts
from rag.pipeline import QueryPath
from rag.plan import Defaults, make_plan
from rag.quoting.choosing import Limits
from rag.seams import Generator
from rag.values import (
    Answer,
    Candidate,
    Chunk,
    Complete,
    Context,
    Handling,
    Passage,
    Query,
    Results,
    Superseded,
)
from tests.indexers.facts import ENCODER, SPEC, document, updated
from tests.rag.answering.island import generator

pytestmark = pytest.mark.anyio

T = TypeVar("T")
QUESTION = "Is Ada the present harbour master of the old town of Port Ellis?"
VERSIONS = [document("Ada", "2020-03-01"), document("Cleo", "2024-05"), document("Bob", "2022")]


def ways(superseded: Superseded = "mark") -> Defaults:
    """Defaults of somebody who asks in 2023."""
    names = ("extractive", "inline", "quote-first")
    return Defaults(
        "rrf",
        100,
        tuple(FUSIONS),
        generators=names,
        superseded=superseded,
        clock=lambda: "2023-01-01T10:00:00Z",
    )


async def path(superseded: Superseded = "mark", writer: Generator | None = None) -> QueryPath:
    """A collection of three versions of a fact, each in a document of its own."""
    store = ExactStore(SPEC)
    for version in VERSIONS:
        await updated(store, [version])
    return QueryPath(
        Parts(
            encoder=ENCODER,
            sparse=Bm25Encoder(),
            store=store,
            generator=writer or quoting(ENCODER, Floor(0.2), Limits(3)),
            defaults=ways(superseded),
            fusions=FUSIONS,
            weights={},
            packing=Packing(5),
        )
    )


async def found(query: Query, superseded: Superseded = "mark") -> set[str]:
    results = await (await path(superseded)).search(query)
    return {candidate.chunk.document_id for candidate in results.candidates}


async def test_of_three_versions_the_newest_is_quoted_and_opposed_by_none() -> None:
    answer = await (await path()).answer(Query(QUESTION))
    assert [one.citations[0].document_id for one in answer.sentences] == ["Cleo"]
    assert "called Cleo" in answer.text
    assert answer.sentences[0].citations[0].superseded == ""
    assert answer.contradictions == ()


async def test_where_nobody_tells_them_apart_the_nearest_is_quoted() -> None:
    answer = await (await path()).answer(Query(QUESTION, superseded="show"))
    assert [one.citations[0].document_id for one in answer.sentences] == ["Ada"]
    assert answer.sentences[0].citations[0].superseded == ""


@pytest.mark.parametrize("branches", [(), ("bm25",), ("dense",)])
async def test_hidden_is_what_does_not_hold_now_on_every_branch(branches: tuple[str, ...]) -> None:
    assert await found(Query(QUESTION, branches=branches)) == {"Ada", "Bob", "Cleo"}
    assert await found(Query(QUESTION, branches=branches), "hide") == {"Bob"}
    assert await found(Query(QUESTION, branches=branches, superseded="hide")) == {"Bob"}
    assert await found(Query(QUESTION, superseded="mark"), "hide") == {"Ada", "Bob", "Cleo"}


@pytest.mark.parametrize(
    ("as_of", "held"),
    [
        ("2019", set()),
        ("2020-03-01", {"Ada"}),
        ("2021-12-31T23:59:59Z", {"Ada"}),
        ("2022", {"Bob"}),
        ("2030", {"Cleo"}),
    ],
)
@pytest.mark.parametrize("superseded", ["mark", "hide", "show"])
async def test_what_held_at_a_date_is_found_and_was_not_superseded_then(
    as_of: str, held: set[str], superseded: Superseded
) -> None:
    query = Query(QUESTION, as_of=as_of, superseded=superseded)
    assert await found(query) == held
    answer = await (await path()).answer(query)
    assert {one.citations[0].document_id for one in answer.sentences} == held
    assert {one.citations[0].superseded for one in answer.sentences} <= {""}


async def test_several_steps_look_for_what_held_then_too() -> None:
    steps = await path()
    (plan,) = [make_plan(Query(QUESTION, superseded="hide", handling=Handling()), ways())]
    again = make_plan(replace(plan.query, text="another step", handling=Handling()), ways("show"))
    assert (again.query.as_of, again.query.superseded) == ("2023-01-01T10:00:00Z", "hide")
    assert steps.parts.defaults.clock() == plan.query.as_of


async def test_a_model_is_told_what_is_superseded_outside_the_text() -> None:
    llm = ScriptedLLM(complete=lambda _: "Cleo is the present harbour master [1].")
    for superseded, marked in (("mark", 2), ("show", 0)):
        llm.history.clear()
        asked = await path(writer=generator(llm))
        query = Query(QUESTION, superseded=superseded)  # type: ignore[arg-type]
        await asked.answer(replace(query, handling=Handling(generator="inline")))
        (request,) = [one for one in llm.history if isinstance(one, Complete)]
        shown = [line for line in request.prompt[-1].content.splitlines() if "is called" in line]
        assert len(shown) == 3
        assert sum("] (superseded on 20" in line for line in shown) == marked
        for line in shown:
            newest = "called Cleo" in line
            assert ("superseded" in line) is (bool(marked) and not newest)


async def test_a_model_may_not_quote_what_has_a_twin_that_holds() -> None:
    llm = ScriptedLLM(complete=lambda request: request.among[0] if request.among else "Yes.")
    answer = await (await path(writer=generator(llm, "quote-first"))).answer(Query(QUESTION))
    offered = [one.among for one in llm.history if isinstance(one, Complete) and one.among]
    assert all("Ada" not in text and "Bob" not in text for among in offered for text in among)
    assert [one.citations[0].document_id for one in answer.sentences] == ["Cleo"]


def chunk(text: str, start: int = 0, until: str = "") -> Chunk:
    id_ = f"chunk {start}"
    return Chunk(id_, "d", text, start, start + len(text), valid_to=until, superseded_by=until)


async def test_a_superseded_sentence_without_a_twin_is_quoted_and_says_so() -> None:
    old = chunk("The harbour of Port Ellis closes at nine.", until="2024-01-01")
    context = Context(Query("When does the harbour close?"), (Passage(1, Candidate(old, 1.0, {})),))
    pieces = [one async for one in quoting(ENCODER, Floor(0.1), Limits(3)).answer(context)]
    answer = pieces[-1]
    assert not isinstance(answer, str)
    assert "closes at nine. [1] (superseded on 2024-01-01)" in render(answer)  # type: ignore[arg-type]


def passages(*told: tuple[str, str]) -> tuple[Passage, ...]:
    """Texts of different documents with their ends, the best first."""
    chunks = [replace(chunk(text, n, until), document_id=f"d{n}") for n, (text, until) in _n(told)]
    return tuple(Passage(n, Candidate(one, 9.0 - n, {})) for n, one in _n(chunks))


def _n(values: Iterable[T]) -> Iterable[tuple[int, T]]:
    return enumerate(values, start=1)


async def answered(*told: tuple[str, str]) -> Answer:
    context = Context(Query("How much ice does the freezer of the lab hold?"), passages(*told))
    pieces = [one async for one in quoting(ENCODER, Floor(0.1), Limits(1)).answer(context)]
    assert isinstance(pieces[-1], Answer)
    return pieces[-1]


async def test_what_is_superseded_says_nothing_against_what_holds() -> None:
    new, old = (f"The freezer of the lab holds {n} litres of ice." for n in (36, 30))
    assert (await answered((new, ""), (old, "2024-01-01"))).contradictions == ()
    assert len((await answered((new, ""), (old, ""))).contradictions) == 1


async def test_what_several_passages_say_is_quoted_from_one_that_holds() -> None:
    text = "The freezer of the lab holds 36 litres of ice."
    for told in ([(text, "2024-01-01"), (text, "")], [(text, ""), (text, "2024-01-01")]):
        answer = await answered(*told)
        assert [one.citations[0].superseded for one in answer.sentences] == [""]


async def test_a_quote_is_shown_to_a_model_with_its_mark() -> None:
    passage = Passage(1, Candidate(chunk("It closes at nine.", until="2024-01-01"), 1.0, {}))
    quote = cite(passage, Span(0, 18), 1.0)
    shown = statement(Context(Query("When?"), (passage,)), [quote]).prompt[-1].content
    assert "- (superseded on 2024-01-01) It closes at nine." in shown


def test_a_superseded_passage_is_not_merged_with_one_that_holds() -> None:
    one, other = chunk("It opens at six. "), chunk("It closes at nine.", 17, "2024-01-01")
    candidates = (Candidate(one, 2.0, {}), Candidate(other, 1.0, {}))
    marked = pack(Results(Query("q"), candidates), Packing(5))
    assert [p.candidate.chunk.valid_to for p in marked.passages] == ["", "2024-01-01"]
    for query in (Query("q", superseded="show"), Query("q", as_of="2023-01-01")):
        (passage,) = pack(Results(query, candidates), Packing(5)).passages
        assert passage.candidate.chunk.text == "It opens at six. It closes at nine."
        assert passage.candidate.chunk.valid_to == ""


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (Query("q", as_of="last May"), "as_of is 'last May': give a date of ISO 8601, such as"),
        (Query("q", superseded="gone"), "unknown superseded 'gone'. Known: mark, hide, show"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_read_is_refused(query: Query, said: str) -> None:
    with pytest.raises(BadQuery, match="^" + said[:20]) as caught:
        make_plan(query, ways())
    assert said in str(caught.value)
