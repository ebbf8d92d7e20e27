"""A query vector moved until its scores agree with a reranker's, for a second retrieval.

What the reranker says about the passages that were found is distilled into the vector that found
them (Reddy et al., "ReFIT", arXiv 2305.11744, and "FIRST", EMNLP 2024). The passages stay as they
are; only the query moves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from rag.values import Frozen, Vector

# Letters of shapes: k passages, h dimensions.

Numbers: TypeAlias = npt.NDArray[np.float64]
Loss: TypeAlias = Callable[[Numbers, Numbers], tuple[float, Numbers]]
"""Maps model scores and teacher scores, (k,) each, to a loss and its gradient, (k,)."""

LEAST_RANGE = 0.01  # chosen: cosines of found passages differ by more, unless all are one text


@dataclass(frozen=True, slots=True)
class Moved(Frozen):
    """The moved query, of length 1, and the loss before every step and after the last."""

    vector: Vector
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Descent(Frozen):
    """What is made small, in how many steps of Adam of which size."""

    loss: Loss
    steps: int
    rate: float


def kl(scores: Numbers, teacher: Numbers) -> tuple[float, Numbers]:
    """Return KL(softmax of the teacher ‖ softmax of the scores), and its gradient by the scores.

    >>> loss, gradient = kl(np.array([0.0, 0.0]), np.log(np.array([3.0, 1.0])))
    >>> round(loss, 4), gradient.round(4).tolist()
    (0.1308, [-0.25, 0.25])
    """
    ours, theirs = _log_softmax(scores), _log_softmax(teacher)
    loss = np.exp(theirs) @ (theirs - ours)
    return max(0.0, float(loss)), np.exp(ours) - np.exp(theirs)


def ranknet(scores: Numbers, teacher: Numbers, *, weighted: bool = True) -> tuple[float, Numbers]:
    """Return the mean of w · log(1 + exp(sⱼ − sᵢ)) over pairs where i is better, and its gradient.

    Of the teacher's scores only the order counts: passages of equal score are no pair. The ranks r
    are counted from 1, and w = 1 / (rᵢ + rⱼ) (Reddy et al., EMNLP 2024) or, not weighted, 1.

    >>> round(ranknet(np.array([0.3, 2.0, -1.0]), np.array([3.0, 2.0, 1.0]))[0], 6)
    0.230855
    """
    better = teacher[:, None] > teacher[None, :]  # (k, k)
    ranks = 1 + better.sum(axis=0)  # (k,)
    weights = better / (ranks[:, None] + ranks[None, :] if weighted else 1)  # (k, k)
    weights = weights / max(1, better.sum())
    behind = scores[None, :] - scores[:, None]  # (k, k): by how much j is above i
    loss = (weights * np.logaddexp(0, behind)).sum()
    pull = weights * (0.5 + 0.5 * np.tanh(behind / 2))  # (k, k): the sigmoid
    return float(loss), pull.sum(axis=0) - pull.sum(axis=1)


def reassigned(order: Sequence[int], scores: Sequence[float]) -> tuple[float, ...]:
    """Return the scores given out anew: the highest to the first passage of the order, and so on.

    So an order becomes a teacher whose scores are spread as those of the first stage.

    >>> reassigned((2, 0, 1), (0.9, 0.5, 0.1))
    (0.5, 0.1, 0.9)
    """
    given = dict(zip(order, sorted(scores, reverse=True), strict=True))
    return tuple(given[i] for i in range(len(order)))


def moved(
    query: Vector,
    passages: Vector,
    teacher: Sequence[float],
    loss: Literal["kl", "ranknet"] = "kl",
    steps: int | None = None,
    rate: float | None = None,
) -> Moved:
    """Return the query vector whose scores of the passages agree with the teacher's.

    The model's scores are c/2 · p·q with c = range of the teacher's scores / range of p·q before
    the first step. A teacher to whom all passages are equal moves nothing.

    Args:
        query: the vector that found the passages, (h,).
        passages: their unit vectors, (k, h).
        teacher: the reranker's finite score of each; "kl" reads the scores, "ranknet" only their
            order (see `reassigned`).
        loss: what is made small.
        steps: updates of the vector; by default 100 for "kl" and 20 for "ranknet", as in FIRST.
        rate: Adam's; by default .005 and .001.
    """
    descent = _DESCENTS[loss]
    start = np.asarray(query, np.float64)  # (h,)
    found = np.asarray(passages, np.float64)  # (k, h)
    wanted = np.asarray(teacher, np.float64)  # (k,)
    if len(wanted) < 2:
        return Moved(_unit(start), ())
    half = np.ptp(wanted) / max(float(np.ptp(found @ start)), LEAST_RANGE) / 2

    def slope(vector: Numbers) -> tuple[float, Numbers]:
        value, gradient = descent.loss(half * (found @ vector), wanted)
        return value, half * (gradient @ found)  # (h,)

    vector, losses = _adam(
        start,
        slope,
        descent.steps if steps is None else steps,
        descent.rate if rate is None else rate,
    )
    return Moved(_unit(vector), losses)


def _adam(
    vector: Numbers,
    slope: Callable[[Numbers], tuple[float, Numbers]],
    steps: int,
    rate: float,
) -> tuple[Numbers, tuple[float, ...]]:
    """Return where Adam leads (Kingma and Ba, ICLR 2015), and the losses on the way."""
    first, second = np.zeros_like(vector), np.zeros_like(vector)
    losses = []
    for step in range(1, steps + 1):
        loss, gradient = slope(vector)
        losses.append(loss)
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        size = np.sqrt(second / (1 - 0.999**step)) + 1e-8
        vector = vector - rate * first / (1 - 0.9**step) / size
    return vector, (*losses, slope(vector)[0])


def _log_softmax(scores: Numbers) -> Numbers:
    return scores - np.logaddexp.reduce(scores)  # type: ignore[no-any-return]  # numpy's reduce is untyped


def _unit(vector: Numbers) -> Vector:
    length = float(np.linalg.norm(vector)) or 1.0
    return (vector / length).astype(np.float32)


_DESCENTS: Mapping[str, _Descent] = {
    "kl": _Descent(kl, 100, 0.005),
    "ranknet": _Descent(ranknet, 20, 0.001),
}
