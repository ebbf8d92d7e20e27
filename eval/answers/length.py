"""How often one system's answers are preferred when length is taken out of the comparison.

Dubois et al., 2024 (arXiv 2404.04475), for two systems: a logistic model of the preference with a
term for the system and one for tanh of the standardised difference of lengths; the rate is the
model's prediction where the difference is 0. Their term for a question's difficulty needs a
population of systems, so it is not here.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.values import Frozen

Array: TypeAlias = NDArray[np.float64]

RIDGE = np.array([1e-3, 0.2])
"""Penalties of the two terms: enough to keep the first finite; alpaca-eval's .2 (`glm_winrate`)."""

_STEPS, _CLOSE = 100, 1e-10


@dataclass(frozen=True, slots=True)
class Controlled(Frozen):
    """Win rates of the first system, a tie half.

    `length` is the weight of a longer answer, 0 where no preference goes with length.
    """

    raw: float
    controlled: float
    length: float


def controlled(wins: Array, differences: Array) -> Controlled:
    """Return the win rate as it is, and with lengths taken as equal.

    Args:
        wins: 1, .5 or 0 per question, (n,), at least one.
        differences: the first system's words less the second's, (n,).

    >>> controlled(np.array([1.0, 0.5, 0.0, 1.0]), np.zeros(4)).raw
    0.625
    """
    system, length = _fitted(wins, scaled(differences))
    return Controlled(float(wins.mean()), float(_sigmoid(system)), float(length))


def scaled(differences: Array) -> Array:
    """Return tanh of the differences over their standard deviation, (n,); 0 where they are alike.

    They are not centred: swapping the systems turns the sign and nothing else.
    """
    deviation = float(differences.std())
    # What is alike for all questions cannot be told from the system.
    return np.tanh(differences / deviation) if deviation > _CLOSE else np.zeros_like(differences)


def _fitted(wins: Array, lengths: Array) -> Array:
    """Return the two weights that minimise the penalised loss, (2,), by Newton's method."""
    design = np.stack([np.ones_like(lengths), lengths], axis=1)  # (n, 2)
    weights = np.zeros(2)
    for _ in range(_STEPS):
        told = _sigmoid(design @ weights)  # (n,)
        slope = design.T @ (told - wins) + RIDGE * weights  # (2,)
        curve = (design.T * (told * (1 - told))) @ design + np.diag(RIDGE)  # (2, 2)
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while size > _CLOSE and _loss(weights - size * step, design, wins) > _loss(
            weights, design, wins
        ):
            size /= 2  # a full step may overshoot where all is won
        weights = weights - size * step
        if np.abs(size * step).max() < _CLOSE:
            break
    return weights


def _loss(weights: Array, design: Array, wins: Array) -> float:
    logits = design @ weights
    return float((np.logaddexp(0, logits) - wins * logits).sum() + (RIDGE * weights**2).sum() / 2)


def _sigmoid(logits: Array) -> Array:
    return 0.5 + 0.5 * np.tanh(logits / 2)
