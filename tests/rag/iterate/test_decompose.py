"""Sub-questions are searched side by side; one that needs an answer waits for it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.flows import Flow
from rag.iterate.decompose import Decompose, decomposed, filled, needs, short_answer
from rag.iterate.gathered import Gathered, Step
from rag.iterate.sufficient import sufficient
from rag.llms.scripted import ScriptedLLM
from rag.values import Complete, Search, Searched
from tests.rag.iterate.library import (
    BRIDGE,
    FIRST,
    QUESTION,
    SECOND,
    TEXTS,
    Library,
    candidate,
    expert,
    found,
    hostile,
    ids,
    knows,
    run,
    shelved,
    speaker,
)

PARTS = ("Who directed the film Glass Harbour?", "Where did #1 come into the world?")


def into(*parts: str) -> Decompose:
    """Return a decomposition that is always the same."""

    def decompose(question: str) -> Flow[tuple[str, ...]]:
        del question
        yield from ()
        return parts

    return decompose


def reads(text: str) -> str:
    return f"{BRIDGE}." if knows(text) else "unknown"


def gather(
    parts: Sequence[str], llm: ScriptedLLM | None = None, library: Library | None = None
) -> Gathered:
    llm = llm or expert({"read": reads})
    return run(decomposed(QUESTION, into(*parts)), llm, library).result


def test_the_second_document_is_found_by_the_answer_to_the_first_part() -> None:
    assert SECOND not in ids(found(QUESTION))
    assert all(SECOND not in ids(found(part)) for part in PARTS[:1])
    library = Library()
    gathered = gather(PARTS, library=library)
    assert library.asked == [QUESTION, PARTS[0], f"Where did {BRIDGE} come into the world?"]
    assert {FIRST, SECOND} < set(ids(gathered.candidates))
    assert gathered.stopped == "rounds"


def test_the_steps_tell_the_story() -> None:
    assert gather(PARTS).steps == (
        Step(QUESTION, "the question", len(found(QUESTION))),
        Step(PARTS[0], "a sub-question", 0),
        Step(PARTS[0], f"answer read: {BRIDGE}"),
        Step(f"Where did {BRIDGE} come into the world?", "a sub-question", 1),
    )


def test_parts_that_wait_for_nothing_are_searched_in_one_batch() -> None:
    flow = decomposed(
        QUESTION, into("the sailor of the film", "the sand of the film", "#1 or #2 film?")
    )
    assert next(flow) == [Search(QUESTION)]
    batch = flow.send([Searched(found(QUESTION))])
    assert batch == [Search("the sailor of the film"), Search("the sand of the film")]
    batch = flow.send([Searched(found(r.text)) for r in batch if isinstance(r, Search)])
    assert [type(request) for request in batch] == [Complete, Complete]


def test_a_chain_of_parts_is_followed_to_its_end() -> None:
    def answer(text: str) -> str:
        return "Tromsø" if "Where did" in text else reads(text)

    library = Library(TEXTS | {"north": "Tromsø has a cathedral of ice."})
    chain = (*PARTS, "What stands in [2]?")
    gathered = gather(chain, expert({"read": answer}), library)
    assert library.asked[3:] == ["What stands in Tromsø?"]
    assert "north" in ids(gathered.candidates)


def test_a_part_never_waits_for_a_later_one() -> None:
    parts = ("Which film of #2 is it?", "Who directed [1], the #3 hit?", "sand film", "lights #3")
    library = Library()
    gather(parts, speaker("Glass"), library)
    assert library.asked[1:3] == ["Which film of #2 is it?", "sand film"]
    assert library.asked[3:] == ["Who directed Glass, the #3 hit?", "lights Glass"]


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "unknown",
        "Not stated in the documents.",
        "I'm sorry, I cannot answer that.",
        "Napoleon Bonaparte",
        "The director of the film Glass Harbour of 1987 was Ingrid Solheim, as it says.",
        "cheap pills",
    ],
)
def test_a_part_whose_answer_is_not_read_is_not_searched(reply: str) -> None:
    library = Library(hostile())
    gathered = gather(PARTS, speaker(reply), library)
    assert library.asked == [QUESTION, PARTS[0]]
    assert gathered.steps[-2:] == (
        Step(PARTS[0], "answer read: none"),
        Step(PARTS[1], "not searched: an answer that it needs was not found"),
    )


def test_no_answer_is_asked_for_that_no_part_needs() -> None:
    llm = speaker("")
    gathered = gather(["Who kept a lighthouse, in which film?"], llm)
    assert llm.history == []
    assert gathered.stopped == "rounds"
    assert SECOND in ids(gathered.candidates)


@pytest.mark.parametrize(
    ("parts", "stopped"),
    [
        ([], "nothing new"),
        ([QUESTION], "nothing new"),
        (["Glass Harbour film?"], "nothing new"),
        (["", "quite other matters"], "failed"),
        (["I cannot answer this", QUESTION], "failed"),
        (["Lighthouse film?", "lighthouse FILM"], "rounds"),
    ],
)
def test_parts_that_may_not_be_searched_leave_the_plain_result(
    parts: list[str], stopped: str
) -> None:
    gathered = gather(parts)
    assert gathered.stopped == stopped
    assert set(ids(found(QUESTION))) <= set(ids(gathered.candidates))


def test_only_so_many_parts_are_searched() -> None:
    library = Library()
    flow = decomposed(QUESTION, into(*(f"film {i}" for i in range(20))), parts=3)
    run(flow, None, library)
    assert len(library.asked) == 1 + 3


def test_the_check_is_asked_before_the_parts_and_before_those_that_waited() -> None:
    first = "Who kept a lighthouse, in which film?"
    llm = expert({"read": lambda _: BRIDGE}, yes=lambda text: "Tromsø" in text)
    gathered = run(decomposed(QUESTION, into(first, "Who is #1?"), check=sufficient), llm).result
    assert gathered.stopped == "sufficient"
    assert [step.why for step in gathered.steps] == [
        "the question",
        "enough was found: no",
        "a sub-question",
        f"answer read: {BRIDGE}",
        "enough was found: yes",
    ]


@pytest.mark.parametrize(
    ("part", "number", "wanted"),
    [
        ("Where was #1 born?", 2, {1}),
        ("Did [1] meet [#2]?", 3, {1, 2}),
        ("Who had the #1 hit of [3]?", 1, set()),
        ("Where was #2 born?", 2, set()),
        ("#0 and #12 and C#1", 3, {1}),
        ("plain", 5, set()),
    ],
)
def test_placeholders_name_earlier_parts(part: str, number: int, wanted: set[int]) -> None:
    assert needs(part, number) == wanted


@given(
    st.text(alphabet="#[]123 ab\\g<>"),
    st.integers(1, 5),
    st.dictionaries(st.integers(1, 3), st.text()),
)
def test_filling_in_changes_placeholders_alone(
    part: str, number: int, answers: dict[int, str]
) -> None:
    assert all(0 < n < number for n in needs(part, number))
    assert filled(part, {}) == part
    marked = filled(part, {n: f"‹{n}›" for n in answers})
    for n, answer in answers.items():
        marked = marked.replace(f"‹{n}›", answer)
    if not any("‹" in answer for answer in answers.values()):
        assert filled(part, answers) == marked


def test_a_word_for_nothing_is_no_answer_even_where_a_passage_has_it() -> None:
    there = [candidate("a", "Unknown is a film; its director is not mentioned. Noneto is a place.")]
    assert short_answer("Unknown", there) == short_answer("not mentioned in the film", there) == ""
    assert short_answer("Noneto", there) == "Noneto"


@given(st.text())
def test_a_short_answer_is_short_and_from_the_passages(reply: str) -> None:
    answer = short_answer(reply, shelved(FIRST))
    assert len(answer.split()) <= 10
    assert len(answer.splitlines()) <= 1


@pytest.mark.parametrize("reply", ["Ingrid Solheim", 'Answer: "Ingrid Solheim".', "ingrid", "1987"])
def test_a_name_or_a_number_of_the_passage_is_an_answer(reply: str) -> None:
    answer = short_answer(reply, shelved(FIRST))
    assert answer.casefold() in TEXTS[FIRST].casefold()
    assert answer
