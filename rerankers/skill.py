"""Beliefs about how good passages are, and what a ranking of some of them teaches.

TrueSkill, Herbrich et al., NeurIPS 2006: a passage's skill is normal, what it shows in a ranking is
its skill with noise, and the better one shows more. Beliefs are refined by expectation propagation
over the pairs of successive levels; passages of one level say nothing about one another.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rag.values import Frozen
from rerankers.ordering import Levels

Numbers = npt.NDArray[np.float64]

MEAN = 25.0  # TrueSkill's scale: a mean of 25, a deviation of a third, noise of a sixth
NOISE = MEAN / 6
_SWEEPS = 60  # chosen: chains settle in far fewer, large levels come within 0.2 of 25
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


@dataclass(frozen=True, slots=True)
class _Normals(Frozen):
    """Normal distributions by their precisions and their precisions times their means."""

    precision: Numbers
    weighted: Numbers

    def __add__(self, other: "_Normals") -> "_Normals":
        return _Normals(self.precision + other.precision, self.weighted + other.weighted)

    def __sub__(self, other: "_Normals") -> "_Normals":
        return _Normals(self.precision - other.precision, self.weighted - other.weighted)

    def times(self, share: float) -> "_Normals":
        return _Normals(self.precision * share, self.weighted * share)

    def summed(self, axis: int) -> "_Normals":
        return _Normals(self.precision.sum(axis), self.weighted.sum(axis))

    def mean(self) -> Numbers:
        return self.weighted / self.precision


def _normals(means: Numbers, variances: Numbers) -> _Normals:
    return _Normals(1 / variances, means / variances)


def learned(beliefs: Sequence[Belief], ranked: Levels) -> dict[int, Belief]:
    """Return the new beliefs about the passages of a ranking, by number.

    A single level teaches nothing. What was believed alike of two passages of one level still is.
    For two passages this is TrueSkill's update without draws:

    >>> new = learned([Belief(25.0, 25 / 3), Belief(25.0, 25 / 3)], ((0,), (1,)))
    >>> [(round(b.mean, 3), round(b.deviation, 3)) for b in new.values()]
    [(29.205, 7.194), (20.795, 7.194)]
    """
    shown = [_shown([beliefs[i] for i in level]) for level in ranked]
    said = [_nothing(len(a), len(b)) for a, b in pairwise(ranked)]
    before, steps = list(shown), range(len(said))
    for sweep in range(_SWEEPS):
        moved = [_compare(at, shown, said) for at in (steps if sweep % 2 == 0 else steps[::-1])]
        if max(moved, default=0.0) < _SETTLED:
            break
    return {
        i: _posterior(beliefs[i], precision, weighted)
        for level, now, old in zip(ranked, shown, before, strict=True)
        for i, precision, weighted in zip(level, *_lists(now - old), strict=True)
    }


def _shown(level: Sequence[Belief]) -> _Normals:
    """Return what passages will show: their skill with noise."""
    return _normals(
        np.array([belief.mean for belief in level]),
        np.array([belief.deviation**2 + NOISE**2 for belief in level]),
    )


def _nothing(better: int, worse: int) -> tuple[_Normals, _Normals]:
    nothing = _Normals(np.zeros((better, worse)), np.zeros((better, worse)))
    return nothing, nothing


def _lists(normals: _Normals) -> tuple[list[float], list[float]]:
    return normals.precision.tolist(), normals.weighted.tolist()


def _compare(at: int, shown: list[_Normals], said: list[tuple[_Normals, _Normals]]) -> float:
    """Let two successive levels say again that the first shows more; return what that moves."""
    old = said[at]
    one, other = shown[at : at + 2]
    better = _Normals(one.precision[:, None], one.weighted[:, None]) - old[0]  # (a, b)
    worse = _Normals(other.precision[None, :], other.weighted[None, :]) - old[1]  # (a, b)
    spread = np.sqrt(1 / better.precision + 1 / worse.precision)
    t = (better.mean() - worse.mean()) / spread
    v, w = np.vectorize(shift)(t), np.vectorize(shrink)(t)
    share = 1 / min(t.shape)  # of the way: pairs that all spoke up at once would go too far
    up = (_won(better, spread, v, w) - better - old[0]).times(share)
    down = (_won(worse, spread, -v, w) - worse - old[1]).times(share)
    said[at] = (old[0] + up, old[1] + down)
    shown[at], shown[at + 1] = one + up.summed(1), other + down.summed(0)
    before, after = (one, other), shown[at : at + 2]
    return max(float(abs(b.mean() - a.mean()).max()) for b, a in zip(before, after, strict=True))


def _won(normals: _Normals, spread: Numbers, v: Numbers, w: Numbers) -> _Normals:
    """Return what was shown, knowing who won: Herbrich et al., Table 1, without a draw margin."""
    variances = 1 / normals.precision
    means = normals.mean() + variances / spread * v
    return _normals(means, variances * (1 - variances / spread**2 * w))


def _posterior(belief: Belief, precision: float, weighted: float) -> Belief:
    """Return a belief after what a ranking said about what was shown."""
    if precision <= 0:
        return belief
    noisy = 1 / precision + NOISE**2
    total = 1 / belief.deviation**2 + 1 / noisy
    mean = (belief.mean / belief.deviation**2 + weighted / precision / noisy) / total
    return Belief(mean, math.sqrt(1 / total))
