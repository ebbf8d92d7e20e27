"""FIRST asks for one letter per window, behind a bracket, and ranks by its probability."""

import asyncio

import pytest

from rag.flows import drive
from rag.llms.scripted import ScriptedLLM
from rag.values import Choose, Chosen, Message
from rerankers.asking import ranking
from rerankers.first import SYSTEM, First
from rerankers.schedules import sliding

TEXTS = tuple(f"text {i}" for i in range(30))


def test_the_prompt_names_the_query_twice_and_each_passage_on_its_line() -> None:
    (request,) = First("Why is it so?", TEXTS).requests((4, 2, 9))
    system, user, assistant = request.prompt
    assert system == Message("system", SYSTEM)
    assert assistant == Message("assistant", "[")
    assert user.content == (
        "Here are 3 passages, each with its label in square brackets. "
        "Rank them by how relevant they are to this query: Why is it so?\n"
        "\n"
        "[A] text 4\n"
        "[B] text 2\n"
        "[C] text 9\n"
        "\n"
        "The query: Why is it so?\n"
        "Rank all 3 passages above, the most relevant first. Name every label exactly once, in the "
        "form [B] > [A]. Write the ranking only, without any explanation."
    )
    assert request.labels == ("A", "B", "C")


def test_where_a_turn_cannot_be_begun_the_bare_letter_is_asked_for() -> None:
    (request,) = First("why?", TEXTS, forced=False).requests((0, 1))
    assert [message.role for message in request.prompt] == ["system", "user"]
    assert request.prompt[-1].content.endswith(
        "Which of the 2 passages above is the most relevant to the query? Write its letter only, "
        "without brackets and without any explanation."
    )
    assert request.labels == ("A", "B")


def test_texts_and_queries_with_braces_stand_in_the_prompt_as_they_are() -> None:
    (request,) = First("a {n} {x}", ("{0}", "{")).requests((0, 1))
    assert "[A] {0}\n[B] {\n" in request.prompt[1].content
    assert "The query: a {n} {x}\n" in request.prompt[1].content


def test_a_window_is_ranked_by_its_letters() -> None:
    read = First("why?", TEXTS).read((4, 2, 9), [Chosen((-3.0, -1.0, -2.0))])
    assert (read.levels, read.missing, read.malformed) == (((2,), (9,), (4,)), 0, 0)


def test_letters_that_are_not_reported_are_counted_and_stand_last() -> None:
    read = First("why?", TEXTS).read((4, 2, 9), [Chosen((None, -1.0, float("nan")))])
    assert (read.levels, read.missing) == (((2,), (4, 9)), 2)
    read = First("why?", TEXTS).read((4, 2), [Chosen((None, None))])
    assert (read.levels, read.missing) == (((4, 2),), 2)


def test_a_hundred_passages_are_nine_questions_and_nothing_is_written() -> None:
    passages = [f"{i * 37 % 100}" for i in range(100)]

    def choose(request: Choose) -> Chosen:
        lines = request.prompt[1].content.splitlines()
        return Chosen(tuple(float(line.split()[1]) for line in lines if line.startswith("[")))

    llm = ScriptedLLM(choose)
    driven = asyncio.run(drive(ranking(sliding(100), First("most?", passages)), llm))
    assert [passages[i] for i in driven.result.order[:10]] == [str(q) for q in range(99, 89, -1)]
    assert (driven.cost.calls, driven.cost.tokens_out, driven.result.scores) == (9, 0, ())
    assert all(isinstance(request, Choose) for request in llm.history)


def test_the_prior_of_a_larger_window_serves_a_smaller_one() -> None:
    asker = First("why?", TEXTS, size=4, prior=(-5.0, 0.0, 0.0, 0.0))
    assert asker.read((0, 1), [Chosen((-1.0, -0.5))]).levels == ((0,), (1,))


def test_a_window_beyond_the_alphabet_is_refused() -> None:
    with pytest.raises(ValueError, match="27 passages: choose 2 to 26"):
        First("why?", TEXTS, size=27)
    with pytest.raises(ValueError, match="made for 20"):
        First("why?", TEXTS).requests(tuple(range(21)))
