"""Measures that know which documents were judged: of pools with holes."""

import numpy as np

from eval.measures.judged import UNJUDGED, Floats
from eval.measures.measure import Measure
from eval.measures.packed import Packed
from eval.measures.ranked import hits, per, relevant

_EPSILON = 1e-5  # trec_eval's


def bpref(packed: Packed, measure: Measure) -> Floats:
    """Return the mean over R of 1 − min(N above, R) ÷ min(N, R) (Buckley and Voorhees, SIGIR 2004).

    N counts documents that are judged and not relevant; others are not looked at.
    """
    found, r = hits(packed, measure), relevant(packed, measure)
    not_relevant = (packed.grades >= 0) & ~found
    above = np.minimum(not_relevant.cumsum(axis=1), r[:, None])  # (q, d)
    bound = np.minimum(packed.judged.count(0, measure.rel), r)  # (q,)
    lost = above / np.maximum(bound, 1)[:, None]
    return per(np.where(found, 1 - lost, 0.0).sum(axis=1), r)


def inferred_average_precision(packed: Packed, measure: Measure) -> Floats:
    """Return AP as expected from a judged sample of the pool (Yilmaz and Aslam, CIKM 2006).

    Grades below 0 are of documents that were pooled, and not judged.
    """
    found, r = hits(packed, measure), relevant(packed, measure)
    rank = np.arange(1, found.shape[1] + 1)
    pooled = (packed.grades != UNJUDGED).cumsum(axis=1) - 1.0  # above a relevant one  # (q, d)
    good = found.cumsum(axis=1) - 1.0
    bad = ((packed.grades >= 0) & ~found).cumsum(axis=1)
    share = (good + _EPSILON) / (good + bad + 2 * _EPSILON)
    return per(np.where(found, (1 + pooled * share) / rank, 0.0).sum(axis=1), r)


def judged(packed: Packed, measure: Measure) -> Floats:
    """Return the documents with a judgment in the first k, ÷ those returned there."""
    known = packed.grades[:, : measure.k or None] != UNJUDGED
    shown = np.minimum(packed.returned, measure.k or packed.grades.shape[1])
    return per(known.sum(axis=1), shown)


def unjudged(packed: Packed, measure: Measure) -> Floats:
    """Return the documents without a judgment in the first k, ÷ k."""
    known = (packed.grades[:, : measure.k] != UNJUDGED).sum(axis=1)
    return np.asarray((np.minimum(packed.returned, measure.k) - known) / measure.k)
