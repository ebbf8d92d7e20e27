"""The logistic regression: its probabilities by hand, and what it refuses."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import BadSettings
from rag.logistic import Logistic, Term

TINY = Logistic(0.0, {"words": Term(math.log(3), 2.0, 4.0)})


def test_a_probability_is_the_sigmoid_of_standardised_features() -> None:
    assert TINY.probability({"words": 2.0}) == 0.5
    assert TINY.probability({"words": 10.0, "unknown": 7.0}) == pytest.approx(9 / 10)


def test_a_model_of_another_version_is_refused() -> None:
    with pytest.raises(BadSettings, match=r"wants the feature 'words'.*fit it again"):
        TINY.probability({"letters": 1.0})


@given(st.floats(-1e300, 1e300), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_any_numbers_give_a_probability(x: float, weight: float, scale: float) -> None:
    assert 0 <= Logistic(0.0, {"x": Term(weight, 0.0, scale)}).probability({"x": x}) <= 1
