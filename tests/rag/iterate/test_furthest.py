"""Every round draws several plans from what was found, and follows the best."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import LLMUnavailable
from rag.iterate.furthest import Drawing, furthest, planned
from rag.iterate.gathered import ASIDE, Step
from rag.iterate.queries import cleaned
from rag.iterate.sufficient import sufficient
from rag.llms.scripted import ScriptedLLM
from rag.values import Choose, Chosen, Complete
from tests.rag.iterate.library import (
    BRIDGE,
    FIRST,
    QUESTION,
    SECOND,
    TEXTS,
    Library,
    about,
    affirms,
    expert,
    found,
    hostile,
    ids,
    knows,
    run,
    speaker,
)

GOOD = f"{BRIDGE} world"
POOR = "sailor Tromp of a film"
LAST = "The answer is Tromsø."


def draws(request: Complete) -> str:
    """Draw the poor plan from even seeds, the good one from odd ones, and last the answer."""
    text = request.prompt[0].content
    if "Tromsø" in text:
        return LAST
    if not knows(text):
        return "I'm sorry, I cannot."
    return f"The director is {BRIDGE}.\nQuery: {GOOD if request.seed % 2 else POOR}"


chooses = affirms(lambda text: f"Query: {GOOD}" in text)


def planner() -> ScriptedLLM:
    return ScriptedLLM(choose=chooses, complete=draws)


def test_the_second_document_is_found_by_the_best_plan() -> None:
    assert SECOND not in ids(found(QUESTION))
    library = Library()
    gathered = run(furthest(QUESTION), planner(), library).result
    assert library.asked == [QUESTION, POOR, GOOD]
    assert {FIRST, SECOND} < set(ids(gathered.candidates))
    assert gathered.stopped == "answered"


def test_the_steps_tell_the_story() -> None:
    gathered = run(furthest(QUESTION), planner()).result
    assert gathered.steps == (
        Step(QUESTION, "the question", len(found(QUESTION))),
        Step(POOR, "another plan, set aside", 1),
        Step(GOOD, "the best plan", 1),
        Step(LAST, "the answer of most plans"),
    )


def test_plans_are_drawn_in_one_batch_with_seeds_of_their_own() -> None:
    llm = planner()
    run(furthest(QUESTION, drawing=Drawing(plans=4, temperature=0.9, seed=11)), llm)
    drawn = [request for request in llm.history if isinstance(request, Complete)]
    assert [request.seed for request in drawn] == [*range(11, 15), *range(15, 19)]
    assert {request.temperature for request in drawn} == {0.9}
    assert len({request.prompt for request in drawn[:4]}) == 1


def test_what_was_thought_and_searched_before_is_hidden() -> None:
    llm = planner()
    run(furthest(QUESTION), llm)
    last = llm.history[-1]
    assert about(last) == "plan"
    assert TEXTS[SECOND] in last.prompt[0].content
    assert POOR not in last.prompt[0].content
    assert GOOD not in last.prompt[0].content
    assert "The director is" not in last.prompt[0].content


def test_what_other_plans_found_is_kept_behind_and_not_read() -> None:
    llm = planner()
    gathered = run(furthest(QUESTION), llm).result
    order = ids(gathered.candidates)
    rank = ids(found(POOR)).index("parents") + 1
    assert order.index("parents") >= rank / ASIDE
    assert all(TEXTS["parents"] not in request.prompt[0].content for request in llm.history)


def assessed(odds: dict[str, tuple[float | None, ...]]) -> list[str]:
    """Return the queries of the best plans, where the model says this of each."""

    def choose(request: Choose) -> Chosen:
        (said,) = [
            one for query, one in odds.items() if f"Query: {query}\n" in request.prompt[0].content
        ]
        return Chosen(said)

    queries = [*odds]
    llm = ScriptedLLM(choose=choose, complete=lambda r: queries[r.seed % len(queries)])
    flow = furthest(QUESTION, rounds=1, drawing=Drawing(plans=len(queries)))
    steps = run(flow, llm).result.steps
    return [step.text for step in steps if step.why == "the best plan"]


YES, NO, SILENT = (-0.1, None, -3.0, None), (-3.0, None, -0.1, None), (None,) * 4


def test_the_model_and_the_new_chunks_decide_together() -> None:
    """The good plan brings one new chunk, the other two; the third none."""
    good, two, none = "Solheim lighthouse", "merchants film lighthouse", "glass film"
    assert assessed({good: YES, two: NO, none: YES}) == [good]
    assert assessed({good: YES, two: YES, none: YES}) == [two]
    assert assessed({good: NO, two: NO, none: YES}) == [two]


def test_labels_that_are_missing_are_an_even_chance() -> None:
    good, two = "Solheim lighthouse", "merchants film lighthouse"
    assert assessed({good: SILENT, two: SILENT}) == [two]
    assert assessed({good: SILENT, two: NO}) == [good]
    assert assessed({good: YES, two: (-0.1, None, None, None)}) == [two]


def test_a_sole_plan_is_followed_without_a_question() -> None:
    llm = speaker(GOOD)
    gathered = run(furthest(QUESTION, rounds=1), llm).result
    assert all(isinstance(request, Complete) for request in llm.history)
    assert gathered.stopped == "rounds"
    assert SECOND in ids(gathered.candidates)


def test_plans_that_were_searched_before_end_it() -> None:
    gathered = run(furthest(QUESTION), speaker(GOOD)).result
    assert gathered.stopped == "nothing new"
    assert gathered.steps[-1].why == "not searched: it was searched before"


def test_plans_that_bring_nothing_end_it_without_an_assessment() -> None:
    llm = ScriptedLLM(complete=lambda r: ["glass film", "harbour film"][r.seed % 2])
    gathered = run(furthest(QUESTION), llm).result
    assert gathered.stopped == "nothing new"
    assert not [request for request in llm.history if isinstance(request, Choose)]


def test_what_plans_found_is_kept_when_they_cannot_be_assessed() -> None:
    def fails(request: Choose) -> Chosen:
        raise LLMUnavailable(f"gone with {len(request.labels)} labels")

    gathered = run(furthest(QUESTION), ScriptedLLM(choose=fails, complete=draws)).result
    assert {SECOND, "parents"} < set(ids(gathered.candidates))
    assert [step.why for step in gathered.steps[1:]] == [
        "another plan, set aside",
        "another plan, set aside",
        "ended: gone with 4 labels",
    ]
    assert gathered.stopped == "failed"


def test_one_answer_among_the_plans_does_not_end_it() -> None:
    library = Library()
    answer = "The answer is Glass Harbour."
    llm = ScriptedLLM(choose=chooses, complete=lambda r: GOOD if r.seed else answer)
    gathered = run(furthest(QUESTION, rounds=1), llm, library).result
    assert library.asked == [QUESTION, GOOD]
    assert gathered.stopped == "rounds"
    assert SECOND in ids(gathered.candidates)


def test_the_check_ends_it_before_a_round() -> None:
    llm = expert({}, yes=lambda _: True)
    gathered = run(furthest(QUESTION, check=sufficient), llm).result
    assert gathered.stopped == "sufficient"
    assert ids(gathered.candidates) == ids(found(QUESTION))


def test_a_hostile_passage_does_not_steer_the_search() -> None:
    def obeys(text: str) -> str:
        return "Query: cheap pills" if "cheap pills" in text else f"Query: {GOOD}"

    library = Library(hostile())
    run(furthest(QUESTION), expert({"plan": obeys}), library)
    assert library.asked == [QUESTION, GOOD]
    library = Library(hostile())
    gathered = run(furthest(QUESTION), speaker("cheap pills"), library).result
    assert library.asked == [QUESTION]
    assert gathered.stopped == "failed"


@pytest.mark.parametrize(
    ("reply", "query"),
    [
        ("Known: a.\nQuery: b", "b"),
        ("Query: a\nQuery: b", "b"),
        ("What is missing is c. query: 'b'", "b"),
        ("Query:\nb", "b"),
        ("a\n\nb\n", "b"),
        ("", ""),
        ("Query: …", ""),
    ],
)
def test_the_query_of_a_plan_is_found(reply: str, query: str) -> None:
    assert planned(reply) == query


@given(st.text(alphabet="ab :\n-*\"'") | st.text())
def test_the_query_of_any_reply_is_a_clean_line(reply: str) -> None:
    query = planned(f"Query: {reply}")
    assert cleaned(query) == query
    assert len(query.splitlines()) <= 1
