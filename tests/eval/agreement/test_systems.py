"""Orders of systems by two kinds of labels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eval.agreement.systems import compare_systems, spearman, tau_b
from rag.errors import BadInput

ROWS = st.integers(2, 8).flatmap(
    lambda s: st.lists(st.lists(st.integers(0, 5), min_size=s, max_size=s), min_size=2, max_size=2)
)


@given(ROWS)
def test_tau_and_rho_are_scipys(rows: list[list[int]]) -> None:
    values = np.array(rows, np.float64) / 10
    if min(np.ptp(values, axis=1)) == 0:
        assert math.isnan(tau_b(values).item())
        assert math.isnan(spearman(values).item())
        return
    assert tau_b(values).item() == pytest.approx(stats.kendalltau(*values).statistic, abs=1e-9)
    assert spearman(values).item() == pytest.approx(stats.spearmanr(*values).statistic, abs=1e-9)


def planted(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Six systems, a tenth apart, and a judge that swaps the best two."""
    chance = np.random.default_rng(seed)
    human = np.linspace(0.8, 0.3, 6) + chance.normal(0, 0.05, (60, 6))
    judge = human[:, [1, 0, 2, 3, 4, 5]] + chance.normal(0, 0.01, (60, 6))
    return human, judge


def test_a_judge_that_swaps_the_best_two_has_a_high_tau_and_a_low_one_at_the_top() -> None:
    found = compare_systems([f"s{i}" for i in range(6)], *planted())
    assert found.tau.value == pytest.approx(13 / 15)
    assert found.top[3].value == pytest.approx(1 / 3)
    assert set(found.top) == {3, 5}
    assert found.moved == 1
    assert found.rbo < 0.95
    assert found.tau.low is not None
    assert found.tau.low <= 13 / 15
    assert found.pairs.both == 14
    assert found.pairs.opposed == 1
    assert (found.pairs.human, found.pairs.judge, found.pairs.neither) == (0, 0, 0)


def test_pairs_add_up_and_noise_is_not_called_significant() -> None:
    chance = np.random.default_rng(2)
    human, judge = chance.normal(size=(2, 50, 8))
    pairs = compare_systems([str(i) for i in range(8)], human, judge).pairs
    assert pairs.both + pairs.opposed + pairs.human + pairs.judge + pairs.neither == 28
    assert pairs.neither >= 26


def test_equal_systems_have_no_tau() -> None:
    same = np.full((40, 3), 0.5)
    found = compare_systems("abc", same, same)
    assert found.tau.value is None
    assert found.moved == 0
    assert found.pairs.neither == 3


@pytest.mark.parametrize(
    ("human", "message"),
    [
        (np.ones((3, 1)), "here are 1 and 3"),
        (np.ones((0, 2)), "here are 2 and 0"),
        (np.array([[1, np.nan]]), "no number"),
    ],
)
def test_values_that_order_nothing_are_refused(human: np.ndarray, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        compare_systems(["a", "b"][: human.shape[1]], human, human)
