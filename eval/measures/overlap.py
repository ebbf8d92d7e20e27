"""Rank-biased overlap: how alike two rankings are (Webber, Moffat and Zobel, TOIS 2010)."""

from collections.abc import Sequence

import numpy as np

from eval.measures.judged import Floats


def rbo(a: Sequence[str], b: Sequence[str], p: float = 0.9) -> float:
    """Return the overlap as if the rankings went on as they are: 0 disjoint, 1 the same.

    Rankings may have different lengths (their equation 32); two empty ones are the same.

    >>> round(rbo("abcde", "bacfg", 0.9), 6)
    0.619335
    """
    short, long = sorted((len(a), len(b)))
    if not short:
        return float(not long)
    shared = _shared(a, b)  # (d,)
    depth = np.arange(1, long + 1)
    # Behind the end of the shorter one its documents go on to overlap as they did so far.
    missing = shared[short - 1] * np.maximum(depth - short, 0) / short
    seen = ((shared + missing) / depth) @ p**depth
    rest = (shared[-1] - shared[short - 1]) / long + shared[short - 1] / short
    return float((1 - p) / p * seen + rest * p**long)


def rbo_seen(a: Sequence[str], b: Sequence[str], p: float = 0.9) -> float:
    """Return the overlap of what is seen alone: the least that longer rankings could have.

    >>> round(rbo_seen("abcde", "bacfg", 0.9), 6)
    0.265041
    """
    depth = np.arange(1, max(len(a), len(b)) + 1)
    return float((1 - p) * (_shared(a, b) / depth) @ p ** (depth - 1.0))


def _shared(a: Sequence[str], b: Sequence[str]) -> Floats:
    """Return how many documents the first d of both share, for every d.  # (d,)."""
    place = {document: i for i, document in enumerate(a)}
    meet = [max(place[document], i) for i, document in enumerate(b) if document in place]
    return np.bincount(meet, minlength=max(len(a), len(b))).cumsum().astype(np.float64)
