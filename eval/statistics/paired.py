"""Paired, two-sided tests of "the mean difference is 0", for columns of differences at once."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from scipy import special, stats

from eval.statistics.arrays import Floats, blocks

Test = Literal["randomisation", "t", "wilcoxon"]

EXACT = 15
"""So many queries have 32,768 ways to set signs: all are looked at."""

_LEAST = float(np.finfo(np.float64).tiny)  # a p value is never 0
_SLACK = 1e-12  # of the sum of sizes: what adding up in another order can change


def randomisation(differences: Floats, draws: int, seed: int) -> Floats:
    """Return p by flipping the signs of differences: which system was which is chance.

    Up to `EXACT` queries it is the share of all ways to set signs whose mean is at least as far
    from 0; beyond, (1 + such draws) ÷ (1 + draws).  # (n, m) → (m,)
    """
    n = len(differences)
    total = differences.sum(axis=0)  # (m,)
    least = np.abs(total) - _SLACK * np.abs(differences).sum(axis=0)
    hits = np.zeros(differences.shape[1], np.int64)
    if n <= EXACT:
        signs = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1  # (2^n, n)
        hits += (np.abs(2.0 * (signs @ differences) - total) >= least).sum(axis=0)
        return np.asarray(hits / (1 << n), np.float64)
    random = np.random.default_rng(seed)
    for b in blocks(draws, n):
        bits = np.frombuffer(random.bytes(b * (-(-n // 8))), np.uint8).reshape(b, -1)
        kept = np.unpackbits(bits, axis=1, count=n).astype(np.float64)  # (b, n)
        # Signs are 2 · kept − 1, so that their sum is twice that of the kept less that of all.
        hits += (np.abs(2.0 * (kept @ differences) - total) >= least).sum(axis=0)
    return np.asarray((1 + hits) / (1 + draws), np.float64)


def t_test(differences: Floats, draws: int = 0, seed: int = 0) -> Floats:
    """Return p by Student's distribution with n − 1 degrees of freedom; 1 for a single query."""
    del draws, seed
    n = len(differences)
    if n < 2:
        return np.ones(differences.shape[1])
    mean = differences.mean(axis=0)
    error = differences.std(axis=0, ddof=1) / np.sqrt(n)
    same = np.ptp(differences, axis=0) == 0
    t = np.divide(np.abs(mean), error, out=np.where(mean != 0, np.inf, 0.0), where=~same)
    return np.asarray(np.clip(2 * special.stdtr(n - 1, -t), _LEAST, 1.0))


def wilcoxon(differences: Floats, draws: int = 0, seed: int = 0) -> Floats:
    """Return p by the signed ranks of the differences, those of 0 left out; 1 if all are."""
    del draws, seed
    return np.array(
        [float(stats.wilcoxon(column).pvalue) if column.any() else 1.0 for column in differences.T]
    )


TESTS: Mapping[Test, Callable[[Floats, int, int], Floats]] = {
    "randomisation": randomisation,
    "t": t_test,
    "wilcoxon": wilcoxon,
}
"""Each takes differences (n, m), draws and a seed, and returns p (m,)."""
