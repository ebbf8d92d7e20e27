"""Corrections, Tukey's tests and letters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.statistics import adjusted, compare, letters, mde, needed, power, randomised_tukey, tukey
from eval.statistics.arrays import Floats
from eval.statistics.correcting import Correction

PS = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@pytest.mark.parametrize("how", ["bh", "by"])
@settings(max_examples=100, deadline=None)
@given(PS)
def test_shares_of_false_positives_are_scipys(how: Correction, ps: list[float]) -> None:
    assert adjusted(ps, how) == pytest.approx(stats.false_discovery_control(ps, method=how))


@pytest.mark.parametrize("how", ["holm", "bh", "by", "none"])
@settings(max_examples=100, deadline=None)
@given(PS)
def test_corrected_values_keep_the_order_and_are_never_smaller(
    how: Correction, ps: list[float]
) -> None:
    found = adjusted(ps, how)
    assert (found >= np.array(ps) - 1e-15).all()
    assert (found <= 1).all()
    assert (np.diff(found[np.argsort(ps, kind="stable")]) >= -1e-15).all()
    assert adjusted(ps[::-1], how)[::-1] == pytest.approx(found)


def test_holm_is_the_largest_of_bonferronis_steps() -> None:
    assert adjusted([0.01, 0.02, 0.9], "holm") == pytest.approx([0.03, 0.04, 0.9])
    assert len(adjusted([], "holm")) == 0


def systems(n: int, s: int, seed: int, lead: float = 0.0) -> Floats:
    """Return values in which queries differ far more than systems; the last one leads."""
    random = np.random.default_rng(seed)
    values = random.random((n, 1)) + random.normal(0, 0.05, (n, s))
    values[:, -1] += lead
    return np.asarray(values)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 60), st.integers(0, 1000))
def test_two_systems_are_compared_as_by_the_paired_t_test(n: int, seed: int) -> None:
    values = systems(n, 2, seed, 0.02)
    expected = compare(values[:, 0], values[:, 1], "t", draws=1).p
    assert tukey(values)[0, 1] == pytest.approx(expected, abs=1e-6)


def test_queries_are_blocks() -> None:
    values = systems(50, 4, 1, 0.05)
    blocked, unblocked = tukey(values), stats.tukey_hsd(*values.T).pvalue
    assert blocked[0, 3] < 0.001
    assert unblocked[0, 3] > 0.5


def test_blocked_tukey_is_what_its_formula_says() -> None:
    values = systems(20, 3, 2)
    n, s = values.shape
    grand = values.mean()
    error = sum(
        (values[i, j] - values[i].mean() - values[:, j].mean() + grand) ** 2
        for i in range(n)
        for j in range(s)
    ) / ((n - 1) * (s - 1))
    q = abs(values[:, 0].mean() - values[:, 2].mean()) / np.sqrt(error / n)
    assert tukey(values)[0, 2] == pytest.approx(stats.studentized_range.sf(q, s, (n - 1) * (s - 1)))


@pytest.mark.parametrize("lead", [0.0, 0.01, 0.02])
def test_the_randomised_test_is_near_the_blocked_one(lead: float) -> None:
    values = systems(60, 5, 3, lead)
    found = randomised_tukey(values, draws=2_000, seed=1)
    assert found.draws == 2_000
    assert found.p == pytest.approx(tukey(values), abs=0.04)


def test_work_on_many_queries_is_bounded_and_said() -> None:
    values = systems(100, 4, 4, 0.01)
    assert randomised_tukey(values, draws=10_000, work=2_000 * values.size).draws == 2_000
    assert randomised_tukey(values, draws=10_000, work=1).draws == 1_000
    assert randomised_tukey(values, draws=50, work=1).draws == 50


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 99))
def test_pairs_are_symmetric_shares(n: int, s: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 3, (n, s)) / 2
    for p in (tukey(values), randomised_tukey(values, draws=50).p):
        assert p.shape == (s, s)
        assert (p == p.T).all()
        assert ((p > 0) & (p <= 1)).all()
        assert (np.diag(p) == 1).all()


def test_systems_that_differ_by_the_same_everywhere_are_told_apart() -> None:
    base = np.random.default_rng(0).random((40, 1))
    p = tukey(np.hstack([base, base, base + 0.1]))
    assert p[0, 1] == 1
    assert p[0, 2] < 1e-9


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 9), st.data())
def test_systems_share_a_letter_unless_they_differ(s: int, data: st.DataObject) -> None:
    upper = data.draw(st.lists(st.sampled_from([0.01, 0.5]), min_size=s * s, max_size=s * s))
    p = np.triu(np.array(upper).reshape(s, s), 1)
    p = p + p.T + np.eye(s)
    means = np.array(data.draw(st.lists(st.floats(0, 1), min_size=s, max_size=s)))
    found = letters(means, p, 0.05, 100)
    assert all(found)
    assert "a" in found[int(np.argmax(means))]
    for i in range(s):
        for j in range(i):
            assert bool(set(found[i]) & set(found[j])) == (p[i, j] > 0.05)


def test_letters_are_those_of_the_textbook() -> None:
    # A chain: neighbours do not differ, all others do.
    s = 4
    p = np.where(np.abs(np.subtract.outer(range(s), range(s))) <= 1, 0.9, 0.001)
    means = np.array([0.4, 0.3, 0.2, 0.1])
    assert letters(means, p, 0.05, 30) == ("a", "ab", "bc", "c")
    assert letters(means, np.ones((s, s)), 0.05, 30) == ("a",) * s


def test_there_are_no_letters_under_thirty_queries() -> None:
    assert letters(np.array([0.9, 0.1]), np.array([[1, 0.001], [0.001, 1]]), 0.05, 29) == ("", "")


def test_power_grows_with_queries_and_the_least_difference_falls() -> None:
    grown = [power(0.02, 0.1, n) for n in (10, 50, 200, 1_000)]
    assert grown == sorted(grown)
    assert power(0, 0.1, 50) == pytest.approx(0.05)
    for n in (3, 30, 3_000, 300_000):
        assert power(mde(0.2, n), 0.2, n) == pytest.approx(0.8, abs=1e-6)
    assert needed(0.2, mde(0.2, 77) * (1 + 1e-9)) == 77
    assert (mde(0.1, 1), mde(0.1, 2), mde(0.0, 10)) == (float("inf"), float("inf"), 0.0)
