"""Krippendorff's α against the definition, written as loops over all labels."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.agreement.coincidence import MISSING, Level, alpha, coincidences, of_two
from eval.agreement.contingency import Grades, tables

K = 4
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval")


@st.composite
def ratings(draw: st.DrawFn) -> Grades:
    raters, units = draw(st.integers(2, 4)), draw(st.integers(1, 12))
    label = st.integers(MISSING, K - 1)
    row = st.lists(label, min_size=units, max_size=units)
    return np.array(draw(st.lists(row, min_size=raters, max_size=raters)))


def alpha_by_hand(given_: Grades, level: Level) -> float:
    units = [[int(v) for v in unit if v != MISSING] for unit in given_.T]
    units = [unit for unit in units if len(unit) > 1]
    values = [value for unit in units for value in unit]
    counts = [values.count(grade) for grade in range(K)]

    def apart(a: int, b: int) -> float:
        low, high = min(a, b), max(a, b)
        if level == "nominal" or a == b:
            return float(a != b)
        if level == "interval":
            return float((a - b) ** 2)
        return float((sum(counts[low : high + 1]) - (counts[a] + counts[b]) / 2) ** 2)

    seen = sum(
        apart(a, b) / (len(unit) - 1) for unit in units for a, b in permutations(unit, 2)
    ) / max(len(values), 1)
    chance = sum(apart(a, b) for a, b in permutations(values, 2)) / max(
        len(values) * (len(values) - 1), 1
    )
    return 1 - seen / chance if chance else math.nan


@given(ratings(), st.sampled_from(LEVELS))
def test_alpha_is_what_one_computes_by_hand(given_: Grades, level: Level) -> None:
    found = alpha(coincidences(given_, K).sum(0), level).item()
    assert found == pytest.approx(alpha_by_hand(given_, level), abs=1e-9, nan_ok=True)


@given(ratings(), st.sampled_from(LEVELS), st.randoms(use_true_random=False))
def test_alpha_knows_no_order_of_raters_or_pairs(
    given_: Grades, level: Level, chance: np.random.RandomState
) -> None:
    rows, columns = list(range(len(given_))), list(range(given_.shape[1]))
    chance.shuffle(rows)
    chance.shuffle(columns)
    mixed = given_[rows][:, columns]
    met, other = coincidences(given_, K).sum(0), coincidences(mixed, K).sum(0)
    assert alpha(other, level).item() == pytest.approx(alpha(met, level).item(), nan_ok=True)


@given(ratings(), st.sampled_from(LEVELS))
def test_a_rater_who_labelled_nothing_changes_nothing(given_: Grades, level: Level) -> None:
    silent = np.vstack([given_, np.full(given_.shape[1], MISSING)])
    met, more = coincidences(given_, K).sum(0), coincidences(silent, K).sum(0)
    assert alpha(more, level).item() == pytest.approx(alpha(met, level).item(), nan_ok=True)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30))
def test_two_raters_without_gaps_coincide_as_their_table_says(pairs: list[tuple[int, int]]) -> None:
    human, judge = map(np.array, zip(*pairs, strict=True))
    queries = np.arange(len(pairs)) % 3
    met = coincidences(np.stack([human, judge]), K, queries)
    assert np.allclose(met, of_two(tables(human, judge, K, queries)))


def test_labels_that_never_differ_have_no_alpha() -> None:
    same = np.array([[1, 1], [1, 1]])
    assert math.isnan(alpha(coincidences(same, K).sum(0)).item())
    alone = np.array([[1, 2], [MISSING, MISSING]])
    assert math.isnan(alpha(coincidences(alone, K).sum(0)).item())
