"""One system against another, query by query."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.statistics.arrays import Bools, Floats
from eval.statistics.bootstrap import intervals
from eval.statistics.paired import EXACT, TESTS, Test
from eval.statistics.power import mde
from rag.errors import BadInput
from rag.values import Frozen

TIE = 0.001
"""Differences up to this are no win and no loss (chosen)."""


@dataclass(frozen=True, slots=True)
class Comparison(Frozen):
    """What b has over a: differences are b − a, over the n queries that both have a value for.

    `low` and `high` are the BCa interval of the mean difference, `d_z` is it ÷ the differences'
    standard deviation (0 where they are all equal), `mde` the least true difference that n queries
    show with a chance of 80 %. `draws` is how many ways to set signs the test looked at, 0 for one
    that draws none.
    """

    n: int
    mean_a: float
    mean_b: float
    difference: float
    low: float
    high: float
    p: float
    d_z: float
    wins: int
    ties: int
    losses: int
    mde: float
    test: Test
    draws: int


def compare(
    a: Sequence[float] | Floats,
    b: Sequence[float] | Floats,
    test: Test = "randomisation",
    draws: int = 10_000,
    seed: int = 0,
    alpha: float = 0.05,
) -> Comparison:
    """Return the comparison of two systems' values of the same queries, in the same order.

    Raises:
        BadInput: as `compare_all`.

    >>> found = compare([0.2, 0.4, 0.5], [0.3, 0.4, 0.7], "t")
    >>> found.n, round(found.difference, 3), found.wins, found.ties, found.losses
    (3, 0.1, 2, 1, 0)
    """
    others = np.asarray(b, np.float64)[:, None]
    return compare_all(a, others, test, draws, seed, alpha)[0]


def compare_all(
    a: Sequence[float] | Floats,
    others: Floats,
    test: Test = "randomisation",
    draws: int = 10_000,
    seed: int = 0,
    alpha: float = 0.05,
) -> tuple[Comparison, ...]:
    """Return the comparison of each column of `others` with a, by the same draws.  # (n, m).

    Queries that have no value (NaN) in any system are left out.

    Raises:
        BadInput: not one value for each query in both, a query that only some have a value for, or
            none that has one.
    """
    baseline = np.asarray(a, np.float64)
    counted = _counted(baseline, others)
    first, second = baseline[counted], others[counted]
    differences = second - first[:, None]  # (n, m)
    n = len(differences)
    exact = n <= EXACT and test == "randomisation"
    low, high = intervals(differences, draws, seed, alpha)
    return tuple(
        Comparison(
            n,
            float(first.mean()),
            float(second[:, i].mean()),
            float(difference.mean()),
            float(low[i]),
            float(high[i]),
            float(p),
            _effect(difference),
            int((difference > TIE + 1e-12).sum()),
            int((np.abs(difference) <= TIE + 1e-12).sum()),
            int((difference < -TIE - 1e-12).sum()),
            mde(_spread(difference), n, alpha),
            test,
            1 << n if exact else draws * (test == "randomisation"),
        )
        for i, (difference, p) in enumerate(
            zip(differences.T, TESTS[test](differences, draws, seed), strict=True)
        )
    )


def _counted(a: Floats, others: Floats) -> Bools:
    if len(a) != len(others):
        raise BadInput(f"{len(a)} values against {len(others)}: compare the same queries")
    missing = np.isnan(a)
    if (np.isnan(others) != missing[:, None]).any():
        raise BadInput("a query has a value in one system and none in another: use the same qrels")
    if missing.all():
        raise BadInput("no query has a relevant document: there is nothing to compare")
    return ~missing


def _spread(differences: Floats) -> float:
    return float(differences.std(ddof=1)) if np.ptp(differences) else 0.0


def _effect(differences: Floats) -> float:
    spread = _spread(differences)
    return float(differences.mean()) / spread if spread else 0.0
