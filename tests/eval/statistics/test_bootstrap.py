"""BCa intervals: scipy's for the same resamples, and what holds for all."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from eval.statistics import intervals
from eval.statistics.arrays import Floats
from eval.statistics.bootstrap import resampled

TABLES = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 30), st.integers(1, 3)),
    elements=st.integers(0, 20).map(lambda i: i / 20),
)


@pytest.mark.parametrize("n", [5, 12, 60, 300])
def test_the_interval_of_the_same_resamples_is_scipys(n: int) -> None:
    values = np.random.default_rng(n).gamma(0.5, 1.0, (n, 3))  # skewed: acceleration counts
    low, high = intervals(values, draws=2_000, seed=1)
    drawn = resampled(values, 2_000, 1)
    for i in range(3):
        theirs = stats.bootstrap(
            (values[:, i],),
            np.mean,
            n_resamples=0,
            method="BCa",
            bootstrap_result=SimpleNamespace(bootstrap_distribution=drawn[:, i]),
        ).confidence_interval
        assert (low[i], high[i]) == pytest.approx((theirs.low, theirs.high))


@settings(max_examples=100, deadline=None)
@given(TABLES)
def test_an_interval_holds_its_mean_and_lies_within_the_values(values: Floats) -> None:
    low, high = intervals(values, draws=100)
    mean = values.mean(axis=0)
    assert (low <= mean + 1e-12).all()
    assert (high >= mean - 1e-12).all()
    assert (low >= values.min(axis=0) - 1e-12).all()
    assert (high <= values.max(axis=0) + 1e-12).all()


def test_equal_values_have_an_interval_without_width() -> None:
    low, high = intervals(np.array([[0.1, 0.3], [0.1, 0.4], [0.1, 0.2]]), draws=200)
    assert (low[0], high[0]) == (0.1, 0.1)
    assert low[1] < high[1]


def test_an_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(8)
    tables = random.beta(2, 5, (50, 400))  # 400 experiments of 50 queries, side by side
    low, high = intervals(tables, draws=1_000)
    covered = ((low <= 2 / 7) & (high >= 2 / 7)).mean()
    assert 0.91 <= covered <= 0.98  # 95 % ± 3 standard errors, and what BCa lacks at 50


def test_a_difference_has_the_interval_of_differences_of_resampled_means() -> None:
    values = np.random.default_rng(9).random((80, 2))
    drawn = resampled(values, 500, 3)
    differences = resampled((values[:, 1] - values[:, 0])[:, None], 500, 3)
    assert drawn[:, 1] - drawn[:, 0] == pytest.approx(differences[:, 0])


def test_more_certainty_is_a_wider_interval() -> None:
    values = np.random.default_rng(10).random((60, 1))
    (l90, h90), (l99, h99) = (intervals(values, 2_000, alpha=a) for a in (0.1, 0.01))
    assert l99[0] < l90[0] < h90[0] < h99[0]
