"""Sparse vectors are added up, cut and scaled without losing a weight."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.terms import by_term, heaviest, mixed, sparse, summing_to_one
from rag.values import SparseVector

WEIGHTS = st.dictionaries(st.integers(0, 50), st.floats(-10, 10), max_size=20)
VECTORS = WEIGHTS.map(sparse)


@given(WEIGHTS)
def test_terms_ascend_and_none_is_without_weight(weights: dict[int, float]) -> None:
    vector = sparse(weights)
    assert list(vector.indices) == sorted(set(vector.indices))
    assert by_term(vector) == {id_: weight for id_, weight in weights.items() if weight}


@given(st.lists(st.tuples(VECTORS, st.floats(-3, 3)), max_size=6), st.randoms())
def test_a_mixture_is_the_sum_in_whatever_order(
    parts: list[tuple[SparseVector, float]], chance: Random
) -> None:
    found = mixed(parts)
    shuffled = list(parts)
    chance.shuffle(shuffled)
    assert mixed(shuffled) == found
    for id_ in range(51):
        expected = math.fsum(weight * by_term(vector).get(id_, 0.0) for vector, weight in parts)
        assert by_term(found).get(id_, 0.0) == expected


@given(VECTORS, st.integers(0, 25))
def test_the_heaviest_terms_are_kept(vector: SparseVector, count: int) -> None:
    kept = heaviest(vector, count)
    assert len(kept.indices) == min(count, len(vector.indices))
    dropped = [w for i, w in by_term(vector).items() if i not in kept.indices]
    assert not kept.values or all(weight <= min(kept.values) for weight in dropped)


@given(VECTORS)
def test_scaled_weights_sum_to_one(vector: SparseVector) -> None:
    scaled = summing_to_one(vector)
    if vector.values:
        assert math.fsum(map(abs, scaled.values)) == pytest.approx(1.0)
    assert len(scaled.indices) <= len(vector.indices)
