"""Probabilities by a logistic regression that people can read.

P = 1 / (1 + e^−z), z = bias + Σ weight · (feature − mean) / scale.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rag.errors import BadSettings
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Term(Frozen):
    """What a feature adds: its weight per standard deviation from the mean of what was fitted."""

    weight: float
    mean: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Logistic(Frozen):
    """A fitted model: a bias and the terms of its features, by name."""

    bias: float
    terms: Mapping[str, Term]

    def probability(self, features: Mapping[str, float]) -> float:
        """Return a probability; features that the model does not know are passed over.

        Raises:
            BadSettings: a feature of the model is missing: it was fitted by another version.

        >>> even = Logistic(0.0, {"words": Term(math.log(3), 2.0, 4.0)})
        >>> even.probability({"words": 2.0}), round(even.probability({"words": 6.0}), 6)
        (0.5, 0.75)
        """
        missing = sorted(self.terms.keys() - features.keys())
        if missing:
            raise BadSettings(
                f"a fitted model wants the feature '{missing[0]}', which this version does not "
                "count: fit it again"
            )
        odds = self.bias + math.fsum(
            term.weight * (features[name] - term.mean) / term.scale
            for name, term in self.terms.items()
        )
        return sigmoid(odds)


def sigmoid(odds: float) -> float:
    """Return the probability of log-odds.

    >>> sigmoid(0.0), round(sigmoid(2.0), 3), sigmoid(-10_000.0)
    (0.5, 0.881, 0.0)
    """
    return 0.5 + 0.5 * math.tanh(odds / 2)  # which never overflows


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability; 0 and 1 are taken for nearly so.

    >>> log_odds(0.5), round(log_odds(0.881), 2)
    (0.0, 2.0)
    """
    nearly = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(nearly / (1 - nearly))
