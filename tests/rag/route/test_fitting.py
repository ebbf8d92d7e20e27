"""Fitting: at the bottom of its loss, certain where it can be, careful where it cannot."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import BadInput
from rag.route.classifier import Classifier
from rag.route.fitting import Example, fit
from rag.route.routes import KINDS, Kind
from tests.rag.route.test_classifier import DAY


def one(x: float, kind: Kind) -> Example:
    return Example({"x": x}, kind)


def around(centres: dict[Kind, tuple[float, float]], n: int, seed: int = 7) -> list[Example]:
    """Return n points of each kind around its centre."""
    draw = np.random.default_rng(seed)
    return [
        Example({"x": draw.normal(x, 0.3), "y": draw.normal(y, 0.3), "same": 5.0}, kind)
        for kind, (x, y) in centres.items()
        for _ in range(n)
    ]


APART: dict[Kind, tuple[float, float]] = {"A": (0.0, 0.0), "B": (3.0, 0.0), "C": (0.0, 3.0)}


def test_without_a_feature_that_tells_the_kinds_are_as_likely_as_they_were_frequent() -> None:
    model = fit([one(1.0, "A")] * 3 + [one(1.0, "B")] * 5 + [one(1.0, "C")] * 2, DAY)
    assert model.probabilities({"x": 1.0}) == pytest.approx({"A": 0.3, "B": 0.5, "C": 0.2})
    assert [weight for (weight,) in model.weights] == pytest.approx([0.0] * 3)
    assert model.counts == {"A": 3, "B": 5, "C": 2}


def test_the_weights_are_where_the_slope_of_the_loss_is_zero() -> None:
    # x = ±1 is standard already. By symmetry the weights are ±w and the biases 0; of 4 examples at
    # +1 three are B: 4 · 2 · (σ(2w) − 3/4) + 2w · l2/2 · 2 = 0 for each kind's weight.
    examples = [one(1.0, "B")] * 3 + [one(1.0, "A")] + [one(-1.0, "A")] * 3 + [one(-1.0, "B")]
    model = fit(examples, DAY, l2=2.0)
    (a,), (b,) = model.weights
    assert a == pytest.approx(-b)
    sigmoid = 1 / (1 + math.exp(-2 * b))
    assert 8 * (sigmoid - 3 / 4) + 2.0 * b == pytest.approx(0.0, abs=1e-8)
    assert model.biases == pytest.approx((0.0, 0.0), abs=1e-8)


def test_separable_kinds_are_learnt_without_an_error() -> None:
    examples = around(APART, 20)
    model = fit(examples, DAY)
    assert [model.route(e.features, {}).kind for e in examples] == [e.kind for e in examples]
    assert model.scales[model.features.index("same")] == 1.0


def test_shuffled_kinds_are_no_better_known_than_by_their_frequency() -> None:
    examples = around(APART, 60)
    kinds = [example.kind for example in examples]
    np.random.default_rng(3).shuffle(kinds)
    shuffled = [Example(e.features, kind) for e, kind in zip(examples, kinds, strict=True)]
    model = fit(shuffled, DAY)
    for example in examples:
        assert max(model.probabilities(example.features).values()) < 0.55


def test_a_larger_penalty_makes_the_model_more_careful() -> None:
    examples = around(APART, 20)
    sure = [
        max(fit(examples, DAY, l2).probabilities({"x": 3.0, "y": 0.0, "same": 5.0}).values())
        for l2 in (0.1, 1.0, 10.0, 1000.0)
    ]
    assert sure == sorted(sure, reverse=True)
    assert sure[-1] < 0.5 < 0.95 < sure[0]


def test_the_same_examples_give_the_very_same_model() -> None:
    examples = around(APART, 15)
    assert fit(examples, DAY) == fit(list(examples), DAY)


def assert_settled(model: Classifier, examples: Sequence[Example]) -> None:
    """Check that the slope of each free bias is 0: as many are explained as there are."""
    for kind in model.kinds:
        explained = sum(model.probabilities(e.features)[kind] for e in examples)
        assert explained == pytest.approx(model.counts[kind], abs=1e-5)


def test_a_step_that_leads_too_far_is_shortened() -> None:
    # Found by chance: at so small a penalty, a whole Newton step overshoots.
    rows: list[tuple[float, float, Kind]] = [
        (-4.3, -1.3, "B"),
        (0.7, 67.9, "A"),
        (0.0, 0.3, "B"),
        (-4.5, 1.7, "C"),
        (-0.6, -1.3, "A"),
    ]
    examples = [Example({"x": x, "y": y}, kind) for x, y, kind in rows]
    assert_settled(fit(examples, DAY, l2=1e-7), examples)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.floats(-1, 1), st.sampled_from(KINDS)),
        min_size=2,
        max_size=30,
    ).filter(lambda rows: len({kind for *_, kind in rows}) > 1),
    st.sampled_from([0.01, 1.0, 100.0]),
)
def test_any_examples_settle_and_explain_as_many_of_each_kind_as_there_are(
    rows: Sequence[tuple[float, float, Kind]], l2: float
) -> None:
    examples = [Example({"x": x, "y": y}, kind) for x, y, kind in rows]
    assert_settled(fit(examples, DAY, l2), examples)


@pytest.mark.parametrize(
    ("examples", "l2", "message"),
    [
        ([], 1.0, "all 0 examples are of one kind"),
        ([one(1.0, "B")] * 30, 1.0, "all 30 examples are of one kind: add questions"),
        ([one(1.0, "A"), Example({"y": 1.0}, "B")], 1.0, "example 2 has other features"),
        ([one(math.nan, "A"), one(1.0, "B")], 1.0, "'x' is not finite, or too large"),
        ([one(1e308, "A"), one(-1e308, "B")], 1.0, "'x' is not finite, or too large"),
        ([Example({"a b": 1.0}, "A"), Example({"a b": 1.0}, "B")], 1.0, "'a b': name it with"),
        ([one(0.0, "A"), one(1.0, "B")], 0.0, "l2 is 0.0: give a number above 0"),
        ([one(0.0, "A"), one(1.0, "B")], math.inf, "l2 is inf"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(
    examples: Sequence[Example], l2: float, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        fit(examples, DAY, l2)
