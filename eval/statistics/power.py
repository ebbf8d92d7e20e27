"""What a comparison of so many queries can show at all, by the paired t-test."""

import math
from functools import lru_cache

from scipy import optimize, stats

POWER = 0.8


def power(difference: float, sd: float, n: int, alpha: float = 0.05) -> float:
    """Return the chance that n queries show a true mean difference whose values have this sd."""
    df, moved = n - 1, difference / sd * math.sqrt(n)
    bound = stats.t.ppf(1 - alpha / 2, df)
    wrong_way = float(stats.nct.cdf(-bound, df, moved))  # NaN where it is next to nothing
    return float(stats.nct.sf(bound, df, moved)) + (0.0 if math.isnan(wrong_way) else wrong_way)


def mde(sd: float, n: int, alpha: float = 0.05) -> float:
    """Return the least true difference that n queries show with a chance of 80 %.

    ∞ for less than three queries, 0 where all differences are equal.

    >>> round(mde(0.2, 50), 3)
    0.081
    """
    if n < 3:  # of two, SciPy cannot tell: its noncentral t has no value there
        return math.inf
    return sd * _unit(n, alpha) if sd > 0 else 0.0


@lru_cache(maxsize=256)  # it takes 30 ms, and all comparisons of a report ask for the same
def _unit(n: int, alpha: float) -> float:
    top = 8 / math.sqrt(n)
    while power(top, 1.0, n, alpha) < POWER:
        top *= 2
    return float(optimize.brentq(lambda d: power(d, 1.0, n, alpha) - POWER, 0.0, top))


def needed(sd: float, delta: float, alpha: float = 0.05) -> int:
    """Return the fewest queries that show a true difference of delta with a chance of 80 %.

    >>> needed(0.15, 0.02)
    444
    """
    most = 2
    while power(delta, sd, most, alpha) < POWER:
        most *= 2
    least = most // 2
    while most - least > 1:
        half = (least + most) // 2
        least, most = (half, most) if power(delta, sd, half, alpha) < POWER else (least, half)
    return max(2, most)
