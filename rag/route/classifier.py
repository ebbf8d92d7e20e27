"""Level 1: a multinomial logistic regression that says how likely each kind is.

P(kind | x) = softmax over the kinds of bias + Σ weight · (x − mean) / scale. It stands where
Adaptive-RAG (Jeong et al., NAACL 2024, arXiv 2403.14403) has a T5-large, whose accuracy is .54:
it takes microseconds, learns from a hundred questions, and people can read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from rag.errors import BadSettings
from rag.route.routes import DEFAULT, Kind, Route, unsure
from rag.values import Frozen

THRESHOLDS: Mapping[Kind, float] = {"A": 0.8, "C": 0.5}
"""The least probability of a kind that is followed; chosen: what is less likely is searched once.

Leaving out a search that was needed is the worst error; steps too many only take time.
"""


@dataclass(frozen=True, slots=True)
class Classifier(Frozen):
    """A fitted model; of f features and c kinds.

    Args:
        features: names, in the order of `means`, `scales` and each row of `weights`.
        means: of the examples, (f,).
        scales: standard deviations, (f,); 1 for a feature that never changed.
        kinds: the kinds there were examples of, in the order of `weights` and `biases`.
        weights: of the standardised features, (c, f).
        biases: (c,).
        counts: examples by kind.
        l2: penalty that the weights were fitted under.
        trained: when.
        accuracy: share of right routes of examples that were held out, None where none was.
        fusion: whose scores of a first search it was fitted with, "" where it knows none. Scores
            are on their fusion's scale: those of another one mean nothing to the model.
    """

    features: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    kinds: tuple[Kind, ...]
    weights: tuple[tuple[float, ...], ...]
    biases: tuple[float, ...]
    counts: Mapping[Kind, int]
    l2: float
    trained: date
    accuracy: float | None = None
    fusion: str = ""

    def route(
        self, features: Mapping[str, float], thresholds: Mapping[Kind, float] = THRESHOLDS
    ) -> Route:
        """Return the most probable kind, or the default where it is not probable enough.

        Of equally probable kinds the default is taken, else the first.

        Args:
            features: by name; those that the model does not know are passed over.
            thresholds: the least probability of a kind; a kind without one needs none.

        Raises:
            BadSettings: a feature of the model is missing: it was trained by another version.
        """
        probabilities = self.probabilities(features)
        if not probabilities:
            return unsure("the model gives no finite numbers: train it again")
        kind = max(self.kinds, key=lambda kind: (probabilities[kind], kind == DEFAULT))
        likely, needed = probabilities[kind], thresholds.get(kind, 0.0)
        if likely < needed:
            return unsure(f"{kind} has {likely:.2f}, less than {needed:.2f}", probabilities)
        return Route(kind, "classifier", f"{kind} has {likely:.2f}", probabilities)

    def probabilities(self, features: Mapping[str, float]) -> dict[str, float]:
        """Return the probability of each kind; nothing where the numbers overflow.

        Raises:
            BadSettings: as `route`.
        """
        missing = [name for name in self.features if name not in features]
        if missing:
            raise BadSettings(
                f"the router's model wants the feature '{missing[0]}', which this version does not "
                "count: train the model again"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            x = np.array([features[name] for name in self.features])  # (f,)
            z = (x - np.array(self.means)) / np.array(self.scales)  # (f,)
            logits = np.array(self.weights) @ z + np.array(self.biases)  # (c,)
            if not np.isfinite(logits).all():
                return {}
            odds = np.exp(logits - logits.max())  # (c,)
        return dict(zip(self.kinds, map(float, odds / odds.sum()), strict=True))


def report(classifier: Classifier, most: int = 5) -> str:
    """Return in words what a model knows: its examples, and the strongest features of each kind.

    A weight is what one standard deviation of the feature adds to the kind's log-odds; equal ones
    stand in the order of the features.
    """
    counts = ", ".join(f"{count} {kind}" for kind, count in classifier.counts.items())
    held_out = "" if classifier.accuracy is None else f"; held out, {classifier.accuracy:.2f} right"
    lines = [f"trained {classifier.trained} on {counts}{held_out}"]
    for kind, weights in zip(classifier.kinds, classifier.weights, strict=True):
        ordered = sorted(
            zip(classifier.features, weights, strict=True), key=lambda weight: -abs(weight[1])
        )
        strongest = ", ".join(f"{name} {weight:+.2f}" for name, weight in ordered[:most] if weight)
        lines.append(f"{kind}: {strongest or 'no feature tells it apart'}")
    return "\n".join(lines)
