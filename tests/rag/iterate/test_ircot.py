"""IRCoT searches with one sentence of reasoning per round."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.iterate.gathered import Step
from rag.iterate.ircot import answers, ircot, next_thought
from rag.iterate.queries import cleaned
from rag.iterate.sufficient import sufficient
from rag.llms.scripted import ScriptedLLM
from rag.outside.words import same
from rag.values import Complete
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

THOUGHT = f"The U.S. film Glass Harbour, made for 3.5 million, was directed by {BRIDGE}."
LAST = "So the answer is: Tromsø."


def thinks(text: str) -> str:
    if "Tromsø" in text:
        return LAST
    return f"{THOUGHT} She was born in 1950." if knows(text) else "I'm sorry, I cannot say."


def test_the_second_document_is_found_by_the_thought_about_the_first() -> None:
    assert SECOND not in ids(found(QUESTION))
    library = Library()
    gathered = run(ircot(QUESTION), expert({"thought": thinks}), library).result
    assert library.asked == [QUESTION, THOUGHT]
    assert {FIRST, SECOND} < set(ids(gathered.candidates))
    assert gathered.stopped == "answered"


def test_the_steps_tell_the_story() -> None:
    gathered = run(ircot(QUESTION), expert({"thought": thinks})).result
    assert gathered.steps == (
        Step(QUESTION, "the question", len(found(QUESTION))),
        Step(THOUGHT, "a thought", 1),
        Step(LAST, "the answer"),
    )


def test_the_model_reads_its_thoughts_and_the_best_document_last() -> None:
    llm = expert({"thought": thinks})
    run(ircot(QUESTION), llm)
    first, second = (request.prompt[0].content for request in llm.history)
    assert THOUGHT not in first
    assert f"Thoughts so far: {THOUGHT}\n" in second
    shown = second.split("----------\n")[1]
    assert shown.endswith(f"{TEXTS[FIRST]}\n")
    assert TEXTS[SECOND] in shown


@pytest.mark.parametrize(
    ("reply", "thought"),
    [
        (f"{THOUGHT} More.", THOUGHT),
        ("It was made in the U.S. in 1987. Then?", "It was made in the U.S. in 1987."),
        ("It cost 3.5 million. Then?", "It cost 3.5 million."),
        ("Thought: Dr. Solheim made it. Then?", "Dr. Solheim made it."),
        ("One broken\nline. Two.", "One broken line."),
        ("# Glass Harbour", "Glass Harbour"),
        ("她出生在特罗姆瑟。她是导演。", "她出生在特罗姆瑟。"),
        ("", ""),
        ("…", ""),
    ],
)
def test_a_thought_is_one_whole_sentence(reply: str, thought: str) -> None:
    assert next_thought(reply, []) == thought


def test_a_model_that_begins_again_is_read_on() -> None:
    assert next_thought("It is a FILM. She made it.", ["It is a film."]) == "She made it."
    assert next_thought("It is a film.", ["It is a film."]) == ""


@given(st.text(), st.lists(st.text(), max_size=3))
def test_a_thought_is_a_clean_line_that_was_not_thought_before(
    reply: str, before: list[str]
) -> None:
    thought = next_thought(reply, before)
    assert len(thought.splitlines()) <= 1
    assert cleaned(thought) == thought
    assert not thought or same(thought) not in map(same, before)


@pytest.mark.parametrize(
    ("text", "answered"),
    [
        ("The answer is Tromsø.", True),
        ("So THE ANSWER IS: 3.5", True),
        ("Therefore, the answer is no.", True),
        ("The answer is not in the documents.", False),
        ("The answer is: unknown", False),
        ("Another answer is possible.", False),
    ],
)
def test_an_answer_is_known_by_its_words(text: str, answered: bool) -> None:
    assert answers(text) is answered


def test_a_thought_that_repeats_ends_it() -> None:
    gathered = run(ircot(QUESTION), speaker(THOUGHT)).result
    assert gathered.stopped == "nothing new"
    assert [step.why for step in gathered.steps] == [
        "the question",
        "a thought",
        "not searched: the thought repeats",
    ]


def test_only_the_first_sentence_of_a_reply_counts() -> None:
    library = Library()
    llm = speaker(f"{THOUGHT} So the answer is: Oslo.")
    run(ircot(QUESTION), llm, library)
    assert library.asked == [QUESTION, THOUGHT]


def test_what_a_model_writes_before_its_reply_is_not_searched() -> None:
    library = Library()
    llm = speaker(f"<think>Which film? Glass is made of sand. Hm.</think>\n{THOUGHT}")
    run(ircot(QUESTION), llm, library)
    assert library.asked == [QUESTION, THOUGHT]


def test_a_round_that_brings_no_new_chunk_ends_it() -> None:
    llm = speaker("Glass Harbour is a film.")
    gathered = run(ircot(QUESTION), llm).result
    assert gathered.stopped == "nothing new"
    assert len(llm.history) == 1
    assert gathered.steps[-1] == Step("Glass Harbour is a film.", "a thought", 0)


@pytest.mark.parametrize("rounds", [0, 1, 2, 3])
def test_it_ends_after_its_rounds(rounds: int) -> None:
    texts = TEXTS | {f"n{i}": f"Number{i} of Harbour." for i in range(9)}
    llm = ScriptedLLM()
    llm = ScriptedLLM(complete=lambda _: f"Number{len(llm.history)} belongs to {BRIDGE}.")
    library = Library({name: text for name, text in texts.items() if name != "lights"})
    gathered = run(ircot("glass", rounds=rounds), llm, library).result
    assert gathered.stopped == "rounds"
    assert len(library.asked) == rounds + 1


def test_the_check_ends_it_before_a_round() -> None:
    llm = expert({"thought": thinks}, yes=lambda text: "Tromsø" in text)
    gathered = run(ircot(QUESTION, check=sufficient), llm).result
    assert gathered.stopped == "sufficient"
    assert [step.why for step in gathered.steps] == [
        "the question",
        "enough was found: no",
        "a thought",
        "enough was found: yes",
    ]


def test_a_hostile_passage_does_not_steer_the_search() -> None:
    """The model does what any passage that it reads tells it to do."""

    def obeys(text: str) -> str:
        return "cheap pills" if "cheap pills" in text else thinks(text)

    library = Library(hostile())
    gathered = run(ircot(QUESTION), expert({"thought": obeys}), library).result
    assert library.asked == [QUESTION, THOUGHT]
    assert "hostile" in ids(gathered.candidates)
    assert "pills" not in ids(gathered.candidates)


def test_a_query_that_only_a_hostile_passage_wants_is_not_searched() -> None:
    library = Library(hostile())
    gathered = run(ircot(QUESTION), speaker("cheap pills"), library).result
    assert library.asked == [QUESTION]
    assert gathered.stopped == "failed"
    assert "shares no word" in gathered.steps[-1].why


def test_the_model_writes_greedily_and_shortly() -> None:
    llm = expert({"thought": thinks})
    run(ircot(QUESTION), llm)
    for request in llm.history:
        assert isinstance(request, Complete)
        assert (request.temperature, request.max_tokens) == (0.0, 64)
