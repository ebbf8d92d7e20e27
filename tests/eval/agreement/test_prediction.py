"""Estimates from few labels of people and many of a judge."""

import numpy as np
import pytest

from eval.agreement.contingency import Array
from eval.agreement.prediction import estimate, estimate_by_query, tuned
from rag.errors import BadInput


def study(seed: int, n: int = 60, m: int = 600) -> tuple[Array, Array, Array]:
    """Truth .5; the judge is right in 8 of 10 and lenient in the others."""
    chance = np.random.default_rng(seed)
    truth = (chance.random(n + m) < 0.5).astype(np.float64)
    judge = np.where(chance.random(n + m) < 0.8, truth, 1.0)
    return truth[:n], judge[:n], judge[n:]


def test_a_lenient_judge_is_corrected_and_the_interval_holds_the_truth() -> None:
    held, widths, alone = 0, [], []
    for seed in range(300):
        human, judge, rest = study(seed)
        found = estimate(human, judge, rest)
        held += found.low <= 0.5 <= found.high
        widths.append(found.high - found.low)
        people = estimate(human, judge, rest, power=0.0)
        alone.append(people.high - people.low)
        assert rest.mean() > 0.52
    assert 0.90 <= held / 300 <= 0.99
    assert np.mean(widths) < np.mean(alone)


def test_no_power_is_people_alone() -> None:
    human, judge, rest = study(1)
    found = estimate(human, judge, rest, power=0.0)
    assert found.value == pytest.approx(human.mean())
    assert found.error == pytest.approx(human.std(ddof=1) / np.sqrt(len(human)))


def test_a_judge_that_knows_nothing_or_says_one_thing_is_not_heard() -> None:
    human, _, rest = study(2)
    assert tuned(human, 1 - human, 1 - rest) == 0  # against people: below 0, clipped
    assert tuned(human, np.ones_like(human), np.ones_like(rest)) == 0
    assert tuned(human, human, np.tile(human, 1000)) == pytest.approx(1, abs=0.01)


def test_pairs_that_are_queries_of_their_own_give_the_plain_error() -> None:
    human, judge, rest = study(3)
    n, m = len(human), len(rest)
    plain = estimate(human, judge, rest)
    queries, others = np.arange(n), n + np.arange(m)
    found = estimate_by_query(human, judge, queries, rest, others)
    assert found.value == pytest.approx(plain.value)
    assert found.error == pytest.approx(plain.error, rel=0.02)


def test_the_error_of_few_queries_is_that_of_a_sample() -> None:
    human, judge = np.array([1.0, 0, 1]), np.zeros(3)
    found = estimate_by_query(human, judge, np.arange(3), np.zeros(2), np.array([0, 1]), power=0.0)
    assert found.error == pytest.approx(human.std(ddof=1) / np.sqrt(3))


def test_pairs_of_one_query_that_say_the_same_count_once() -> None:
    human, judge, rest = study(4)
    n, m = len(human), len(rest)
    plain = estimate_by_query(human, judge, np.arange(n), rest, n + np.arange(m))
    fivefold = estimate_by_query(
        np.repeat(human, 5),
        np.repeat(judge, 5),
        np.repeat(np.arange(n), 5),
        np.repeat(rest, 5),
        np.repeat(n + np.arange(m), 5),
    )
    assert fivefold.value == pytest.approx(plain.value, abs=1e-3)
    assert fivefold.error == pytest.approx(plain.error, rel=0.02)


def test_weights_of_a_stratified_sample_give_back_the_whole() -> None:
    """Half of the sample is what the judge calls relevant, a tenth of all."""
    human, judge = np.array([1.0, 1, 0, 1, 0, 0, 0, 0]), np.array([1.0, 1, 1, 1, 0, 0, 0, 0])
    every = np.array([1.0] * 10 + [0.0] * 90)
    weights = np.array([10 / 4] * 4 + [90 / 4] * 4)
    found = estimate_by_query(human, judge, np.arange(8), every, np.arange(100), weights, power=1.0)
    assert found.value == pytest.approx(0.1 * 3 / 4)


@pytest.mark.parametrize(("n", "m"), [(1, 5), (5, 1), (0, 0)])
def test_too_few_labels_are_refused_with_their_number(n: int, m: int) -> None:
    with pytest.raises(BadInput, match=f"here are {n} and {m}"):
        estimate(np.ones(n), np.ones(n), np.ones(m))
