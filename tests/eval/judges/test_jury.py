"""Juries: who serves, what a vote is worth, what comes out."""

import itertools
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from eval.data.qrels import QrelsJudge
from eval.judges.exam import examine, kappa, mutual
from eval.judges.jury import Jury, qualified, verdict, weighed
from rag.errors import BadInput
from rag.seams import Judge
from rag.values import Case, Judgment
from tests.eval.judges.asking import case

GRADES = st.integers(0, 3)


def juror(grades: Sequence[int | None]) -> QrelsJudge:
    """A judge that grades the documents "0", "1", … so."""
    return QrelsJudge({"q1": {str(i): g for i, g in enumerate(grades) if g is not None}})


def members(**grades: Sequence[int | None]) -> dict[str, Judge]:
    return {name: juror(each) for name, each in grades.items()}


def cases(n: int) -> list[Case]:
    return [case(str(i)) for i in range(n)]


@pytest.mark.anyio
async def test_a_jury_is_a_judge_whose_grade_is_the_median() -> None:
    jury = Jury(members(a=[3, 0, 1], b=[1, 0, 3], c=[2, 3, 3]), dict.fromkeys("abc", 1.0))
    assert isinstance(jury, Judge)
    assert [one.grade for one in await jury.judge(cases(3))] == [2, 0, 3]


@given(st.lists(GRADES, min_size=1, max_size=7))
def test_with_equal_weights_the_grade_is_the_lower_median(grades: list[int]) -> None:
    votes: dict[str, int | None] = {str(i): grade for i, grade in enumerate(grades)}
    found = verdict(case("d"), votes, dict.fromkeys(votes, 0.1)).grade
    assert found == sorted(grades)[(len(grades) - 1) // 2]


@pytest.mark.anyio
async def test_who_failed_does_not_vote_and_too_few_votes_are_no_verdict() -> None:
    votes = members(a=[3, None, None], b=[None, None, 1], c=[3, 1, None])
    jury = Jury(votes, {"a": 2.0, "b": 1.0, "c": 1.0})
    of = await jury.assess(cases(3))
    assert [one.grade for one in of] == [3, None, None]  # a quarter of the weight is no quorum
    assert of[0].parts == {"a": 3.0, "c": 3.0, "spread": 0.0, "flips": 0.0}


@pytest.mark.anyio
async def test_only_who_passes_the_exam_serves_and_weighs_what_it_scored() -> None:
    gold = [0, 1, 2, 3, 0, 1, 2, 3]
    every = members(perfect=gold, fair=[0, 1, 3, 3, 1, 1, 2, 2], liar=[3 - g for g in gold])
    every |= members(constant=[2] * 8, silent=[None] * 8)
    jury = await qualified(every, {}, list(zip(cases(8), gold, strict=True)))
    assert jury.serving == ("perfect", "fair")
    assert jury.weights["perfect"] == 1.0 > jury.weights["fair"] > 0.2
    assert [exam.passed for exam in jury.exams.values()] == [True, True, False, False, False]
    assert await jury.judge(cases(8)) == await every["perfect"].judge(cases(8))


@pytest.mark.anyio
async def test_a_jury_in_which_nobody_passes_does_not_serve() -> None:
    with pytest.raises(BadInput, match=r"no juror passed the exam of 2 known pairs \(a 0\.00\)"):
        await qualified(members(a=[1, 1]), {}, list(zip(cases(2), [0, 3], strict=True)))


def test_pairs_left_out_in_the_exam_lower_its_score() -> None:
    grades: list[int | None] = [0, 3, 0, 3]
    whole = [Judgment("q", str(i), grade) for i, grade in enumerate(grades)]
    half = [*whole[:2], Judgment("q", "2", None), Judgment("q", "3", None)]
    assert examine(whole, [0, 3, 0, 3]).score == 1.0
    assert examine(half, [0, 3, 0, 3]).score == 0.5


@given(st.lists(st.tuples(GRADES, GRADES), min_size=2, max_size=30))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    if len(set(a)) > 1 and len(set(b)) > 1:
        wanted = cohen_kappa_score(a, b, labels=range(4), weights="quadratic")
        assert kappa(a, b) == pytest.approx(wanted)
    else:
        assert kappa(a, b) == 0.0


@pytest.mark.anyio
async def test_without_known_items_members_weigh_each_other() -> None:
    jury = await weighed(
        members(a=[0, 1, 2, 3], b=[0, 1, 3, 3], odd=[3, 1, 2, 0], constant=[1] * 4), {}, cases(4)
    )
    assert jury.weights["odd"] == jury.weights["constant"] == 0.0
    assert jury.weights["a"] == jury.weights["b"] == 0.5


@given(st.lists(st.lists(GRADES | st.none(), min_size=6, max_size=6), min_size=1, max_size=4))
def test_mutual_weights_sum_to_1_and_do_not_depend_on_names(
    votes: list[list[int | None]],
) -> None:
    def weights(order: Sequence[int]) -> Mapping[str, float]:
        said = {str(i): [Judgment("q", "d", grade) for grade in votes[i]] for i in order}
        return mutual(said)

    usual = weights(range(len(votes)))
    assert sum(usual.values()) == pytest.approx(1.0, abs=1e-4)
    assert all(weight >= 0 for weight in usual.values())
    for order in itertools.islice(itertools.permutations(range(len(votes))), 3):
        assert weights(order) == pytest.approx(usual, abs=1e-3)
