"""The classifier: its probabilities by hand, its thresholds, and what it tells people."""

import math
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import BadSettings
from rag.route.classifier import Classifier, report
from rag.route.routes import Kind

DAY = date(2026, 11, 21)

TINY = Classifier(
    features=("words",),
    means=(2.0,),
    scales=(4.0,),
    kinds=("A", "B"),
    weights=((math.log(3),), (0.0,)),
    biases=(0.0, 0.0),
    counts={"A": 3, "B": 4},
    l2=1.0,
    trained=DAY,
)


def likely(a: float, b: float, c: float) -> Classifier:
    """Return a model without features, of these probabilities."""
    return replace(
        TINY,
        features=(),
        means=(),
        scales=(),
        kinds=("A", "B", "C"),
        weights=((), (), ()),
        biases=(math.log(a), math.log(b), math.log(c)),
    )


def test_probabilities_are_the_softmax_of_standardised_features() -> None:
    # (6 − 2) / 4 = 1, so that the odds are e^ln 3 : e^0.
    assert TINY.probabilities({"words": 6.0}) == pytest.approx({"A": 3 / 4, "B": 1 / 4})
    assert TINY.probabilities({"words": 2.0}) == pytest.approx({"A": 1 / 2, "B": 1 / 2})
    # (10 − 2) / 4 = 2: e^(2 ln 3) = 9 to 1.
    assert TINY.probabilities({"words": 10.0}) == pytest.approx({"A": 9 / 10, "B": 1 / 10})


@pytest.mark.parametrize(
    ("a", "b", "c", "kind", "by"),
    [
        (0.81, 0.10, 0.09, "A", "classifier"),
        (0.79, 0.11, 0.10, "B", "default"),  # it may well need no search, but who knows
        (0.30, 0.36, 0.34, "B", "classifier"),
        (0.20, 0.20, 0.60, "C", "classifier"),
        (0.30, 0.25, 0.45, "B", "default"),
    ],
)
def test_a_kind_is_followed_where_it_is_probable_enough(
    a: float, b: float, c: float, kind: Kind, by: str
) -> None:
    route = likely(a, b, c).route({})
    assert (route.kind, route.by) == (kind, by)
    assert route.probabilities == pytest.approx({"A": a, "B": b, "C": c})


def test_thresholds_can_be_chosen() -> None:
    assert likely(0.6, 0.3, 0.1).route({}, {"A": 0.5}).kind == "A"
    assert likely(0.9, 0.05, 0.05).route({}, {"A": 0.95}).kind == "B"
    assert likely(0.3, 0.3, 0.4).route({}, {}).kind == "C"


def test_of_equally_probable_kinds_the_search_is_taken() -> None:
    assert likely(1 / 3, 1 / 3, 1 / 3).route({}, {}).kind == "B"


def test_features_that_the_model_does_not_know_are_passed_over() -> None:
    assert TINY.route({"words": 10.0, "new": 7.0}).kind == "A"


def test_a_model_of_another_version_is_refused() -> None:
    with pytest.raises(BadSettings, match=r"wants the feature 'words'.*train the model again"):
        TINY.route({"letters": 1.0})


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(min_value=5e-324, max_value=1e300),
)
def test_any_numbers_give_probabilities_or_the_default(x: float, w: float, scale: float) -> None:
    route = replace(TINY, weights=((w,), (-w,)), scales=(scale,)).route({"words": x})
    if route.probabilities:
        assert sum(route.probabilities.values()) == pytest.approx(1.0)
    else:
        assert (route.kind, route.by) == ("B", "default")


def test_the_report_names_the_strongest_features_of_each_kind() -> None:
    model = replace(
        TINY,
        features=("words", "you", "digits"),
        weights=((0.5, -1.25, 0.0), (0.0, 0.0, 0.0)),
        accuracy=0.625,
    )
    assert report(model).splitlines() == [
        "trained 2026-11-21 on 3 A, 4 B; held out, 0.62 right",
        "A: you -1.25, words +0.50",
        "B: no feature tells it apart",
    ]
    assert report(model, most=1).splitlines()[1] == "A: you -1.25"
