"""Tables of two raters: what must hold for any labels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.agreement.contingency import (
    Array,
    Grades,
    Weighting,
    absolute_error,
    bias,
    binary,
    exact,
    kappa,
    limits,
    precision,
    prevalence,
    recall,
    tables,
)

K = 4
WEIGHTINGS: tuple[Weighting, ...] = ("nominal", "linear", "quadratic")
PAIRS = st.lists(st.tuples(st.integers(0, K - 1), st.integers(0, K - 1)), min_size=1, max_size=40)
Pairs = list[tuple[int, int]]


def of(pairs: Pairs) -> tuple[Grades, Grades]:
    human, judge = zip(*pairs, strict=True)
    return np.array(human), np.array(judge)


def table(pairs: Pairs) -> Array:
    whole: Array = tables(*of(pairs), K).sum(0)
    return whole


def kappa_by_hand(pairs: Pairs, weighting: Weighting) -> float:
    """1 − mean distance of pairs / mean distance of every human with every judge's label."""
    power = {"nominal": 0, "linear": 1, "quadratic": 2}[weighting]

    def apart(a: int, b: int) -> float:
        return float(abs(a - b) ** power) if a != b else 0.0

    seen = sum(apart(a, b) for a, b in pairs) / len(pairs)
    chance = sum(apart(a, b) for a, _ in pairs for _, b in pairs) / len(pairs) ** 2
    return 1 - seen / chance if chance else math.nan


@given(PAIRS, st.sampled_from(WEIGHTINGS))
def test_kappa_is_what_one_computes_by_hand(pairs: Pairs, weighting: Weighting) -> None:
    found, wanted = kappa(table(pairs), weighting).item(), kappa_by_hand(pairs, weighting)
    assert found == pytest.approx(wanted, abs=1e-12, nan_ok=True)


@given(PAIRS, st.sampled_from(WEIGHTINGS))
def test_kappa_knows_no_order_of_raters_or_pairs_and_is_at_most_1(
    pairs: Pairs, weighting: Weighting
) -> None:
    found = kappa(table(pairs), weighting).item()
    assert found == pytest.approx(kappa(table(pairs).T, weighting).item(), nan_ok=True)
    assert found == pytest.approx(kappa(table(pairs[::-1]), weighting).item(), nan_ok=True)
    assert math.isnan(found) or found <= 1


@given(PAIRS, st.permutations(range(K)))
def test_nominal_kappa_knows_no_names_of_grades(pairs: Pairs, names: list[int]) -> None:
    renamed = [(names[a], names[b]) for a, b in pairs]
    assert kappa(table(renamed)).item() == pytest.approx(kappa(table(pairs)).item(), nan_ok=True)


@given(PAIRS, st.floats(0.1, 9))
def test_measures_know_no_unit_of_weight(pairs: Pairs, unit: float) -> None:
    whole = table(pairs)
    for measure in (kappa, bias, absolute_error, exact):
        assert measure(whole * unit).item() == pytest.approx(measure(whole).item(), nan_ok=True)


def test_raters_who_agree_throughout_on_one_grade_have_no_kappa() -> None:
    assert math.isnan(kappa(table([(2, 2)] * 5)).item())
    assert kappa(table([(2, 2), (1, 1)])).item() == 1
    assert kappa(table([(2, 1)] * 5)).item() == 0  # both constant, and never equal


@given(PAIRS, st.integers(1, K - 1))
def test_two_grades_by_a_cut_are_those_of_labels_cut_before(pairs: Pairs, cut: int) -> None:
    cut_before = [(int(a >= cut), int(b >= cut)) for a, b in pairs]
    assert binary(table(pairs), cut).tolist() == tables(*of(cut_before), 2).sum(0).tolist()


@given(PAIRS)
def test_bias_error_and_limits_are_those_of_the_differences(pairs: Pairs) -> None:
    human, judge = of(pairs)
    differences = judge - human
    whole = table(pairs)
    assert bias(whole).item() == pytest.approx(differences.mean())
    assert bias(whole.T).item() == pytest.approx(-differences.mean())
    assert absolute_error(whole).item() == pytest.approx(np.abs(differences).mean())
    assert exact(whole).item() == pytest.approx((differences == 0).mean())
    if len(pairs) > 1:
        half = 1.96 * differences.std(ddof=1)
        wanted = [differences.mean() - half, differences.mean() + half]
        assert limits(whole).tolist() == pytest.approx(wanted, abs=1e-9)
    else:
        assert np.isnan(limits(whole)).all()


@given(PAIRS)
def test_recall_of_one_rater_is_precision_of_the_other(pairs: Pairs) -> None:
    whole = table(pairs)
    assert recall(whole).tolist() == pytest.approx(precision(whole.T).tolist(), nan_ok=True)
    human, judge = prevalence(whole)
    assert human.sum() == pytest.approx(1)
    assert judge[0] == pytest.approx(np.mean([b == 0 for _, b in pairs]))


@given(PAIRS, st.data())
def test_tables_by_query_add_up_to_the_whole(pairs: Pairs, data: st.DataObject) -> None:
    count = st.lists(st.integers(0, 5), min_size=len(pairs), max_size=len(pairs))
    queries = np.array(data.draw(count))
    weights = np.ones(len(pairs)) * 2
    by_query = tables(*of(pairs), K, queries, weights)
    assert by_query.shape == (queries.max() + 1, K, K)
    assert (by_query.sum(0) == 2 * table(pairs)).all()
    stacked = kappa(by_query)
    for number in np.unique(queries):
        own = [pair for pair, query in zip(pairs, queries, strict=True) if query == number]
        assert stacked[number] == pytest.approx(kappa(table(own)).item(), nan_ok=True)
