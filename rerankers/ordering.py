"""What ranking flows work on: passages by number, in the order of the first stage.

Number 0 is the first stage's best. So a smaller number is what breaks every tie, and an
uninformative model leaves the first stage's order as it was.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

from rag.flows import Flow
from rag.values import Chosen, Frozen

Window: TypeAlias = tuple[int, ...]
"""Numbers of passages that are looked at together, in the order that breaks ties between them."""

Levels: TypeAlias = tuple[tuple[int, ...], ...]
"""A ranking with ties: passages of the same level are equally good; the best level is first."""


@dataclass(frozen=True, slots=True)
class Ordering(Frozen):
    """Passages by number, best first: a permutation.

    `scores`, by passage number, never rise along the order; empty where the method gives no score
    that means something by itself. `missing` counts labels that the model did not report,
    `malformed` replies that could not be read as they were meant.
    """

    order: tuple[int, ...]
    scores: tuple[float, ...] = ()
    missing: int = 0
    malformed: int = 0
    findings: Mapping[str, float] = field(default_factory=dict)


Ranker: TypeAlias = Flow[Ordering]
"""A flow that ranks. One into which an error is thrown returns the best order it has so far."""


def by_score(scores: Sequence[float]) -> tuple[int, ...]:
    """Return the numbers of the passages, highest score first, ties by number.

    >>> by_score([0.5, 0.9, 0.5])
    (1, 0, 2)
    """
    return tuple(sorted(range(len(scores)), key=lambda i: (-scores[i], i)))


def levels(window: Window, scores: Sequence[float]) -> Levels:
    """Return the passages of a window by their score, equal ones in the window's order.

    Args:
        window: the passages.
        scores: of each, in the same order; finite.

    >>> levels((4, 7, 9), [0.1, 0.9, 0.1])
    ((7,), (4, 9))
    """
    rated = sorted(zip(scores, window, strict=True), key=lambda pair: -pair[0])
    return tuple(tuple(i for _, i in tied) for _, tied in groupby(rated, key=lambda pair: pair[0]))


def flat(ranked: Levels) -> Window:
    """Return the passages of a ranking with ties, best first.

    >>> flat(((7,), (4, 9)))
    (7, 4, 9)
    """
    return tuple(i for level in ranked for i in level)


def floored(chosen: Chosen, margin: float = 1.0) -> tuple[float, ...]:
    """Return the log-probabilities, those missing or not finite at the least observed − margin.

    Where none was observed all are 0.0: equal. Ties are left to the caller.

    >>> floored(Chosen((-0.5, None, -2.0)))
    (-0.5, -3.0, -2.0)
    """
    observed = [p for p in chosen.logprobs if p is not None and math.isfinite(p)]
    missing = min(observed) - margin if observed else 0.0
    return tuple(p if p is not None and math.isfinite(p) else missing for p in chosen.logprobs)


def unread(chosen: Chosen) -> int:
    """Return how many labels the model did not report, or not as a number.

    >>> unread(Chosen((-0.5, None, float("nan"))))
    2
    """
    return sum(p is None or not math.isfinite(p) for p in chosen.logprobs)


def completed(ranked: Iterable[int], window: Window) -> Window:
    """Return the passages of a window in the order ranked, the ones left out after them.

    What is not in the window, or was there before, is passed over: the result is a permutation.

    >>> completed([9, 3, 9], (4, 7, 9))
    (9, 4, 7)
    """
    known = dict.fromkeys(i for i in ranked if i in set(window))
    return (*known, *(i for i in window if i not in known))
