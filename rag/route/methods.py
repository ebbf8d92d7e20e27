"""Routers by name."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

from rag.route.classifier import Classifier
from rag.route.features import features
from rag.route.model_file import read
from rag.route.routes import Route, unsure
from rag.route.rules import rules

Router: TypeAlias = Callable[[str, Sequence[float]], Route]
"""Tells from a question and the scores of its first search, best first, what it needs."""


def by_rules(text: str, scores: Sequence[float]) -> Route:
    """Return what the rules say; where they say nothing, one search."""
    del scores
    return rules(text) or unsure("no rule speaks")


def by_classifier(classifier: Classifier, text: str, scores: Sequence[float]) -> Route:
    """Return what the rules say, or else a classifier."""
    return rules(text) or classifier.route(features(text, scores))


def routers(model: str = "") -> Mapping[str, Router]:
    """Return the routers that there are; that of a model only where its file is named.

    Raises:
        BadSettings: the file is missing or damaged.
    """
    known: dict[str, Router] = {"rules": by_rules}
    if model:
        known["classifier"] = partial(by_classifier, read(Path(model)))
    return known
