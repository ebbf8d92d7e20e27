"""Beliefs about how good passages are, and what a ranking of some of them teaches.

TrueSkill, Herbrich et al., NeurIPS 2006: a passage's skill is normal, what it shows in a ranking is
its skill with noise, and the better one shows more. Beliefs are refined by expectation propagation
over the pairs of successive levels; passages of one level say nothing about one another.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rag.values import Frozen
from rerankers.ordering import Levels

MEAN = 25.0  # TrueSkill's scale: a mean of 25, a deviation of a third, noise of a sixth
NOISE = MEAN / 6
_SWEEPS = 20  # chosen: chains of 20 settle to four digits in about ten
_SETTLED = 1e-4  # chosen: of the scale of 25
_FAR = -30.0  # below it the normal distribution function loses its digits


@dataclass(frozen=True, slots=True)
class Belief(Frozen):
    """A normal distribution of a skill."""

    mean: float
    deviation: float

    def above(self, threshold: float) -> float:
        """Return the probability of a skill above a threshold.

        >>> Belief(25.0, 8.0).above(25.0)
        0.5
        """
        return normal_below((self.mean - threshold) / self.deviation)


def normal_below(x: float) -> float:
    """Return Φ(x), the probability that a standard normal variable is below x.

    >>> normal_below(0.0)
    0.5
    """
    return math.erfc(-x / math.sqrt(2)) / 2


def shift(t: float) -> float:
    """Return v(t) = φ(t) / Φ(t): how far a win moves the means, the more the less it was expected.

    >>> round(shift(0.0), 4)
    0.7979
    """
    if t < _FAR:
        return -t - 1 / t + 2 / t**3
    return math.exp(-t * t / 2) / math.sqrt(2 * math.pi) / normal_below(t)


def shrink(t: float) -> float:
    """Return w(t) = v(t) · (v(t) + t), in (0, 1): how much a win narrows the beliefs.

    >>> round(shrink(0.0), 4)
    0.6366
    """
    v = shift(t)
    return v * (v + t)


@dataclass(slots=True)
class _Normal:
    """A normal distribution by its precision and its precision times its mean."""

    precision: float = 0.0
    weighted: float = 0.0

    def add(self, other: "_Normal", sign: int = 1) -> "_Normal":
        return _Normal(
            self.precision + sign * other.precision, self.weighted + sign * other.weighted
        )


def _normal(mean: float, variance: float) -> _Normal:
    return _Normal(1 / variance, mean / variance)


def learned(beliefs: Sequence[Belief], ranked: Levels) -> dict[int, Belief]:
    """Return the new beliefs about the passages of a ranking, by number.

    A single level teaches nothing. For two passages this is TrueSkill's update without draws:

    >>> new = learned([Belief(25.0, 25 / 3), Belief(25.0, 25 / 3)], ((0,), (1,)))
    >>> [(round(b.mean, 3), round(b.deviation, 3)) for b in new.values()]
    [(29.205, 7.194), (20.795, 7.194)]
    """
    items = [i for level in ranked for i in level]
    shown = {i: _normal(beliefs[i].mean, beliefs[i].deviation ** 2 + NOISE**2) for i in items}
    before = dict(shown)
    pairs = [(a, b) for i in range(len(ranked) - 1) for a in ranked[i] for b in ranked[i + 1]]
    said = {pair: (_Normal(), _Normal()) for pair in pairs}
    for sweep in range(_SWEEPS):
        moved = 0.0
        for pair in pairs if sweep % 2 == 0 else reversed(pairs):
            moved = max(moved, _compare(pair, shown, said))
        if moved < _SETTLED:
            break
    return {i: _posterior(beliefs[i], shown[i].add(before[i], -1)) for i in items}


def _compare(
    pair: tuple[int, int],
    shown: dict[int, _Normal],
    said: dict[tuple[int, int], tuple[_Normal, _Normal]],
) -> float:
    """Let a pair say again that its first shows more; return how far that moves a mean."""
    better, worse = (shown[i].add(old, -1) for i, old in zip(pair, said[pair], strict=True))
    variances = 1 / better.precision, 1 / worse.precision
    means = better.weighted * variances[0], worse.weighted * variances[1]
    spread = math.sqrt(sum(variances))
    t = (means[0] - means[1]) / spread
    new = [
        _normal(
            mean + sign * variance / spread * shift(t),
            variance * (1 - variance / spread**2 * shrink(t)),
        )
        for mean, variance, sign in zip(means, variances, (1, -1), strict=True)
    ]
    moved = max(
        abs(after.weighted / after.precision - shown[i].weighted / shown[i].precision)
        for i, after in zip(pair, new, strict=True)
    )
    said[pair] = (new[0].add(better, -1), new[1].add(worse, -1))
    shown[pair[0]], shown[pair[1]] = new
    return moved


def _posterior(belief: Belief, said: _Normal) -> Belief:
    """Return a belief after what a ranking said about what was shown."""
    if said.precision <= 0:
        return belief
    skill = _normal(said.weighted / said.precision, 1 / said.precision + NOISE**2)
    both = _normal(belief.mean, belief.deviation**2).add(skill)
    return Belief(both.weighted / both.precision, math.sqrt(1 / both.precision))
