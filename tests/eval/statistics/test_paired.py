"""Paired tests and comparisons: agreement with scipy, and what holds for all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eval.statistics import TESTS, Test, compare, compare_all
from eval.statistics.arrays import Floats
from eval.statistics.paired import randomisation
from rag.errors import BadInput

VALUES = st.integers(0, 1000).map(lambda i: i / 1000)


@st.composite
def pairs(draw: st.DrawFn, least: int = 1, most: int = 40) -> tuple[list[float], list[float]]:
    n = draw(st.integers(least, most))
    lists = st.lists(VALUES, min_size=n, max_size=n)
    return draw(lists), draw(lists)


@settings(max_examples=60, deadline=None)
@given(pairs(2))
def test_t_is_scipys(ab: tuple[list[float], list[float]]) -> None:
    a, b = map(np.array, ab)
    if np.ptp(b - a) > 1e-9:  # scipy divides by zero where all differences are equal
        assert compare(a, b, "t", draws=1).p == pytest.approx(stats.ttest_rel(b, a).pvalue)


@settings(max_examples=60, deadline=None)
@given(pairs(2))
def test_wilcoxon_is_scipys(ab: tuple[list[float], list[float]]) -> None:
    a, b = map(np.array, ab)
    if (a != b).any():
        assert compare(a, b, "wilcoxon", draws=1).p == stats.wilcoxon(b - a).pvalue


@settings(max_examples=30, deadline=None)
@given(pairs(2, 9))
def test_few_queries_are_scipys_exact_permutation_test(
    ab: tuple[list[float], list[float]],
) -> None:
    a, b = map(np.array, ab)
    exact = stats.permutation_test(
        (b - a,),
        lambda d, axis: np.abs(d.mean(axis=axis)).round(12),
        permutation_type="samples",
        alternative="greater",
        n_resamples=np.inf,
        vectorized=True,
    )
    assert compare(a, b, draws=1).p == pytest.approx(exact.pvalue)


def test_many_queries_are_near_the_t_test_and_never_0() -> None:
    random = np.random.default_rng(5)
    a = random.random(200)
    for shift in (0.0, 0.01, 0.02, 0.03):
        b = a + random.normal(shift, 0.1, 200)
        drawn = compare(a, b, draws=20_000).p
        assert drawn == pytest.approx(compare(a, b, "t").p, abs=0.015)
    assert compare(a, a + 0.5, draws=999).p == 1 / 1000


def test_draws_approach_what_all_ways_give() -> None:
    differences = np.random.default_rng(1).normal(0.03, 0.1, (15, 4))
    exact = randomisation(differences, 0, 0)
    # A 16th query that is 0 has no say, and makes the test draw.
    drawn = randomisation(np.vstack([differences, np.zeros(4)]), 50_000, 0)
    assert drawn == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize("test", list(TESTS))
@settings(max_examples=40, deadline=None)
@given(pairs())
def test_the_other_way_round_is_the_same_with_the_sign_turned(
    test: Test, ab: tuple[list[float], list[float]]
) -> None:
    a, b = ab
    there, back = compare(a, b, test, draws=200), compare(b, a, test, draws=200)
    assert 0 < there.p <= 1
    assert there.p == pytest.approx(back.p)
    assert there.difference == pytest.approx(-back.difference)
    assert there.low - 1e-12 <= there.difference <= there.high + 1e-12
    assert (there.wins, there.ties, there.losses) == (back.losses, back.ties, back.wins)
    assert there.wins + there.ties + there.losses == there.n == len(a)
    assert there.d_z == pytest.approx(-back.d_z)


@pytest.mark.parametrize("test", list(TESTS))
@settings(max_examples=25, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=40))
def test_a_system_does_not_differ_from_itself(test: Test, a: list[float]) -> None:
    found = compare(a, a, test, draws=50)
    assert (found.p, found.difference, found.low, found.high, found.d_z) == (1, 0, 0, 0, 0)


def test_a_larger_lead_is_never_less_significant() -> None:
    random = np.random.default_rng(2)
    a, noise = random.random(60), random.normal(0, 0.1, 60)
    noise -= noise.mean()
    for test in TESTS:
        ps = [
            compare(a, a + noise + lead, test, draws=2_000).p for lead in (0.01, 0.02, 0.03, 0.05)
        ]
        assert ps == sorted(ps, reverse=True), test


def test_many_systems_at_once_are_each_compared_as_alone() -> None:
    values: Floats = np.random.default_rng(3).random((40, 4))
    together = compare_all(values[:, 0], values[:, 1:], draws=500, seed=7)
    for i, found in enumerate(together, start=1):
        alone = compare(values[:, 0], values[:, i], draws=500, seed=7)
        for name in ("p", "difference", "low", "high", "d_z", "mde", "wins", "draws"):
            assert getattr(found, name) == pytest.approx(getattr(alone, name))


def test_the_same_seed_gives_the_same() -> None:
    a, b = np.random.default_rng(4).random((2, 50))
    assert compare(a, b, draws=300, seed=1) == compare(a, b, draws=300, seed=1)
    assert compare(a, b, draws=300, seed=1).p != compare(a, b, draws=300, seed=2).p


def test_blocks_of_draws_do_not_change_what_is_counted() -> None:
    # 100,000 queries make blocks of 41 draws.
    random = np.random.default_rng(6)
    differences = random.normal(0.0001, 0.1, (100_000, 1))
    p = randomisation(differences, 200, 0)[0]
    assert p == pytest.approx(stats.ttest_1samp(differences[:, 0], 0).pvalue, abs=0.15)


def test_a_tie_is_a_difference_of_at_most_a_thousandth() -> None:
    found = compare([0.5] * 4, [0.501, 0.499, 0.502, 0.498], "t")
    assert (found.wins, found.ties, found.losses) == (1, 2, 1)


def test_queries_without_a_value_are_left_out() -> None:
    nan = float("nan")
    found = compare([0.1, nan, 0.3], [0.2, nan, 0.5], "t")
    assert found == compare([0.1, 0.3], [0.2, 0.5], "t")


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ([0.1], [0.1, 0.2], "1 values against 2"),
        ([0.1, float("nan")], [0.1, 0.2], "use the same qrels"),
        ([float("nan")], [float("nan")], "there is nothing to compare"),
        ([], [], "there is nothing to compare"),
    ],
)
def test_what_cannot_be_compared_is_refused(a: list[float], b: list[float], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        compare(a, b)


def test_a_single_query_shows_nothing() -> None:
    found = compare([0.2], [0.7])
    assert (found.n, found.p, found.mde) == (1, 1.0, float("inf"))
    assert found.low == found.high == found.difference
