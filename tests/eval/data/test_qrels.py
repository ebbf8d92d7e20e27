"""The judge that looks grades up."""

import pytest

from eval.data.qrels import QrelsJudge
from rag.seams import Judge
from rag.values import Case, Judgment


def case(query_id: str, document_id: str) -> Case:
    return Case(query_id, "a question", document_id, "a text")


@pytest.mark.anyio
async def test_grades_are_looked_up_in_the_order_of_the_cases() -> None:
    judge = QrelsJudge({"q1": {"d1": 2, "d2": 0}, "q2": {"d1": -1}})
    cases = [case("q2", "d1"), case("q1", "d2"), case("q1", "d1"), case("q1", "d1")]
    assert await judge.judge(cases) == (
        Judgment("q2", "d1", -1),
        Judgment("q1", "d2", 0),
        Judgment("q1", "d1", 2),
        Judgment("q1", "d1", 2),
    )


@pytest.mark.anyio
async def test_what_nobody_judged_has_no_grade() -> None:
    judge = QrelsJudge({"q1": {"d1": 2}})
    judgments = await judge.judge([case("q1", "d9"), case("q9", "d1")])
    assert [judgment.grade for judgment in judgments] == [None, None]


@pytest.mark.anyio
async def test_no_case_is_no_judgment() -> None:
    assert await QrelsJudge({}).judge([]) == ()


def test_it_is_a_judge() -> None:
    assert isinstance(QrelsJudge({}), Judge)
