"""Answered or refused, where there is an answer and where there is none."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rag.values import Frozen

_Z = 1.959963984540054  # the normal quantile of .975


@dataclass(frozen=True, slots=True)
class Rate(Frozen):
    """A share of n, None of none, with Wilson's 95 % interval (JASA 1927)."""

    of: int
    n: int
    share: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Abstention(Frozen):
    """Questions by whether they can be answered and whether they were; `unknown` are in no cell."""

    answered_answerable: int
    refused_answerable: int
    answered_other: int
    refused_other: int
    unknown: int

    @property
    def answered(self) -> Rate:
        """The share of answerable questions that were answered."""
        return rate(self.answered_answerable, self.answered_answerable + self.refused_answerable)

    @property
    def refused(self) -> Rate:
        """The share of other questions that were refused."""
        return rate(self.refused_other, self.answered_other + self.refused_other)


def abstention(told: Iterable[tuple[bool | None, bool]]) -> Abstention:
    """Return the table of (answerable, answered).

    >>> abstention([(True, True), (True, False), (False, False), (None, True)])
    ... # doctest: +NORMALIZE_WHITESPACE
    Abstention(answered_answerable=1, refused_answerable=1, answered_other=0, refused_other=1,
               unknown=1)
    """
    cells = list(told)
    return Abstention(
        cells.count((True, True)),
        cells.count((True, False)),
        cells.count((False, True)),
        cells.count((False, False)),
        sum(answerable is None for answerable, _ in cells),
    )


def rate(of: int, n: int) -> Rate:
    """Return a share with its interval; all of [0, 1] where there is nothing to share in.

    >>> found = rate(5, 10)
    >>> found.share, round(found.low, 3), round(found.high, 3)
    (0.5, 0.237, 0.763)
    """
    if not n:
        return Rate(of, n, None, 0.0, 1.0)
    share, z2 = of / n, _Z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    width = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Rate(of, n, share, max(0.0, middle - width), min(1.0, middle + width))
