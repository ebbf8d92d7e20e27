"""Measures that count relevant documents by rank. Shapes: q queries, d ranks."""

import numpy as np
from numpy.typing import NDArray

from eval.measures.judged import Bools, Floats, Grades
from eval.measures.measure import Measure
from eval.measures.packed import Packed


def hits(packed: Packed, measure: Measure) -> Bools:
    """Return which of the first k documents are relevant.  # (q, d)."""
    return packed.grades[:, : measure.k or None] >= measure.rel


def per(amount: Floats | NDArray[np.int64], whole: Floats | NDArray[np.int64]) -> Floats:
    """Return amount ÷ whole, 0 where the whole is 0.

    >>> per(np.array([1.0, 0.0]), np.array([2.0, 0.0])).tolist()
    [0.5, 0.0]
    """
    return np.divide(amount, whole, out=np.zeros(len(whole)), where=whole > 0)


def relevant(packed: Packed, measure: Measure) -> NDArray[np.int64]:
    """Return R, the number of relevant documents.  # (q,)."""
    return packed.judged.count(measure.rel)


def precision(packed: Packed, measure: Measure) -> Floats:
    """Return the relevant documents in the first k, ÷ k."""
    return np.asarray(hits(packed, measure).sum(axis=1) / measure.k)


def recall(packed: Packed, measure: Measure) -> Floats:
    """Return the relevant documents in the first k, ÷ R."""
    return per(hits(packed, measure).sum(axis=1), relevant(packed, measure))


def f1(packed: Packed, measure: Measure) -> Floats:
    """Return the harmonic mean of P@k and R@k: 2 · found ÷ (k + R)."""
    return per(2 * hits(packed, measure).sum(axis=1), measure.k + relevant(packed, measure))


def success(packed: Packed, measure: Measure) -> Floats:
    """Return 1 where a relevant document is in the first k."""
    return np.asarray(hits(packed, measure).any(axis=1), np.float64)


def r_precision(packed: Packed, measure: Measure) -> Floats:
    """Return the relevant documents in the first R, ÷ R."""
    found, r = hits(packed, measure), relevant(packed, measure)
    first = np.arange(found.shape[1]) < r[:, None]  # (q, d)
    return per((found & first).sum(axis=1), r)


def reciprocal_rank(packed: Packed, measure: Measure) -> Floats:
    """Return 1 ÷ rank of the first relevant document of the first k."""
    found = hits(packed, measure)
    if not found.shape[1]:
        return np.zeros(len(found))
    first = found.argmax(axis=1)
    return np.where(found[np.arange(len(found)), first], 1 / (first + 1), 0.0)


def average_precision(packed: Packed, measure: Measure) -> Floats:
    """Return the sum of P at the rank of each relevant document of the first k, ÷ R."""
    found = hits(packed, measure)
    at = found.cumsum(axis=1) / np.arange(1, found.shape[1] + 1)  # (q, d)
    return per((at * found).sum(axis=1), relevant(packed, measure))


def ndcg(packed: Packed, measure: Measure) -> Floats:
    """Return DCG@k ÷ that of the best order (Järvelin and Kekäläinen, TOIS 2002).

    The best order is of all judged documents, cut at k. Grades below 0 gain nothing.
    """
    cut = measure.k or None
    best = packed.judged.best(cut)
    largest = best.max(axis=1, initial=0)  # (q,)
    found = np.maximum(packed.grades[:, :cut], 0)
    return per(_dcg(found, largest, measure.dcg), _dcg(best, largest, measure.dcg))


def _dcg(grades: Grades, largest: Grades, how: str) -> Floats:
    """Return Σ gain ÷ log2(rank + 1), by the largest grade of each query.  # (q,)."""
    discount = 1 / np.log2(np.arange(2, grades.shape[1] + 2))  # (d,)
    if how == "log2":
        return grades @ discount
    # (2^g − 1) ÷ 2^largest, which no grade makes overflow; the ratio of two is the same.
    scale = largest[:, None].astype(np.float64)
    return (np.exp2(grades - scale) - np.exp2(-scale)) @ discount
