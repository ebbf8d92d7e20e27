"""What is packed fits the window of the model that reads it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answering.inline import ask
from rag.answering.prompting import showable
from rag.answering.room import room
from rag.errors import BadPrompt
from rag.llms.scripted import ScriptedLLM
from rag.packing import Packing, pack
from rag.values import Candidate, Chunk, Message, Query, Results


def candidate(number: int, words: int) -> Candidate:
    text = " ".join(f"Word {number}-{i} stands here." for i in range(words))
    chunk = Chunk(f"c{number}", f"d{number}", text, 0, len(text), title="A title")
    return Candidate(chunk, 1.0 / number, {})


@given(st.integers(400, 2_000), st.lists(st.integers(1, 60), max_size=8), st.integers(1, 100))
@settings(deadline=None, max_examples=60)
def test_prompt_and_answer_never_exceed_the_window(
    window: int, lengths: list[int], written: int
) -> None:
    history = (Message("user", "And before?"), Message("assistant", "It was cold [1]. " * 9))
    query = Query("How cold is it?", history=history)
    llm = ScriptedLLM(context_window=window)
    packing = room(query, Packing(10), llm, written, 5)
    found = Results(query, tuple(candidate(i, n) for i, n in enumerate(lengths, start=1)))
    packed = pack(found, packing)
    asked = ask(query, showable(packed.passages), 5)
    assert llm.count_tokens(asked) + written <= window


def test_what_has_room_is_packed_whole() -> None:
    found = Results(Query("q"), (candidate(1, 20), candidate(2, 20)))
    llm = ScriptedLLM(context_window=2_000)
    packed = pack(found, room(found.query, Packing(10), llm, 100, 5))
    assert [one.candidate for one in packed.passages] == list(found.candidates)


def test_the_settings_may_allow_less() -> None:
    llm = ScriptedLLM(context_window=100_000)
    assert room(Query("q"), Packing(10, budget=77), llm, 100, 5).budget == 77


def test_a_window_that_holds_no_passage_says_what_to_lower() -> None:
    with pytest.raises(BadPrompt, match=r"lower answer\.max_tokens"):
        room(Query("q"), Packing(10), ScriptedLLM(context_window=200), 150, 5)
