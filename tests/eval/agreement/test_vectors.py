"""The exact figures of the fact sheet: computed elsewhere, by other programs."""

from itertools import pairwise

import numpy as np
import pytest

from eval.agreement.alternative import accuracy, alt_test, negative_rmse
from eval.agreement.coincidence import alpha, coincidences, of_two
from eval.agreement.contingency import binary, kappa, tables
from eval.agreement.prediction import estimate

X = np.array([0, 0, 1, 2, 3, 3, 2, 1, 0, 2])
Y = np.array([0, 1, 1, 3, 3, 2, 2, 0, 0, 1])
TABLE = tables(X, Y, 4).sum(0)


def test_kappas_are_those_of_the_sheet() -> None:
    assert kappa(TABLE).item() == pytest.approx(0.333333, abs=1e-6)
    assert kappa(TABLE, "linear").item() == pytest.approx(0.596774, abs=1e-6)
    assert kappa(TABLE, "quadratic").item() == pytest.approx(0.796748, abs=1e-6)
    assert kappa(binary(TABLE, 2)).item() == pytest.approx(0.8, abs=1e-12)


def test_alphas_are_those_of_krippendorffs_package() -> None:
    expected = {"nominal": 0.362416, "ordinal": 0.807711, "interval": 0.806517}
    for met in (of_two(TABLE), coincidences(np.stack([X, Y]), 4).sum(0)):
        found = {
            "nominal": alpha(met, "nominal"),
            "ordinal": alpha(met, "ordinal"),
            "interval": alpha(met, "interval"),
        }
        for level, value in expected.items():
            assert found[level].item() == pytest.approx(value, abs=1e-6), level


def test_alpha_of_three_raters_with_gaps_is_krippendorffs_own() -> None:
    """His worked example of 2011: four observers, twelve units, five values, nine gaps."""
    gap = -1
    ratings = np.array(
        [
            [0, 1, 2, 2, 1, 0, 3, 0, 1, gap, gap, gap],
            [0, 1, 2, 2, 1, 1, 3, 0, 1, 4, gap, 2],
            [gap, 2, 2, 2, 1, 2, 3, 1, 1, 4, 0, gap],
            [0, 1, 2, 2, 1, 3, 3, 0, 1, 4, 0, gap],
        ]
    )
    met = coincidences(ratings, 5).sum(0)
    assert alpha(met, "nominal").item() == pytest.approx(0.743, abs=5e-4)
    assert alpha(met, "ordinal").item() == pytest.approx(0.815, abs=5e-4)
    assert alpha(met, "interval").item() == pytest.approx(0.849, abs=5e-4)


N = 40
JUDGE = {f"{i:02}": (i + 2) % 4 if i % 8 == 0 else i % 4 for i in range(N)}
PEOPLE = {
    "a": {f"{i:02}": i % 4 for i in range(N)},
    "b": {f"{i:02}": (i + 1) % 4 if i % 5 == 0 else i % 4 for i in range(N)},
    "c": {f"{i:02}": (i + 1) % 4 if i % 3 == 0 else i % 4 for i in range(N)},
}
P = {
    0.0: (0.978008, 0.5, 0.05485),
    0.05: (0.847819, 0.267968, 0.017579),
    0.10: (0.5, 0.109555, 0.00475),
    0.15: (0.152181, 0.034254, 0.001114),
    0.20: (0.021992, 0.008408, 0.000234),
}
RATES = {0.0: 0, 0.05: 0, 0.10: 1 / 3, 0.15: 1 / 3, 0.20: 1}
RATES_BY_DISTANCE = {0.0: 0, 0.05: 0, 0.10: 0, 0.15: 1 / 3, 0.20: 1}


@pytest.mark.parametrize("epsilon", sorted(P))
def test_the_alternative_annotator_test_is_that_of_the_sheet(epsilon: float) -> None:
    found = alt_test(JUDGE, PEOPLE, accuracy, epsilon=epsilon)
    assert [person.p for person in found.people] == pytest.approx(P[epsilon], abs=1e-6)
    assert [person.difference for person in found.people] == pytest.approx([0.1, 0, -0.15])
    assert [person.advantage for person in found.people] == pytest.approx([0.9, 0.875, 0.9])
    assert found.advantage == pytest.approx(0.891667, abs=1e-6)
    assert found.winning_rate == pytest.approx(RATES[epsilon])
    assert found.passed == (epsilon == 0.2)
    by_distance = alt_test(JUDGE, PEOPLE, negative_rmse, epsilon=epsilon)
    assert by_distance.advantage == pytest.approx(0.883333, abs=1e-6)
    assert by_distance.winning_rate == pytest.approx(RATES_BY_DISTANCE[epsilon])


def test_the_winning_rate_never_falls_with_epsilon() -> None:
    rates = [alt_test(JUDGE, PEOPLE, accuracy, epsilon=e / 50).winning_rate for e in range(20)]
    assert all(a <= b for a, b in pairwise(rates))


HUMAN = np.array([1, 0, 1, 1, 0, 1, 0, 0.0])
JUDGED = np.array([1, 0, 1, 1, 1, 1, 0, 1.0])
ALONE = np.array([1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 1.0])


def test_prediction_powered_estimates_are_those_of_the_sheet() -> None:
    plain = estimate(HUMAN, JUDGED, ALONE, power=1.0)
    assert (plain.value, plain.error) == pytest.approx((0.375, 0.205939), abs=1e-6)
    best = estimate(HUMAN, JUDGED, ALONE)
    found = (best.power, best.value, best.error)
    assert found == pytest.approx((0.410714, 0.448661, 0.167929), abs=1e-6)
