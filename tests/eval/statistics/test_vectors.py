"""Values computed elsewhere, with scipy and by hand."""

import math

import numpy as np
import pytest

from eval.statistics import adjusted, compare, mde, needed

A = np.array([0.31, 0.52, 0.44, 0.70, 0.12, 0.66, 0.58, 0.39, 0.81, 0.27, 0.49, 0.73])
D = np.array([0.05, -0.02, 0.08, 0.01, 0.10, 0.03, -0.04, 0.07, 0.02, 0.06, -0.01, 0.04])


def test_twelve_queries_are_compared_as_by_hand() -> None:
    found = compare(A, A + D)
    assert found.n == 12
    assert found.difference == pytest.approx(0.0325)
    assert found.p == pytest.approx(122 / 4096)
    assert found.draws == 4096
    assert found.d_z == pytest.approx(0.765549, abs=5e-7)
    assert (found.wins, found.ties, found.losses) == (9, 0, 3)
    assert D.std(ddof=1) == pytest.approx(0.042453, abs=5e-7)


def test_the_other_tests_of_twelve_queries_are_scipys() -> None:
    assert compare(A, A + D, "t").p == pytest.approx(0.022508, abs=5e-7)
    assert compare(A, A + D, "wilcoxon").p == pytest.approx(126 / 4096)


PS = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("none", PS),
        ("holm", [0.008, 0.056, 0.234, 0.234, 0.234, 0.234, 0.234, 0.234]),
        ("bh", [0.008, 0.032, 0.0672, 0.0672, 0.0672, 0.08, 0.084571, 0.205]),
        ("by", [0.021743, 0.086971, 0.18264, 0.18264, 0.18264, 0.217429, 0.229853, 0.557161]),
    ],
)
def test_eight_p_values_are_corrected_as_by_hand(how: str, expected: list[float]) -> None:
    assert adjusted(PS, how) == pytest.approx(expected, abs=5e-7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sd", "expected"),
    [
        (0.10, [787, 199, 90, 34, 10]),
        (0.15, [1768, 444, 199, 73, 20]),
        (0.20, [3142, 787, 351, 128, 34]),
        (0.25, [4908, 1229, 547, 199, 52]),
    ],
)
def test_queries_needed_are_those_of_the_table(sd: float, expected: list[int]) -> None:
    assert [needed(sd, delta) for delta in (0.01, 0.02, 0.03, 0.05, 0.10)] == expected


@pytest.mark.parametrize(
    ("n", "at_15", "at_20"),
    [
        (25, 0.088, 0.117),
        (50, 0.061, 0.081),
        (100, 0.043, 0.057),
        (300, 0.025, 0.033),
        (500, 0.019, 0.026),
        (1000, 0.014, 0.018),
    ],
)
def test_least_differences_are_those_of_the_table(n: int, at_15: float, at_20: float) -> None:
    # The table rounds up, as one does with what is needed.
    assert math.ceil(1_000 * mde(0.15, n)) == round(1_000 * at_15)
    assert math.ceil(1_000 * mde(0.20, n)) == round(1_000 * at_20)
