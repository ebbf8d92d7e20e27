"""Nuggets are scored as the fact sheet's example says; what failed or is not there is no 0."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from eval.answers.nuggets import Assigned, Importance, NuggetScores, scored

VITAL: list[tuple[Importance, Assigned]] = [
    ("vital", "support"),
    ("vital", "partial_support"),
    ("vital", "not_support"),
]
OKAY: list[tuple[Importance, Assigned]] = [("okay", "support"), ("okay", "not_support")]
FAILED: tuple[Importance, Assigned] = ("vital", "failed")


def scores_of(pairs: list[tuple[Importance, Assigned]]) -> NuggetScores:
    return scored([weight for weight, _ in pairs], [held for _, held in pairs])


def test_the_scores_are_those_of_the_fact_sheet() -> None:
    assert scores_of([*VITAL, *OKAY]) == NuggetScores(0.5, 0.4, 0.5, 1 / 3, 0.5, 0.375)


def test_without_nuggets_there_is_no_score() -> None:
    assert scored([], []) == NuggetScores(None, None, None, None, None, None)


def test_without_a_vital_nugget_the_vital_scores_alone_are_missing() -> None:
    scores = scores_of(OKAY)
    assert (scores.v, scores.v_strict) == (None, None)
    assert (scores.a, scores.w) == (0.5, 0.5)


def test_a_failed_assignment_is_counted_and_leaves_numerator_and_denominator() -> None:
    scores = scores_of([FAILED, FAILED, *VITAL, *OKAY])
    assert scores == NuggetScores(0.5, 0.4, 0.5, 1 / 3, 0.5, 0.375, failed=2)
    assert scores_of([FAILED]).v is None


NUGGETS = st.lists(
    st.tuples(
        st.sampled_from(["vital", "okay"]),
        st.sampled_from(["support", "partial_support", "not_support", "failed"]),
    )
)


@given(NUGGETS)
def test_a_strict_score_is_never_above_the_plain_one(
    found: list[tuple[Importance, Assigned]],
) -> None:
    scores = scores_of(found)
    pairs = [(scores.a_strict, scores.a), (scores.v_strict, scores.v), (scores.w_strict, scores.w)]
    for strict, plain in pairs:
        assert (strict is None) == (plain is None)
        assert strict is None or plain is None or 0 <= strict <= plain <= 1


@given(NUGGETS, st.randoms())
def test_the_order_of_nuggets_does_not_matter(
    found: list[tuple[Importance, Assigned]], random: Random
) -> None:
    mixed = list(found)
    random.shuffle(mixed)
    assert scores_of(mixed) == scores_of(found)
