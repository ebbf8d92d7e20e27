"""Every judge gives one judgment per case, in order, and none where it has none."""

import pytest

from eval.data.qrels import QrelsJudge
from eval.judges.jury import Jury
from eval.judges.ledger import Ledger
from eval.judges.methods import JUDGES
from eval.judges.opening import make_judge
from rag.llms.scripted import ScriptedLLM
from rag.seams import Judge
from rag.values import Case, Choose, Chosen, Complete, Judgment

pytestmark = pytest.mark.anyio


def likely(request: Choose) -> Chosen:
    """Say that a digit is likely where the passage or the query has it in its name."""
    text = request.prompt[-1].content
    return Chosen(tuple(-1.0 if f"d{label}" in text else -3.0 for label in request.labels))


def written(request: Complete) -> str:
    """Grade d1 and d2 by their number, say nothing valid about d3."""
    text = request.prompt[-1].content
    if "yes or no" in text:
        return "yes" if "d1" in text or "d3" in text else "no"
    return next((f"##final score: {n}" for n in (1, 2) if f"text d{n}" in text), "I cannot say.")


LLM_JUDGES = [make_judge(name, ScriptedLLM(likely, complete=written), Ledger()) for name in JUDGES]
JURY = Jury(dict(zip(JUDGES, LLM_JUDGES, strict=True)), dict.fromkeys(JUDGES, 1.0))

EVERY = pytest.mark.parametrize(
    "judge",
    [QrelsJudge({"q1": {"d1": 2, "d2": 0}, "q2": {"d1": -1}}), *LLM_JUDGES, JURY],
    ids=["qrels", *JUDGES, "jury"],
)


def case(query_id: str, document_id: str) -> Case:
    return Case(query_id, f"the query {query_id}", document_id, f"the text {document_id}")


CASES = [case(q, d) for q in ("q2", "q1", "q3") for d in ("d2", "d1", "d3", "d1")]


@EVERY
async def test_there_is_one_judgment_per_case_in_the_order_of_the_cases(judge: Judge) -> None:
    assert isinstance(judge, Judge)
    judgments = await judge.judge(CASES)
    asked = [(c.query_id, c.document_id) for c in CASES]
    assert [(j.query_id, j.document_id) for j in judgments] == asked


@EVERY
async def test_a_case_is_judged_alike_alone_and_in_any_company(judge: Judge) -> None:
    together = await judge.judge(CASES)
    assert together == tuple([(await judge.judge([c]))[0] for c in CASES])
    assert await judge.judge(CASES[::-1]) == together[::-1]


@EVERY
async def test_no_cases_give_no_judgments(judge: Judge) -> None:
    assert await judge.judge([]) == ()


async def test_qrels_grade_what_they_hold_and_a_zero_is_not_nothing() -> None:
    judge = QrelsJudge({"q1": {"d1": 2, "d2": 0}, "q2": {"d1": -1}})
    assert await judge.judge([case(q, d) for q in ("q1", "q2", "q9") for d in ("d1", "d2")]) == (
        Judgment("q1", "d1", 2),
        Judgment("q1", "d2", 0),
        Judgment("q2", "d1", -1),
        Judgment("q2", "d2", None),
        Judgment("q9", "d1", None),
        Judgment("q9", "d2", None),
    )
