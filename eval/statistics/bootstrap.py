"""Intervals of means by resampling queries (Efron's BCa, 1987), the same for all columns."""

import numpy as np
from scipy import special

from eval.statistics.arrays import Floats, blocks


def intervals(
    values: Floats, draws: int = 10_000, seed: int = 0, alpha: float = 0.05
) -> tuple[Floats, Floats]:
    """Return the ends of a 1 − α interval of each column's mean: bias-corrected and accelerated.

    Queries are drawn with replacement, the same for all columns, so that intervals of differences
    fit those of what they are differences of. A column of equal values has [value, value].
    # (n, m) → (m,), (m,)
    """
    mean = values.mean(axis=0)
    if len(values) < 2:
        return mean, mean.copy()
    means = resampled(values, draws, seed)  # (b, m)
    z0 = special.ndtri(_share_below(means, mean))
    centred = values - mean
    cubes, squares = (centred**3).sum(axis=0), (centred**2).sum(axis=0)
    fixed = np.ptp(values, axis=0) == 0
    # The jackknife of a mean: leaving query i out moves it by (mean − value i) ÷ (n − 1).
    pull = np.divide(cubes, 6 * squares**1.5, out=np.zeros_like(mean), where=~fixed)
    ends = []
    for z in special.ndtri([alpha / 2, 1 - alpha / 2]):
        share = special.ndtr(z0 + (z0 + z) / (1 - pull * (z0 + z)))  # (m,)
        ends.append(_quantiles(means, share))
    low, high = ends
    # Where many resamples have the very same mean, an end may step over it.
    low, high = np.minimum(low, mean), np.maximum(high, mean)
    return np.where(fixed, values[0], low), np.where(fixed, values[0], high)


def resampled(values: Floats, draws: int, seed: int) -> Floats:
    """Return the means of the columns over each draw of n queries.  # (b, m)."""
    n = len(values)
    random = np.random.default_rng(seed)
    found = []
    for b in blocks(draws, n):
        # How often each query is drawn; the means of all columns are then one product.
        drawn = random.integers(0, n, (b, n), dtype=np.int32) + n * np.arange(b)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=b * n).reshape(b, n)
        found.append(counts.astype(np.float64) @ values / n)
    return np.concatenate(found)


def _share_below(means: Floats, mean: Floats) -> Floats:
    """Return the share of resamples below the mean, equal ones half; neither 0 nor 1."""
    b = len(means)
    share = ((means < mean).sum(axis=0) + (means <= mean).sum(axis=0)) / (2 * b)
    return np.asarray(np.clip(share, 0.5 / b, 1 - 0.5 / b))


def _quantiles(means: Floats, share: Floats) -> Floats:
    """Return a quantile of each column, between neighbours in proportion."""
    ordered = np.sort(means, axis=0)
    place = share * (len(ordered) - 1)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, len(ordered) - 1)
    columns = np.arange(ordered.shape[1])
    low, high = ordered[below, columns], ordered[above, columns]
    return np.asarray(low + (high - low) * (place - below))
