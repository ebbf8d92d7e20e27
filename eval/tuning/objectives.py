"""Objectives as numbers that shall rise, how uncertain they are, and which points are dominated."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.tuning.definition import Objectives
from eval.tuning.values import Figures, Floats
from rag.values import Frozen

RESAMPLES = 200  # chosen: of the standard error of a percentile, for which there is no formula
FREE_MS = 1e-3  # below the clock's resolution: its logarithm says nothing


@dataclass(frozen=True, slots=True)
class Aim(Frozen):
    """The objectives of a point, all to rise, and the variance of each."""

    values: tuple[float, ...]
    variances: tuple[float, ...]


def aim(figures: Figures, baseline: Figures, wanted: Objectives, seed: int) -> Aim:
    """Return what a point's figures are worth: quality, −ln p95 in milliseconds, −cost per query.

    Quality and cost vary between queries far more than between points, and all points are asked
    the same queries. So their variance is that of the mean difference to the baseline, paired by
    query, whose own is 0.

    Args:
        figures: of the point.
        baseline: of the baseline, of the same queries.
        wanted: which objectives there are.
        seed: of the resamples that the percentile's variance is taken from.
    """
    values = [figures.mean_quality]
    variances = [_paired(figures.quality, baseline.quality)]
    if wanted.latency:
        ms = np.maximum(figures.ms, FREE_MS)
        values.append(-float(np.log(np.percentile(ms, 95))))
        variances.append(_of_percentile(ms, seed))
    if wanted.cost:
        values.append(-float(np.mean(figures.cost)))
        variances.append(_paired(figures.cost, baseline.cost))
    return Aim(tuple(values), tuple(variances))


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of a mean over queries.

    >>> standard_error([0.0, 1.0, 0.0, 1.0])
    0.28867513459481287
    """
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def dominated(values: Sequence[Sequence[float]]) -> tuple[bool, ...]:
    """Return which points another is at least as good as in everything, and better in something.

    >>> dominated([(1, 1), (0, 2), (0, 1), (1, 1)])
    (False, False, True, False)
    """
    of = np.asarray(values, np.float64)  # (n, m)
    return tuple(bool((((of >= one).all(axis=1)) & ((of > one).any(axis=1))).any()) for one in of)


def _paired(values: Sequence[float], others: Sequence[float]) -> float:
    differences = np.asarray(values, np.float64) - np.asarray(others, np.float64)
    return standard_error(differences.tolist()) ** 2


def _of_percentile(ms: Floats, seed: int) -> float:
    """Return the variance of the logarithm of the 95th percentile, by resampling queries."""
    drawn = np.random.default_rng(seed).choice(ms, (RESAMPLES, len(ms)))  # (r, n)
    return float(np.log(np.percentile(drawn, 95, axis=1)).var())
