"""Weighted terms: sparse vectors added up, cut and scaled."""

import math
from collections.abc import Callable, Iterable, Mapping

from rag.values import SparseVector


def sparse(weights: Mapping[int, float]) -> SparseVector:
    """Return weights by term id as a vector; terms without weight are left out.

    >>> sparse({7: 1.0, 3: 2.0, 5: 0.0})
    SparseVector(indices=(3, 7), values=(2.0, 1.0))
    """
    kept = sorted((id_, weight) for id_, weight in weights.items() if weight)
    return SparseVector(tuple(id_ for id_, _ in kept), tuple(weight for _, weight in kept))


def by_term(vector: SparseVector) -> dict[int, float]:
    """Return the weights by term id."""
    return dict(zip(vector.indices, vector.values, strict=True))


def mixed(parts: Iterable[tuple[SparseVector, float]]) -> SparseVector:
    """Return Σ weight · vector.

    >>> one, two = sparse({3: 2.0}), sparse({3: 1.0, 7: 4.0})
    >>> mixed([(one, 1.0), (two, 0.5)])
    SparseVector(indices=(3, 7), values=(2.5, 2.0))
    """
    weights: dict[int, list[float]] = {}
    for vector, weight in parts:
        for id_, value in zip(vector.indices, vector.values, strict=True):
            weights.setdefault(id_, []).append(weight * value)
    # fsum: the same parts give the same sum in any order.
    return sparse({id_: math.fsum(values) for id_, values in weights.items()})


def heaviest(vector: SparseVector, count: int) -> SparseVector:
    """Return the `count` terms of the greatest weight; equal ones by term id.

    >>> heaviest(sparse({3: 2.0, 5: 1.0, 7: 2.0}), 2)
    SparseVector(indices=(3, 7), values=(2.0, 2.0))
    """
    kept = sorted(by_term(vector).items(), key=lambda term: (-term[1], term[0]))[:count]
    return sparse(dict(kept))


def summing_to_one(vector: SparseVector) -> SparseVector:
    """Return the vector over the sum of its absolute weights (L1); an empty one stays.

    >>> summing_to_one(sparse({3: 3.0, 7: 1.0}))
    SparseVector(indices=(3, 7), values=(0.75, 0.25))
    """
    total = math.fsum(map(abs, vector.values))
    return _each(vector, lambda weight: weight / total) if total else vector


def _each(vector: SparseVector, change: Callable[[float], float]) -> SparseVector:
    return SparseVector(vector.indices, tuple(map(change, vector.values)))
