"""Thresholds fitted on human labels."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from eval.judges.calibration import (
    CRITERIA_SUM,
    Thresholds,
    fit,
    isotonic,
    read_thresholds,
    write_thresholds,
)
from rag.errors import BadInput

PAIR = st.tuples(st.integers(0, 12), st.integers(0, 3))
PAIRS = st.lists(PAIR, min_size=1, max_size=40)


@given(PAIRS)
def test_the_isotonic_means_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    scores = sorted({float(score) for score, _ in pairs})
    tied = [[g for s, g in pairs if s == score] for score in scores]
    wanted = isotonic_regression([np.mean(x) for x in tied], weights=[len(x) for x in tied]).x
    steps = isotonic([float(s) for s, _ in pairs], [float(g) for _, g in pairs])
    found = [max((s, m) for s, m in steps if s <= score)[1] for score in scores]
    assert found == pytest.approx(list(wanted))


@given(st.lists(PAIR, min_size=30, max_size=60))
def test_fitted_thresholds_never_fall(pairs: list[tuple[int, int]]) -> None:
    first, second, third = fit(
        "criteria", [float(s) for s, _ in pairs], [g for _, g in pairs]
    ).least
    assert first <= second <= third


def test_a_judge_that_overrates_by_three_points_is_put_right() -> None:
    scores = [float(3 + 3 * grade) for grade in range(4) for _ in range(10)]
    grades = [grade for grade in range(4) for _ in range(10)]
    assert [CRITERIA_SUM.grade(score) for score in (3.0, 6.0, 9.0, 12.0)] == [0, 1, 2, 3]
    assert fit("criteria", scores, grades).least == (6.0, 9.0, 12.0)
    with pytest.raises(BadInput, match="29 pairs"):
        fit("criteria", scores[:29], grades[:29])


def test_thresholds_come_back_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    fitted = Thresholds((0.1 + 0.2, 1.7, math.inf), 99, "expected")
    write_thresholds(fitted, file)
    assert read_thresholds(file, "expected") == fitted
    with pytest.raises(BadInput, match="fitted for the judge expected, not criteria"):
        read_thresholds(file, "criteria")
    file.write_text(file.read_text().replace("1.7", "0.1"))
    with pytest.raises(BadInput, match="damaged"):
        read_thresholds(file, "expected")
    with pytest.raises(BadInput, match="fit them with --fit"):
        read_thresholds(tmp_path / "none.json", "expected")
