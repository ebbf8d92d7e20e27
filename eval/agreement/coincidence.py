"""Krippendorff's α: agreement of any number of raters, some of whose labels are missing.

Krippendorff, "Computing Krippendorff's alpha-reliability", 2011. Written from the formulas: the
package of that name is GPL.
"""

from typing import Literal, TypeAlias

import numpy as np

from eval.agreement.contingency import Array, Grades, ratio

Level: TypeAlias = Literal["nominal", "ordinal", "interval"]
MISSING = -1


def coincidences(ratings: Grades, k: int, queries: Grades | None = None) -> Array:
    """Return how often grades met in one pair, by query, grade and grade; (q, k, k).

    `ratings` are grades by rater and pair, `MISSING` where a rater gave none. A pair with m labels
    counts 1 / (m − 1) for each ordered two of them; one with a single label counts nothing.

    >>> coincidences(np.array([[0, 1, 1], [0, 1, MISSING]]), 2)[0].tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """
    n = ratings.shape[1]
    of = np.zeros(n, np.int64) if queries is None else queries
    given = np.stack([(ratings == grade).sum(0) for grade in range(k)], axis=1)  # (n, k)
    m = given.sum(1)
    met = given[:, :, None] * given[:, None, :] - given[:, :, None] * np.eye(k)  # (n, k, k)
    met = met * np.where(m > 1, 1 / np.maximum(m - 1, 1), 0.0)[:, None, None]
    found = np.zeros((int(of.max(initial=-1)) + 1, k, k))
    np.add.at(found, of, met)
    return found


def of_two(table: Array) -> Array:
    """Return the coincidences of two raters' table (`contingency.tables`)."""
    return table + np.swapaxes(table, -2, -1)


def alpha(met: Array, level: Level = "ordinal") -> Array:
    """Return 1 − disagreement seen / disagreement by chance, of coincidences (…, k, k).

    NaN where all labels are one grade, or no pair has two.

    >>> round(alpha(np.array([[4.0, 1.0], [1.0, 4.0]])).item(), 6)
    0.64
    """
    each = met.sum(-1)  # (…, k)
    n = each.sum(-1)
    apart = _distances(each, level)
    seen = (met * apart).sum((-2, -1)) * (n - 1)
    chance = (each[..., :, None] * each[..., None, :] * apart).sum((-2, -1))
    return 1.0 - ratio(seen, chance)


def _distances(each: Array, level: Level) -> Array:
    """Return the squared distances of grades; ordinal ones by how many labels lie between."""
    k = each.shape[-1]
    steps = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    if level != "ordinal":
        return np.sign(steps) if level == "nominal" else steps**2
    # (Σ n_g for g from c to d) − (n_c + n_d) / 2 is the way between the middles of c and d
    middle = np.cumsum(each, axis=-1) - each / 2  # (…, k)
    apart: Array = (middle[..., :, None] - middle[..., None, :]) ** 2
    return apart
