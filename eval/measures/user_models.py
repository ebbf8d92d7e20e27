"""Measures by a model of who reads the ranking: rank-biased precision, expected reciprocal rank."""

import numpy as np

from eval.measures.judged import Floats
from eval.measures.measure import Measure
from eval.measures.packed import Packed


def rank_biased_precision(packed: Packed, measure: Measure) -> Floats:
    """Return (1 − p) Σ gain · p^(rank − 1) (Moffat and Zobel, TOIS 2008).

    The gain is 1 from grade `rel` on; without `rel` it is grade ÷ gmax, at most 1.
    """
    grades = packed.grades[:, : measure.k or None]
    if measure.rel:
        gain = (grades >= measure.rel).astype(np.float64)
    else:
        gain = np.clip(grades, 0, None) / _gmax(packed, measure)
    weights = (1 - measure.p) * measure.p ** np.arange(grades.shape[1])  # (d,)
    return np.asarray(np.minimum(gain, 1) @ weights)


def rank_biased_residual(packed: Packed, measure: Measure) -> Floats:
    """Return how much RBP could rise: p^n + (1 − p) Σ p^(rank − 1) over unjudged documents.

    n is the number of documents that were looked at. A grade below 0 is no judgment.
    """
    depth = packed.grades.shape[1]
    n = np.minimum(packed.returned, measure.k or depth)  # (q,)
    rank = np.arange(depth)
    unknown = (packed.grades < 0) & (rank < n[:, None])  # (q, d)
    weights = (1 - measure.p) * measure.p**rank  # (d,)
    return np.asarray(measure.p**n + unknown @ weights)


def expected_reciprocal_rank(packed: Packed, measure: Measure) -> Floats:
    """Return Σ 1 ÷ rank · r · Π (1 − r above), r = (2^g − 1) ÷ 2^gmax (Chapelle, CIKM 2009)."""
    largest = float(_gmax(packed, measure))
    grades = np.clip(packed.grades[:, : measure.k or None], 0, largest)
    stop = np.exp2(grades - largest) - np.exp2(-largest)  # (q, d)
    above = np.ones_like(stop)
    np.cumprod(1 - stop[:, :-1], axis=1, out=above[:, 1:])
    return np.asarray((stop * above) @ (1 / np.arange(1, stop.shape[1] + 1)))


def _gmax(packed: Packed, measure: Measure) -> int:
    return measure.gmax or packed.judged.largest
