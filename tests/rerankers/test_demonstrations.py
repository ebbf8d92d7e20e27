"""The demonstrations chosen are those whose query the model finds least likely."""

import asyncio
import math

import pytest

from rag.errors import LLMUnavailable
from rag.flows import drive
from rag.llms.scripted import ScriptedLLM
from rag.values import Completed, Score, Scored
from rerankers.demonstrations import Demonstration, hardest
from rerankers.pool import POOL

ROWS = tuple(Demonstration(f"q{i}", f"right {i}", f"wrong {i}") for i in range(5))


def scoring(*answers: tuple[float, int]) -> ScriptedLLM:
    return ScriptedLLM(score=lambda r: Scored(*answers[int(r.continuation[1:])]))


def test_the_lowest_mean_log_likelihood_is_the_hardest() -> None:
    """Means −2, −5, −1, −5, −4: the sums alone would begin with the third."""
    llm = scoring((-4.0, 2), (-5.0, 1), (-90.0, 90), (-10.0, 2), (-8.0, 2))
    driven = asyncio.run(drive(hardest(ROWS, 3), llm))
    assert driven.result == (ROWS[1], ROWS[3], ROWS[4])
    assert (driven.cost.calls, driven.cost.depth) == (5, 1)


def test_the_query_is_scored_after_its_relevant_passage_alone() -> None:
    llm = scoring(*[(-1.0, 1)] * 5)
    assert asyncio.run(drive(hardest(ROWS, 2), llm)).result == ROWS[:2]
    for row, request in zip(ROWS, llm.history, strict=True):
        assert isinstance(request, Score)
        assert request.continuation == row.query
        (message,) = request.prompt
        assert message.role == "user"
        assert row.relevant in message.content
        assert row.less_relevant not in message.content
        assert row.query not in message.content


def test_a_likelihood_that_is_no_number_is_chosen_last() -> None:
    llm = scoring((math.nan, 1), (-1.0, 0), (-math.inf, 3), (-1.0, 2), (-3.0, 1))
    assert asyncio.run(drive(hardest(ROWS, 9), llm)).result == tuple(
        ROWS[i] for i in (4, 1, 3, 0, 2)
    )


@pytest.mark.parametrize(("pool", "n"), [((), 3), (ROWS, 0)])
def test_nothing_is_asked_where_nothing_is_wanted(pool: tuple[Demonstration, ...], n: int) -> None:
    llm = ScriptedLLM()
    assert asyncio.run(drive(hardest(pool, n), llm)).result == ()
    assert llm.history == []


def test_a_failure_is_not_hidden_behind_a_made_up_choice() -> None:
    flow = hardest(ROWS, 2)
    next(flow)
    with pytest.raises(LLMUnavailable):
        flow.throw(LLMUnavailable("gone"))


def test_a_reply_of_another_kind_is_a_fault_of_the_caller() -> None:
    flow = hardest(ROWS[:1], 1)
    next(flow)
    with pytest.raises(TypeError, match="Completed"):
        flow.send([Completed("", 0)])


def test_the_pool_has_sixteen_different_rows_of_plain_short_texts() -> None:
    assert len({row.query for row in POOL}) == len(POOL) == 16
    texts = [text for row in POOL for text in (row.query, row.relevant, row.less_relevant)]
    assert len(set(texts)) == 48
    for text in texts:
        assert text == " ".join(text.split())
        assert 15 < len(text) < 200
