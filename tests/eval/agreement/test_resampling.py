"""Intervals over queries: as scipy's where it has them, and with the coverage that they state."""

import numpy as np
import pytest
from scipy import stats

from eval.agreement.contingency import Array, kappa, tables
from eval.agreement.resampling import FEW, Interval, interval, resample


def bounds(found: Interval) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def mean(sums: Array) -> Array:
    found: Array = sums[..., 0] / sums[..., 1]
    return found


def of(values: Array) -> Array:
    return np.stack([values, np.ones_like(values)], axis=1)


SKEWED = np.random.default_rng(3).exponential(size=60)


def test_an_interval_of_a_mean_is_scipys_bca() -> None:
    ours = interval(mean, resample(of(SKEWED), draws=20_000))
    theirs = stats.bootstrap(
        (SKEWED,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.method == "BCa"
    assert ours.value == pytest.approx(SKEWED.mean())
    assert bounds(ours) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_an_interval_of_what_is_biased_is_scipys_bca_too() -> None:
    """The variance of a sample, not made up for its size, is too small."""

    def variance(sums: Array) -> Array:
        found: Array = sums[..., 1] / sums[..., 2] - (sums[..., 0] / sums[..., 2]) ** 2
        return found

    few = SKEWED[:FEW]
    sums = np.stack([few, few**2, np.ones_like(few)], axis=1)
    ours = interval(variance, resample(sums, draws=20_000))
    theirs = stats.bootstrap(
        (few,), np.var, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert bounds(ours) == pytest.approx((theirs.low, theirs.high), rel=0.03)


def test_few_queries_get_percentiles_and_it_is_said() -> None:
    few = SKEWED[: FEW - 1]
    ours = interval(mean, resample(of(few), draws=20_000))
    theirs = stats.bootstrap(
        (few,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.method == "percentile"
    assert bounds(ours) == pytest.approx((theirs.low, theirs.high), abs=0.015)


def test_equal_queries_leave_no_doubt() -> None:
    found = interval(mean, resample(of(np.full(40, 0.3))))
    assert bounds(found) == pytest.approx((0.3, 0.3))


def test_the_same_seed_gives_the_same_interval_and_another_another() -> None:
    first, again = (interval(mean, resample(of(SKEWED), seed=1)) for _ in range(2))
    assert first == again
    assert first != interval(mean, resample(of(SKEWED), seed=2))


def test_one_query_has_a_value_and_no_interval() -> None:
    found = interval(mean, resample(of(np.array([0.5]))))
    assert found.value == 0.5
    assert found.low is None
    assert found.method == "one query has no interval"


def test_resamples_without_a_figure_are_counted_and_left_out() -> None:
    """Of three queries two are all of grade 0: without the third κ is not defined."""
    human, judge, queries = np.array([0, 0, 0, 1]), np.array([0, 0, 0, 1]), np.array([0, 1, 2, 2])
    found = interval(kappa, resample(tables(human, judge, 2, queries), draws=3_000))
    assert found.value == 1
    assert found.undefined == pytest.approx(3_000 * (2 / 3) ** 3, rel=0.1)
    never = interval(kappa, resample(tables(human[:3], judge[:3], 2, queries[:3])))
    assert never.value is None
    assert never.method == "not defined"


def test_a_figure_that_most_resamples_lack_has_no_interval() -> None:
    """Of twelve queries two must be drawn, which happens in two of five draws."""

    def both(sums: Array) -> Array:
        return np.where((sums > 0).all(-1), 1.0, np.nan)

    by_query = np.zeros((12, 2))
    by_query[0, 0] = by_query[1, 1] = 1
    found = interval(both, resample(by_query))
    assert (found.value, found.low, found.method) == (1, None, "mostly not defined")
    assert found.undefined > 1_000


def test_queries_that_go_together_make_the_interval_wider_than_pairs_would() -> None:
    """Forty queries whose ten pairs all agree or all do not."""
    chance = np.random.default_rng(5)
    queries = np.arange(400) // 10
    human = chance.integers(0, 4, 400)
    judge = np.where((chance.random(40) < 0.5)[queries], human, (human + 1) % 4)
    by_query = interval(kappa, resample(tables(human, judge, 4, queries)))
    by_pair = interval(kappa, resample(tables(human, judge, 4, np.arange(400))))
    assert by_query.value == by_pair.value
    assert np.ptp(bounds(by_query)) > 2 * np.ptp(bounds(by_pair))


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Queries of other leniency, 300 studies of 50 queries: 95 % ± 4 standard errors."""
    chance = np.random.default_rng(11)
    held = 0
    for study in range(300):
        values = chance.normal(0.2, 0.1, 50) + chance.exponential(0.1, 50)  # mean .3
        found = interval(mean, resample(of(values), draws=500, seed=study))
        low, high = bounds(found)
        held += low <= 0.3 <= high
    assert 0.90 <= held / 300 <= 0.99
