"""How far a mean over questions may be off: the bootstrap over questions."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS, SEED = 2_000, 20_261_122  # chosen


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of the means of resamples; one value is its own.

    Questions are resampled, not claims or sentences: those of one answer hang together.

    >>> interval([0.5, 0.5, 0.5])
    (0.5, 0.5)
    """
    known = np.array(values, float)  # (n,)
    means = [known[drawn].mean() for drawn in resampled(len(known), DRAWS)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def resampled(n: int, draws: int) -> Iterator[NDArray[np.int64]]:
    """Yield the places of every resample of n, with a seed of their own, (n,)."""
    random = np.random.default_rng(SEED)
    for _ in range(draws):
        yield random.integers(0, n, n)
