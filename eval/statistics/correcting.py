"""p values corrected for how many there are."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from eval.statistics.arrays import Floats

Correction = Literal["holm", "bh", "by", "none"]


def adjusted(ps: Sequence[float] | Floats, how: Correction) -> Floats:
    """Return p values, in the order given, that may be held against α as they are.

    `holm` keeps the chance of any false positive at α (Holm, 1979); `bh` the share of false among
    the positives (Benjamini and Hochberg, 1995), `by` that under any dependence (Benjamini and
    Yekutieli, 2001).

    >>> adjusted([0.01, 0.04, 0.03], "holm").tolist()
    [0.03, 0.06, 0.06]
    """
    raw = np.asarray(ps, np.float64)
    m = len(raw)
    if how == "none" or not m:
        return raw.copy()
    order = np.argsort(raw, kind="stable")
    found = np.empty(m)
    if how == "holm":
        found[order] = np.maximum.accumulate(raw[order] * np.arange(m, 0, -1))
    else:
        tests = m * (np.sum(1 / np.arange(1, m + 1)) if how == "by" else 1.0)
        scaled = raw[order] * tests / np.arange(1, m + 1)
        found[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(found, 1.0)
