"""A smaller `make simulated-study`: the verdicts' error rates, with room for chance."""

import numpy as np
import pytest

from eval.studies.simulated import MEASURE, Setting, error, measured, truth, values

EXPERIMENTS, DRAWS = 120, 400


def test_simulated_values_look_like_ndcg() -> None:
    made = values(Setting("null", 5_000, 1, 0.0), np.random.default_rng(1))
    scores = made["baseline"][MEASURE]
    assert 0 <= scores.min() < scores.max() <= 1
    assert (scores == 0).mean() > 0.02
    assert (scores == 1).mean() > 0.02
    assert np.corrcoef(scores, made["system 1"][MEASURE])[0, 1] > 0.5


@pytest.mark.parametrize(("queries", "systems"), [(20, 1), (50, 4)])
def test_nothing_is_said_to_differ_where_nothing_does(queries: int, systems: int) -> None:
    found = measured(Setting("null", queries, systems, 0.0), EXPERIMENTS, DRAWS, seed=2)
    most = 0.05 + 1.5 * error(0.05, EXPERIMENTS)
    assert found.true == 0
    assert found.better + found.worse <= most
    assert found.letters <= most
    assert found.regression <= most
    assert found.covered >= 0.95 - 1.5 * error(0.05, EXPERIMENTS) - 0.03  # BCa is liberal below 50
    assert found.inconclusive > 0.5  # power is missing


def test_the_smallest_difference_that_can_be_seen_is_seen_as_often_as_promised() -> None:
    setting = Setting("planted", 50, 1, 0.6)
    found = measured(setting, EXPERIMENTS, DRAWS, seed=3)
    assert found.better == pytest.approx(found.expected, abs=2 * error(found.expected, EXPERIMENTS))
    assert found.worse == 0
    assert truth(setting, 3) == pytest.approx(0.107, abs=0.005)


def test_a_loss_that_power_shows_is_a_regression_and_one_of_the_margin_hardly_ever_passes() -> None:
    lost = measured(Setting("planted", 200, 1, -0.6), 40, DRAWS, seed=4)
    assert lost.regression > 0.9
    assert lost.passed == 0
    edge = measured(Setting("margin", 50, 1, -0.17, at_margin=True), EXPERIMENTS, DRAWS, seed=5)
    assert edge.passed <= 0.05 + 1.5 * error(0.05, EXPERIMENTS)
