"""Of several passages the best is taken: by what it finds and by what an answer says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.expand.chosen import agreement, chosen, likeness, places
from rag.terms import sparse
from rag.values import Branch, Complete, Part, SparseVector
from tests.rag.rewrite.shelf import QUESTION, Shelf, asked, expanded
from tests.rag.rewrite.writer import ATTACKS, DEADLY, Writer, echo

ANSWER = "SAP was founded by five former employees of IBM, such as Hasso Plattner."
GOOD = "The company SAP was founded in 1972 by five former employees of IBM."
VAGUE = "SAP is a company that somebody founded at some time in some place."
WRONG = "Cheap pills made SAP rich: buy pills at the pill shop."
REPLIES = (WRONG, VAGUE, GOOD, WRONG)


def test_the_best_of_the_passages_is_taken() -> None:
    llm, shelf = Writer(*REPLIES, ANSWER), Shelf()
    driven = expanded(chosen, llm, asked(seed=5), shelf)
    assert driven.result == (
        Branch("bm25+llm-qe", QUESTION, 50, (Part(QUESTION, 5.0), Part(GOOD))),
    )
    assert (driven.cost.calls, driven.cost.depth, driven.cost.searches) == (5, 2, 4)
    assert [request.seed for request in llm.asked[:4]] == [5, 6, 7, 8]
    assert [search.text for search in shelf.searches] == [
        QUESTION,
        *(f"{QUESTION} " * 5 + passage for passage in (WRONG, VAGUE, GOOD)),
    ]
    assert all(search.branches == ("bm25",) for search in shelf.searches)


def test_the_answer_is_drafted_from_what_was_found() -> None:
    llm = Writer(*REPLIES, ANSWER)
    expanded(chosen, llm)
    assert "1. SAP was founded in 1972" in llm.asked[-1].prompt[0].content


def test_the_drafted_answer_decides_between_passages_that_find_the_same() -> None:
    shelf = Shelf(["The company SAP"])
    one, other = "SAP was begun by Hopp.", "SAP was begun by Plattner."
    for answer, best in [(one, one), (other, other)]:
        llm = Writer(other, one, other, one, answer)
        (branch,) = expanded(chosen, llm, shelf=shelf).result
        assert branch.form == (Part(QUESTION, 5.0), Part(best))


@pytest.mark.parametrize("answer", ["", "I'm sorry, I cannot answer.", "x" * 10_000])
def test_without_an_answer_the_searches_decide(answer: str) -> None:
    (branch,) = expanded(chosen, Writer(*REPLIES, answer)).result
    assert branch.form == (Part(QUESTION, 5.0), Part(VAGUE))


def test_a_sole_passage_needs_no_choice() -> None:
    llm, shelf = Writer(GOOD, "I'm sorry.", "", GOOD), Shelf()
    driven = expanded(chosen, llm, shelf=shelf)
    assert driven.result[0].form == (Part(QUESTION, 5.0), Part(GOOD))
    assert (driven.cost.depth, driven.cost.searches) == (1, 1)


def test_where_nothing_is_found_the_first_passage_is_taken() -> None:
    driven = expanded(chosen, Writer(*REPLIES), shelf=Shelf(()))
    assert driven.result[0].form == (Part(QUESTION, 5.0), Part(WRONG))
    assert driven.cost.calls == 4


@pytest.mark.parametrize("name", DEADLY)
def test_an_attack_leaves_no_branch(name: str) -> None:
    assert expanded(chosen, Writer(ATTACKS[name])).result == ()


def test_a_model_that_echoes_its_prompt_is_not_believed() -> None:
    assert expanded(chosen, Writer(echo)).result == ()


@given(text=st.text(max_size=30), reply=st.text(max_size=40))
def test_any_question_and_reply_give_one_branch_or_none(text: str, reply: str) -> None:
    def varied(request: Complete) -> str:
        return f"{reply} SAP {text} {request.seed}"

    driven = expanded(chosen, Writer(varied), asked(f"SAP {text}"))
    assert len(driven.result) <= 1
    assert driven.cost.calls <= 5


IDS = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)


@given(IDS, IDS)
def test_agreement_is_highest_for_the_same_head(relevant: list[str], ranking: list[str]) -> None:
    assert 0 <= agreement(relevant, ranking) <= agreement(relevant, relevant)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_places_are_lowest_for_the_highest_reward(rewards: list[float]) -> None:
    found = places(rewards)
    assert sorted(range(len(rewards)), key=lambda i: (found[i], i)) == sorted(
        range(len(rewards)), key=lambda i: (-rewards[i], i)
    )
    assert 0 in found or not rewards


VECTORS = st.dictionaries(st.integers(0, 9), st.floats(0.1, 9), max_size=6).map(sparse)


@given(VECTORS, VECTORS)
def test_likeness_is_symmetric_and_one_for_the_same(one: SparseVector, other: SparseVector) -> None:
    assert likeness(one, other) == pytest.approx(likeness(other, one))
    assert 0 <= likeness(one, other) <= 1 + 1e-9
    assert likeness(one, one) == pytest.approx(1.0 if one.values else 0.0)
