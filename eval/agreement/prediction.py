"""Prediction-powered inference: few labels of people and many of a judge, one honest estimate.

Angelopoulos et al., Science 2023 (PPI, λ = 1; so does ARES); Angelopoulos, Duchi and Zrnic 2023
(PPI++, λ by the labels themselves). The judge's mean is corrected by what people say of its errors.
"""

from dataclasses import dataclass

import numpy as np

from eval.agreement.contingency import LIMIT, Array, Grades
from rag.errors import BadInput
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Estimate(Frozen):
    """A mean with its standard error and 95 % interval.

    `power` (λ) is how much of the judge went in: 0 people alone, 1 all of it. `labelled` and
    `unlabelled` are counts.
    """

    value: float
    error: float
    low: float
    high: float
    power: float
    labelled: int
    unlabelled: int


def estimate(
    human: Array, judge: Array, unlabelled: Array, *, power: float | None = None
) -> Estimate:
    """Return the mean of human labels, from those with the judge's, and judge's labels alone.

    Without `power`, λ is the one with the least variance, within 0 and 1.

    Raises:
        BadInput: fewer than two labels of people, or of the judge alone.
    """
    n, m = _enough(human, unlabelled)
    power = tuned(human, judge, unlabelled) if power is None else power
    rest = human - power * judge
    value = power * unlabelled.mean() + rest.mean()
    variance = power**2 * unlabelled.var(ddof=1) / m + rest.var(ddof=1) / n
    return _of(value, variance, power, n, m)


def estimate_by_query(
    human: Array,
    judge: Array,
    queries: Grades,
    unlabelled: Array,
    others: Grades,
    weights: Array | None = None,
    *,
    power: float | None = None,
) -> Estimate:
    """Return the same where labels of one query go together: errors are summed by query first.

    `queries` and `others` are the numbers of the queries of labelled and unlabelled pairs.
    `weights` are those of a stratified sample; `unlabelled` then are all of the judge's labels that
    the sample stands for.

    Raises:
        BadInput: fewer than two labels of people, of the judge alone, or queries.
    """
    n, m = _enough(human, unlabelled)
    power = tuned(human, judge, unlabelled) if power is None else power
    rest = human - power * judge
    shares = np.full(n, 1 / n) if weights is None else weights / weights.sum()
    mean, corrected = unlabelled.mean(), float(shares @ rest)
    count = int(max(queries.max(), others.max())) + 1
    by_query = np.bincount(queries, shares * (rest - corrected), count)
    by_query += np.bincount(others, power * (unlabelled - mean) / m, count)
    seen = len(np.union1d(queries, others))
    if seen < 2:
        raise BadInput("an estimate by query needs labels of two queries or more")
    variance = seen / (seen - 1) * float((by_query**2).sum())
    return _of(power * mean + corrected, variance, power, n, m)


def tuned(human: Array, judge: Array, unlabelled: Array) -> float:
    """Return λ* = cov(human, judge) / ((1 + n / N) var(judge)), within 0 and 1.

    The variance is that of all of the judge's labels; 0 where they are all equal.
    """
    n, m = _enough(human, unlabelled)
    spread = np.concatenate([judge, unlabelled]).var(ddof=1)
    if spread == 0:
        return 0.0
    shared = float(np.cov(human, judge, ddof=1)[0, 1])
    return float(np.clip(shared / ((1 + n / m) * spread), 0.0, 1.0))


def _enough(human: Array, unlabelled: Array) -> tuple[int, int]:
    n, m = len(human), len(unlabelled)
    if min(n, m) < 2:
        raise BadInput(
            f"an estimate needs two labels of people and two of the judge alone, here are {n} "
            f"and {m}"
        )
    return n, m


def _of(value: float, variance: float, power: float, n: int, m: int) -> Estimate:
    error = float(np.sqrt(variance))
    value = float(value)
    return Estimate(value, error, value - LIMIT * error, value + LIMIT * error, power, n, m)
