"""Agreement of two raters on a scale 0 … k−1, from tables of how often they gave which grades.

Every measure is a function of a table, so one of all resamples is the same function of a stack of
tables. Letters: q queries, k grades, n pairs; `…` are any axes of a stack.
"""

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
Grades: TypeAlias = npt.NDArray[np.int64]
Weighting: TypeAlias = Literal["nominal", "linear", "quadratic"]

LIMIT = 1.96  # standard deviations that hold 95 % of a normal distribution; Bland & Altman 1986


def tables(
    human: Grades,
    judge: Grades,
    k: int,
    queries: Grades | None = None,
    weights: Array | None = None,
) -> Array:
    """Return the weight of the pairs by query, human grade (row) and judge's grade (column).

    `queries` are the numbers of the pairs' queries, from 0; by default all are of one.

    >>> tables(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)[0].tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    of = np.zeros(len(human), np.int64) if queries is None else queries
    q = int(of.max(initial=-1)) + 1
    cells = (of * k + human) * k + judge
    return np.bincount(cells, weights, q * k * k).astype(np.float64).reshape(q, k, k)  # (q, k, k)


def kappa(table: Array, weighting: Weighting = "nominal") -> Array:
    """Return Cohen's κ (1960; weighted 1968): 1 − disagreement seen / disagreement by chance.

    NaN where chance knows no disagreement: both raters gave one and the same grade throughout.

    >>> kappa(np.array([[20.0, 5.0], [10.0, 15.0]])).round(6).item()
    0.4
    """
    k = table.shape[-1]
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    weight = {"nominal": np.sign(apart), "linear": apart, "quadratic": apart**2}[weighting]
    shares = _shares(table)
    chance = shares.sum(-1)[..., :, None] * shares.sum(-2)[..., None, :]  # (…, k, k)
    return 1.0 - ratio((weight * shares).sum((-2, -1)), (weight * chance).sum((-2, -1)))


def binary(table: Array, cut: int) -> Array:
    """Return the 2 × 2 tables of {grade ≥ cut}.

    >>> binary(np.arange(9.0).reshape(3, 3), 2).tolist()
    [[8.0, 7.0], [13.0, 8.0]]
    """
    return np.add.reduceat(np.add.reduceat(table, [0, cut], axis=-2), [0, cut], axis=-1)


def exact(table: Array) -> Array:
    """Return the share of pairs that got the same grade. It flatters: chance alone is high."""
    same: Array = np.trace(_shares(table), axis1=-2, axis2=-1)
    return same


def bias(table: Array) -> Array:
    """Return the mean of judge − human, in grades; above 0 the judge is lenient.

    >>> bias(np.array([[1.0, 1.0], [0.0, 2.0]])).item()
    0.25
    """
    mean: Array = (_shares(table) * _differences(table)).sum((-2, -1))
    return mean


def absolute_error(table: Array) -> Array:
    """Return the mean of |judge − human|, in grades."""
    mean: Array = (_shares(table) * np.abs(_differences(table))).sum((-2, -1))
    return mean


def limits(table: Array) -> Array:
    """Return the limits between which 95 % of judge − human lie: mean ∓ 1.96 sd; (…, 2).

    Bland and Altman, Lancet 1986; for relevance labels arXiv 2506.10301. The table's sum is taken
    for the number of pairs. NaN for fewer than two.
    """
    mean, n = bias(table), table.sum((-2, -1))
    squares = (_shares(table) * (_differences(table) - mean[..., None, None]) ** 2).sum((-2, -1))
    sd = np.sqrt(ratio(squares * n, np.where(n > 1, n - 1, 0)))
    return np.stack([mean - LIMIT * sd, mean + LIMIT * sd], axis=-1)  # (…, 2)


def precision(table: Array) -> Array:
    """Return, by grade, the share of the judge's labels that people gave too; NaN for none."""
    return ratio(np.diagonal(table, axis1=-2, axis2=-1), table.sum(-2))


def recall(table: Array) -> Array:
    """Return, by grade, the share of people's labels that the judge gave too; NaN for none."""
    return ratio(np.diagonal(table, axis1=-2, axis2=-1), table.sum(-1))


def prevalence(table: Array) -> Array:
    """Return the share of every grade, by people and by the judge; (…, 2, k)."""
    shares = _shares(table)
    return np.stack([shares.sum(-1), shares.sum(-2)], axis=-2)


def _shares(table: Array) -> Array:
    return ratio(table, table.sum((-2, -1), keepdims=True))


def _differences(table: Array) -> Array:
    """Return judge − human of every cell; (k, k)."""
    k = table.shape[-1]
    grades = np.arange(k, dtype=np.float64)
    return grades[None, :] - grades[:, None]


def ratio(above: Array, below: Array) -> Array:
    """Return above / below; NaN where that is 0."""
    above, below = np.broadcast_arrays(above, below)
    found: Array = np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
    return found
