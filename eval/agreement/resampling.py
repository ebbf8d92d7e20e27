"""Intervals by drawing queries anew: pairs of one query are no independent evidence.

Where pairs are drawn instead, the interval of a κ is five times too narrow (measured on the public
label sets of the LLMJudge challenge: [.265, .308] instead of [.168, .388]).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from eval.agreement.contingency import Array
from rag.values import Frozen

DRAWS = 2_000
SEED = 20_261_122
FEW = 30
"""With fewer queries BCa's corrections are guesses themselves: percentiles are taken, and said."""

_NORMAL = NormalDist()
_AT_ONCE = 500  # draws of one matrix product: (500, q) counts of queries


@dataclass(frozen=True, slots=True)
class Interval(Frozen):
    """A figure with its 95 % interval.

    `method` is "BCa" (Efron 1987), "percentile", or why there is no interval. `undefined` counts
    resamples that the figure is not defined on; they are left out.
    """

    value: float | None
    low: float | None
    high: float | None
    method: str
    undefined: int = 0


@dataclass(frozen=True, slots=True)
class Resamples(Frozen):
    """Sums over queries: of all (…), of every draw (b, …), and of all but one (q, …)."""

    whole: Array
    drawn: Array
    without: Array


def resample(by_query: Array, draws: int = DRAWS, seed: int = SEED) -> Resamples:
    """Return sums of what every query contributes, (q, …), over queries drawn with replacement."""
    q, inner = len(by_query), by_query.shape[1:]
    flat, chance = by_query.reshape(q, -1), np.random.default_rng(seed)
    drawn = [
        chance.multinomial(q, np.full(q, 1 / q), size=min(_AT_ONCE, draws - start)) @ flat
        for start in range(0, draws, _AT_ONCE)
    ]
    whole = by_query.sum(0)
    return Resamples(whole, np.concatenate(drawn).reshape(draws, *inner), whole - by_query)


def interval(statistic: Callable[[Array], Array], of: Resamples, level: float = 0.95) -> Interval:
    """Return a statistic of sums, that maps (…, inner) to (…), with its interval.

    >>> of = resample(np.array([[1.0, 2.0], [3.0, 4.0]]), draws=10)
    >>> interval(lambda sums: sums[..., 0] / sums[..., 1], of).value
    0.6666666666666666
    """
    value, drawn = float(statistic(of.whole)), statistic(of.drawn)
    q, known = len(of.without), drawn[np.isfinite(drawn)]
    undefined = len(drawn) - len(known)
    if not math.isfinite(value):
        return Interval(None, None, None, "not defined", undefined)
    if q < 2:
        return Interval(value, None, None, "one query has no interval", undefined)
    if undefined > len(drawn) / 2:
        return Interval(value, None, None, "mostly not defined", undefined)
    tails, method = ((1 - level) / 2, (1 + level) / 2), "percentile"
    if q >= FEW and (corrected := _bca(value, known, statistic(of.without), tails)):
        tails, method = corrected, "BCa"
    low, high = np.quantile(known, tails)
    return Interval(value, float(low), float(high), method, undefined)


def _bca(
    value: float, drawn: Array, without: Array, tails: tuple[float, float]
) -> tuple[float, float] | None:
    """Return the tails corrected for bias and acceleration; None where they cannot be."""
    slack = 1e-12 * max(1.0, abs(value))  # sums in another order are not another value
    below = float((drawn < value - slack).mean() + (np.abs(drawn - value) <= slack).mean() / 2)
    without = without[np.isfinite(without)]
    apart = without.mean() - without if len(without) else without
    spread = float((apart**2).sum()) ** 1.5
    if not 0 < below < 1 or spread == 0:
        return None
    shift, speed = _NORMAL.inv_cdf(below), float((apart**3).sum()) / (6 * spread)

    def corrected(tail: float) -> float:
        z = shift + _NORMAL.inv_cdf(tail)
        return _NORMAL.cdf(shift + z / (1 - speed * z))

    return corrected(tails[0]), corrected(tails[1])
