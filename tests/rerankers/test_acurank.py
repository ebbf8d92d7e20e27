"""Windows go to those in doubt; what is known is not asked again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankers.acurank import _uncertain, acurank, prior_beliefs, threshold
from rerankers.skill import Belief
from tests.rerankers.windows import by, played


def truth(n: int) -> list[float]:
    """Qualities that the first stage's order only hints at."""
    return [float(-i + 25 * (i * 37 % 11)) for i in range(n)]


def best(quality: list[float], k: int) -> set[int]:
    return set(sorted(range(len(quality)), key=lambda i: -quality[i])[:k])


def test_a_model_that_knows_finds_nearly_all_of_the_best_ten() -> None:
    order, steps = played(acurank(100), by(truth(100)))
    assert len(best(truth(100), 10) & set(order[:10])) >= 9
    assert sum(map(len, steps)) < 40
    assert len(best(truth(100), 10) & set(range(10))) < 4  # the first stage alone is poor


def test_at_first_only_the_uncertain_are_asked_in_equal_groups() -> None:
    _, steps = played(acurank(100), by(truth(100)))
    first = sorted(i for window in steps[0] for i in window)
    assert first == list(range(len(first)))  # the tail of the first stage is certain
    assert 60 <= len(first) <= 90
    sizes = {len(window) for window in steps[0]}
    assert max(sizes) <= 20
    assert max(sizes) - min(sizes) <= 1


def test_no_window_is_asked_twice_and_never_more_than_allowed() -> None:
    for most in (1, 9, 40):
        _, steps = played(acurank(100, max_windows=most), by(truth(100)))
        windows = [window for step in steps for window in step]
        assert len(windows) <= most
        assert len(set(windows)) == len(windows)


def test_a_round_that_teaches_nothing_is_the_last() -> None:
    order, steps = played(acurank(100), by([0.0] * 100))
    assert (order, len(steps)) == (tuple(range(100)), 1)


def test_those_certain_to_belong_are_not_asked() -> None:
    beliefs = [Belief(60.0, 8.0), *[Belief(25.0, 8.0)] * 29]
    assert 0.99 < beliefs[0].above(threshold(beliefs, 5)) < 1
    groups = _uncertain(beliefs, 20, 5, set())
    assert [list(group) for group in groups] == [[*range(1, 15)], [*range(15, 30)]]


def test_one_window_is_believed_as_it_is() -> None:
    quality = [float(i) for i in range(20)]
    assert played(acurank(20), by(quality)) == (tuple(range(19, -1, -1)), [[tuple(range(20))]])


def test_those_far_behind_in_the_first_stage_are_not_asked() -> None:
    _, steps = played(acurank(100, [10.0] * 50 + [0.0] * 50), by(truth(100)))
    assert {i for step in steps for window in step for i in window} == set(range(50))


def test_means_fall_with_the_scores_and_deviations_with_the_means() -> None:
    beliefs = prior_beliefs([3.0, 2.0, 2.5, 1.0])
    assert [b.mean for b in beliefs] == [25.0, 18.75, 18.75, 12.5]
    assert all(b.deviation == b.mean / 3 for b in beliefs)
    assert prior_beliefs([0.5, 0.5]) == [Belief(25.0, 25 / 3)] * 2


def test_scores_that_are_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="2 scores for 30"):
        played(acurank(30, [1.0, 0.5]), by([0.0] * 30))


@given(
    st.lists(st.builds(Belief, st.floats(0, 50), st.floats(0.5, 20)), min_size=2, max_size=30),
    st.data(),
)
@settings(deadline=None, max_examples=50)
def test_as_many_as_wanted_are_expected_above_the_threshold(
    beliefs: list[Belief], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(beliefs) - 1))
    limit = threshold(beliefs, k)
    assert sum(b.above(limit) for b in beliefs) == pytest.approx(k, abs=1e-6)


@given(st.integers(21, 60), st.integers(1, 60), st.integers(2, 20))
@settings(deadline=None, max_examples=20)
def test_any_depth_and_size_end_in_a_permutation(n: int, k: int, size: int) -> None:
    order, steps = played(acurank(n, size=size, k=k, max_windows=12), by(truth(n)))
    assert sorted(order) == list(range(n))
    assert all(2 <= len(window) <= size for step in steps for window in step)
