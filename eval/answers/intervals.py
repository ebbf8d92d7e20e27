"""How far a mean over questions may be off: the bootstrap over questions."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from eval.statistics import intervals

DRAWS, SEED = 10_000, 20_261_122


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of a mean over questions (BCa, `eval.statistics`).

    Questions are resampled, not claims or sentences: those of one answer hang together.

    >>> interval([0.5, 0.5, 0.5])
    (0.5, 0.5)
    """
    low, high = intervals(np.array(values, float)[:, None], DRAWS, SEED)  # (1,), (1,)
    return float(low[0]), float(high[0])


def resampled(n: int, draws: int) -> Iterator[NDArray[np.int64]]:
    """Yield the places of every resample of n, for what is no mean, (n,)."""
    random = np.random.default_rng(SEED)
    for _ in range(draws):
        yield random.integers(0, n, n)
