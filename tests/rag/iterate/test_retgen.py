"""Iter-RetGen searches with the question and the last answer."""

from rag.iterate.gathered import Step
from rag.iterate.retgen import retgen
from rag.iterate.sufficient import sufficient
from tests.rag.iterate.library import (
    BRIDGE,
    FIRST,
    QUESTION,
    SECOND,
    TEXTS,
    Library,
    expert,
    found,
    hostile,
    ids,
    knows,
    run,
    speaker,
)

NEAR = f"The director of Glass Harbour is {BRIDGE}."
FULL = f"{BRIDGE}, the director of Glass Harbour, was born at Tromsø."


def answers(text: str) -> str:
    if "Tromsø" in text:
        return FULL
    return NEAR if knows(text) else "I'm sorry, I cannot answer that."


def test_the_second_document_is_found_by_the_answer() -> None:
    library = Library()
    gathered = run(retgen(QUESTION), expert({"answer": answers}), library).result
    assert library.asked == [QUESTION, f"{QUESTION} {NEAR}", f"{QUESTION} {FULL}"]
    assert {FIRST, SECOND} < set(ids(gathered.candidates))


def test_the_steps_tell_the_story() -> None:
    gathered = run(retgen(QUESTION, rounds=3), expert({"answer": answers})).result
    assert gathered.steps == (
        Step(QUESTION, "the question", len(found(QUESTION))),
        Step(f"{QUESTION} {NEAR}", "the question and the last answer", 1),
        Step(f"{QUESTION} {FULL}", "the question and the last answer", 0),
    )
    assert gathered.stopped == "nothing new"


def test_an_answer_that_repeats_ends_it() -> None:
    gathered = run(retgen(QUESTION), speaker(NEAR)).result
    assert gathered.stopped == "answered"


def test_it_ends_after_its_rounds() -> None:
    gathered = run(retgen(QUESTION, rounds=1), expert({"answer": answers})).result
    assert gathered.stopped == "rounds"


def test_the_model_reads_what_the_last_search_found() -> None:
    guess = f"{BRIDGE} came into the world where parents kept a lighthouse at Tromsø."
    llm = speaker(guess)
    run(retgen(QUESTION, k=1), llm)
    first, second = (request.prompt[0].content for request in llm.history)
    assert TEXTS[FIRST] in first
    assert TEXTS[SECOND] not in first
    assert TEXTS[SECOND] in second
    assert TEXTS[FIRST] not in second


def test_the_check_ends_it_before_a_round() -> None:
    llm = expert({"answer": answers}, yes=lambda text: "Tromsø" in text)
    gathered = run(retgen(QUESTION, check=sufficient), llm).result
    assert gathered.stopped == "sufficient"
    assert SECOND in ids(gathered.candidates)


def test_an_answer_about_something_else_is_not_searched_with() -> None:
    library = Library(hostile())
    gathered = run(retgen(QUESTION), speaker("cheap pills"), library).result
    assert library.asked == [QUESTION]
    assert gathered.stopped == "failed"
