"""A win counts only where both orders agree; what the order did is told."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.answers.preferring import Order, Pair, Place, Preferred, order, preferred
from rag.flows import drive
from rag.llms.scripted import ScriptedLLM
from rag.values import Complete

PLACES = st.sampled_from(["first", "second", "tie", None])
SAID = st.builds(Preferred, PLACES, PLACES)
GOOD = Pair("q", "Who?", "the better one", "the other")


def ask(*replies: str, pair: Pair = GOOD) -> tuple[Preferred, ScriptedLLM]:
    said = list(replies)
    llm = ScriptedLLM(complete=lambda _: said.pop(0))
    (found,) = asyncio.run(drive(preferred([pair]), llm)).result
    return found, llm


@pytest.mark.parametrize(
    ("replies", "winner"),
    [
        (("A", "B"), "a"),
        (("B", "A"), "b"),
        (("A", "A"), "tie"),
        (("B", "B"), "tie"),
        (("tie", "B"), "tie"),
        (("Tie.", "tie"), "tie"),
    ],
)
def test_a_win_counts_only_where_both_orders_agree(replies: tuple[str, str], winner: str) -> None:
    found, llm = ask(*replies)
    assert found.winner == winner
    first, second = (one.prompt[-1].content for one in llm.history if isinstance(one, Complete))
    assert first.index("the better one") < first.index("the other")
    assert second.index("the other") < second.index("the better one")


def test_a_verdict_that_cannot_be_read_twice_is_missing() -> None:
    found, _ = ask("A", "Both have merit.", "I cannot say.")
    assert found == Preferred("first", None)
    assert found.winner is None
    assert order([found]) == Order(0, None, None, None, failed=1)


def test_two_that_give_no_answer_are_a_tie_and_nobody_is_asked() -> None:
    found, llm = ask(pair=Pair("q", "Who?", "", " "))
    assert found.winner == "tie"
    assert not llm.history


def test_one_that_gives_no_answer_is_shown_as_such() -> None:
    _, llm = ask("A", "B", pair=Pair("q", "Who?", "Ada.", ""))
    assert all("(no answer)" in str(one) for one in llm.history)


@given(st.lists(SAID))
def test_swapping_the_systems_swaps_wins_and_leaves_the_order_alone(said: list[Preferred]) -> None:
    swapped = [Preferred(one.b_first, one.a_first) for one in said]
    other = {"a": "b", "b": "a", "tie": "tie", None: None}
    assert [one.winner for one in swapped] == [other[one.winner] for one in said]
    assert order(swapped) == order(said)


@given(st.lists(st.tuples(PLACES, PLACES).filter(lambda both: None not in both), min_size=1))
def test_shares_of_the_order_are_of_all_pairs(both: list[tuple[Place, Place]]) -> None:
    found = order([Preferred(*pair) for pair in both])
    shares = (found.consistent, found.primacy, found.recency)
    assert all(share is not None and 0 <= share <= 1 for share in shares)
    assert sum(share or 0 for share in shares) <= 1 + 1e-9


def test_a_judge_that_always_takes_the_first_is_all_primacy() -> None:
    assert order([Preferred("first", "first")] * 4) == Order(4, 0, 1, 0, failed=0)
