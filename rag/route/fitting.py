"""Fitting the router: Newton's method on the penalised likelihood.

Letters of shapes: n examples, f features, c kinds.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from rag.errors import BadInput
from rag.route.classifier import Classifier
from rag.route.routes import KINDS, Kind
from rag.values import Frozen

_Array = npt.NDArray[np.float64]

NAME = re.compile(r"[A-Za-z0-9_-]+")
"""What a feature may be called, so that it can head a table of a TOML file."""

_MOST_STEPS = 200  # chosen: separable examples under a weak penalty take about 30
_FLAT = 1e-9  # chosen: largest slope that counts as the bottom


@dataclass(frozen=True, slots=True)
class Example(Frozen):
    """The features of a question, by name, and what it needed."""

    features: Mapping[str, float]
    kind: Kind


def fit(examples: Sequence[Example], trained: date, l2: float = 1.0) -> Classifier:
    """Return the model that makes the examples most likely, under a penalty.

    It minimises −Σ log P(kind | x) + l2/2 · Σ weight² over standardised features; biases are free.
    Nothing is drawn: the same examples give the same model.

    Args:
        examples: of two kinds at least, all with the same features.
        trained: the date that the model will bear.
        l2: above 0; more of it makes weights smaller and the probabilities more careful.

    Raises:
        BadInput: the examples are of fewer than two kinds or do not fit together, a feature is not
            finite or has a name that no file can hold, or `l2` is too small to end.
    """
    names = _names(examples)
    kinds = tuple(kind for kind in KINDS if any(example.kind == kind for example in examples))
    if len(kinds) < 2:
        raise BadInput(
            f"all {len(examples)} examples are of one kind: add questions of another one"
        )
    if not 0 < l2 < float("inf"):
        raise BadInput(f"l2 is {l2}: give a number above 0, such as 1")
    x = np.array([[example.features[name] for name in names] for example in examples])  # (n, f)
    y = np.array([[example.kind == kind for kind in kinds] for example in examples], float)  # (n,c)
    means, scales = _standard(x, names)  # (f,)
    weights = _newton(np.column_stack([(x - means) / scales, np.ones(len(x))]), y, l2)  # (c, f + 1)
    return Classifier(
        features=names,
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        kinds=kinds,
        weights=tuple(tuple(row) for row in weights[:, :-1].tolist()),
        biases=tuple(weights[:, -1].tolist()),
        counts={kind: int(y[:, i].sum()) for i, kind in enumerate(kinds)},
        l2=float(l2),
        trained=trained,
    )


def _names(examples: Sequence[Example]) -> tuple[str, ...]:
    names = tuple(examples[0].features) if examples else ()
    for name in names:
        if not NAME.fullmatch(name):
            raise BadInput(f"the feature '{name}': name it with letters, digits, _ and -")
    for i, example in enumerate(examples):
        if example.features.keys() != set(names):
            raise BadInput(f"example {i + 1} has other features than the first: count all alike")
    return names


def _standard(x: _Array, names: Sequence[str]) -> tuple[_Array, _Array]:
    """Return mean and standard deviation by feature, (f,) each; 1 for one that never changes."""
    with np.errstate(over="ignore", invalid="ignore"):
        means, scales = x.mean(axis=0), x.std(axis=0)
    for name, finite in zip(names, np.isfinite(scales), strict=True):
        if not finite:
            raise BadInput(f"the feature '{name}' is not finite, or too large: leave it out")
    constant = scales <= 1e-12 * np.maximum(1.0, np.abs(means))
    return means, np.where(constant, 1.0, scales)


def _newton(x: _Array, y: _Array, l2: float) -> _Array:
    """Return the weights, (c, f + 1); the last column of `x` is 1 and its weight free."""
    penalty = np.full(x.shape[1], l2 / len(x))  # (f + 1,)
    penalty[-1] = 0.0
    weights = np.zeros((y.shape[1], x.shape[1]))  # (c, f + 1)
    for _ in range(_MOST_STEPS):
        p = np.exp(_log_softmax(x @ weights.T))  # (n, c)
        slope = (p - y).T @ x / len(x) + penalty * weights  # (c, f + 1)
        if np.abs(slope).max() < _FLAT:
            return weights
        # Raising all biases changes nothing, so the curvature is singular: the shortest step.
        step = np.asarray(
            np.linalg.lstsq(_curvature(x, p, penalty), slope.ravel(), rcond=None)[0], np.float64
        )
        shorter = _descended(x, y, penalty, weights, step.reshape(weights.shape), slope)
        if shorter is None:
            break
        weights = shorter
    raise BadInput(f"the model does not settle with l2 = {l2}: give a larger one")


def _descended(
    x: _Array, y: _Array, penalty: _Array, weights: _Array, step: _Array, slope: _Array
) -> _Array | None:
    """Return the weights after a step that is halved until it leads down (Armijo), if any does."""
    before, promised = _loss(x, y, penalty, weights), float((step * slope).sum())
    for halvings in range(40):
        size = 0.5**halvings
        after = weights - size * step
        if _loss(x, y, penalty, after) <= before - 1e-4 * size * promised + 1e-15:
            return after
    return None


def _curvature(x: _Array, p: _Array, penalty: _Array) -> _Array:
    """Return the second derivatives, (c·(f + 1), c·(f + 1))."""
    c, f = p.shape[1], x.shape[1]
    mixed = p[:, :, None] * (np.eye(c) - p[:, None, :]) / len(x)  # (n, c, c)
    curvature: _Array = np.einsum("nkl,ni,nj->kilj", mixed, x, x, optimize=True)
    curvature = curvature.reshape(c * f, c * f)
    return curvature + np.diag(np.tile(penalty, c))


def _loss(x: _Array, y: _Array, penalty: _Array, weights: _Array) -> float:
    likely = (y * _log_softmax(x @ weights.T)).sum() / len(x)
    return float((penalty * weights**2).sum() / 2 - likely)


def _log_softmax(logits: _Array) -> _Array:
    shifted: _Array = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted
