"""SKR-kNN: did a search help the questions that were most like this one?

Wang et al., "Self-Knowledge Guided Retrieval Augmentation for Large Language Models" (2023, arXiv
2310.05002), in the form that FlashRAG runs. Nothing is trained: a log of outcomes is enough.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.errors import BadInput
from rag.route.routes import Route, unsure
from rag.route.silver import Outcome
from rag.values import Frozen, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours(Frozen):
    """Questions of a log, n of them.

    Args:
        vectors: a unit row per question, (n, h).
        helped: whether a search made its answer better (1), worse (−1), or neither (0), (n,).

    Raises:
        BadInput: there is not one row per outcome, or a row is not finite.
    """

    vectors: Vector  # (n, h)
    helped: npt.NDArray[np.int64]  # (n,)

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.helped.shape != self.vectors.shape[:1]:
            raise BadInput(
                f"vectors of shape {self.vectors.shape} for {self.helped.shape} outcomes: give one "
                "row per outcome"
            )
        if not np.isfinite(self.vectors).all():
            raise BadInput("a vector of the log is not finite: encode the questions again")


def known(outcomes: Sequence[Outcome], vectors: Vector) -> Neighbours:
    """Return logged outcomes as neighbours.

    A search helped where an answer with one was right, in steps or not, and the one without was
    not; it did harm where it was the other way round.

    Args:
        outcomes: n of them.
        vectors: of their questions, unit rows, (n, h).

    Raises:
        BadInput: as `Neighbours`.
    """
    helped = [
        int(bool(one.right.get("B") or one.right.get("C"))) - int(bool(one.right.get("A")))
        for one in outcomes
    ]
    return Neighbours(vectors, np.array(helped, np.int64))


def route(vector: Vector, known: Neighbours, k: int = 5) -> Route:
    """Return A or B, by the k nearest questions of the log, weighed against the whole log.

    With d the sum of `helped` among the k and D among all n, t = trunc(D·k/n), towards zero, is
    what k questions drawn blindly would have. D < 0: no search only where d < 0 and d ≤ t. D ≥ 0: a
    search only where d > 0 and d ≥ t. Where d = 0 the neighbours are tied, and it is searched: the
    published rule does not for D ≥ 0. Equally near questions count in the order of the log; of a
    log with fewer than k, all count.

    Args:
        vector: of the question, a unit vector of the same encoder, (h,).
        known: the log.
        k: neighbours asked; 5 is the paper's.

    Raises:
        BadInput: the vector has not the log's shape or is not finite, or k < 1.
    """
    if vector.shape != known.vectors.shape[1:] or not np.isfinite(vector).all():
        raise BadInput(
            f"a vector of shape {vector.shape} for a log of {known.vectors.shape}: encode both "
            "with the same encoder"
        )
    if k < 1:
        raise BadInput(f"k is {k}: ask 1 neighbour at least")
    n = len(known.helped)
    if not n:
        return unsure("no outcomes are known")
    k = min(k, n)
    nearest = np.argsort(-(known.vectors @ vector), kind="stable")[:k]  # (k,)
    near, whole = int(known.helped[nearest].sum()), int(known.helped.sum())
    expected = math.trunc(whole * k / n)
    why = f"{near:+d} of the {k} nearest, {whole:+d} of all {n}"
    searched = _searched(near, whole, expected)
    return Route("B" if searched else "A", "neighbours", why)


def _searched(near: int, whole: int, expected: int) -> bool:
    """Return whether it is searched.

    >>> _searched(-1, -4, -1), _searched(-1, -9, -2), _searched(2, 5, 2), _searched(1, 9, 4)
    (False, True, True, False)
    """
    if near == 0:
        return True
    # `expected` has the sign of `whole`: beyond it, `near` is below 0 or above as the rule wants.
    return near > expected if whole < 0 else near >= expected
