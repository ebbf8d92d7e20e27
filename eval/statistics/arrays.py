"""The arrays of this folder. Shapes: n queries, s systems, m columns, b draws."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_CELLS = 1 << 22  # chosen: numbers of a block of draws, 32 MB


def blocks(draws: int, width: int) -> Iterator[int]:
    """Yield how many draws of so many numbers to take at a time, until all are taken.

    >>> list(blocks(5_000, 2_000))
    [2097, 2097, 806]
    """
    most = max(1, _CELLS // max(1, width))
    while draws > 0:
        yield min(draws, most)
        draws -= most
