"""Win rates with length taken out: what must hold for any preferences, and a planted truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from eval.answers.length import RIDGE, controlled, scaled

PAIRS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.integers(-400, 400)), min_size=1, max_size=60
)


def arrays(pairs: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([win for win, _ in pairs]), np.array([float(apart) for _, apart in pairs])


@given(PAIRS)
def test_swapping_the_systems_gives_one_minus_the_rate(pairs: list[tuple[float, int]]) -> None:
    wins, apart = arrays(pairs)
    ours, theirs = controlled(wins, apart), controlled(1 - wins, -apart)
    assert ours.raw + theirs.raw == pytest.approx(1)
    assert ours.controlled + theirs.controlled == pytest.approx(1, abs=1e-6)
    assert ours.length == pytest.approx(theirs.length, abs=1e-6)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=60), st.integers(-90, 90))
def test_where_lengths_are_alike_the_rate_is_the_raw_one(wins: list[float], apart: int) -> None:
    found = controlled(np.array(wins), np.full(len(wins), float(apart)))
    assert found.controlled == pytest.approx(found.raw, abs=0.01)
    assert found.length == 0


@given(PAIRS)
def test_the_weights_are_those_that_scipy_finds(pairs: list[tuple[float, int]]) -> None:
    wins, apart = arrays(pairs)
    lengths = scaled(apart)

    def loss(weights: np.ndarray) -> float:
        logits = weights[0] + weights[1] * lengths
        fit = (np.logaddexp(0, logits) - wins * logits).sum()
        return float(fit + (RIDGE * weights**2).sum() / 2)

    best = minimize(
        loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-6, "maxiter": 2_000}
    )
    found = controlled(wins, apart)
    ours = np.array([np.log(found.controlled / (1 - found.controlled)), found.length])
    assert loss(ours) <= float(best.fun) + 1e-4


def test_a_preference_for_length_alone_is_taken_out() -> None:
    random = np.random.default_rng(9)
    apart = random.normal(60, 50, 2_000)  # the first system is longer, and the judge likes that
    likes = 1 / (1 + np.exp(-2 * np.tanh(apart / apart.std())))
    found = controlled((random.random(2_000) < likes).astype(float), apart)
    assert found.raw > 0.7
    assert found.controlled == pytest.approx(0.5, abs=0.05)
    assert found.length == pytest.approx(2, abs=0.4)


def test_a_preference_without_regard_to_length_stays() -> None:
    random = np.random.default_rng(9)
    wins = (random.random(2_000) < 0.7).astype(float)
    found = controlled(wins, random.normal(60, 50, 2_000))
    assert found.controlled == pytest.approx(found.raw, abs=0.05)
    assert found.length == pytest.approx(0, abs=0.25)
