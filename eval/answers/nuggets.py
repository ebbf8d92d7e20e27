"""How much of what an answer should say it says: nuggets, as TREC RAG 2024 scores them.

Pradeep et al., 2024 (arXiv 2411.09607): a nugget is vital or okay, and an answer supports it, in
part, or not. Two things are otherwise than in their code: an assignment that failed is in no figure
and counted, not a 0; and what there is nothing of is None, not 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag.values import Frozen

Importance: TypeAlias = Literal["vital", "okay"]
Assigned: TypeAlias = Literal["support", "partial_support", "not_support", "failed"]

_SHARES: Mapping[Assigned, float] = {"support": 1.0, "partial_support": 0.5, "not_support": 0.0}
_WEIGHTS: Mapping[Importance, float] = {"vital": 1.0, "okay": 0.5}


@dataclass(frozen=True, slots=True)
class Nugget(Frozen):
    """A fact that an answer should hold."""

    text: str
    importance: Importance = "vital"


@dataclass(frozen=True, slots=True)
class NuggetScores(Frozen):
    """How far an answer holds its nuggets, each in [0, 1], None where there are none to hold.

    `a` is over all nuggets, `v` over the vital, `w` over all where an okay one weighs half. The
    strict ones count full support alone; `v_strict` was the first measure of TREC RAG 2024. Fit to
    compare systems over 20 topics or more, not to grade one answer. `failed` counts assignments
    that are in none of them.
    """

    a: float | None
    a_strict: float | None
    v: float | None
    v_strict: float | None
    w: float | None
    w_strict: float | None
    failed: int = 0


def scored(importances: Sequence[Importance], assigned: Sequence[Assigned]) -> NuggetScores:
    """Return the scores of one answer, from what its nuggets weigh and which of them it holds.

    >>> vital = ["support", "partial_support", "not_support"]
    >>> scores = scored(["vital"] * 3 + ["okay"] * 2, [*vital, "support", "not_support"])
    >>> scores.a, scores.a_strict, scores.v, scores.w, scores.w_strict
    (0.5, 0.4, 0.5, 0.5, 0.375)
    """
    pairs = list(zip(importances, assigned, strict=True))
    judged = [(weight, _SHARES[held]) for weight, held in pairs if held != "failed"]
    a, a_strict = _both([(1.0, share) for _, share in judged])
    v, v_strict = _both([(1.0, share) for weight, share in judged if weight == "vital"])
    w, w_strict = _both([(_WEIGHTS[weight], share) for weight, share in judged])
    return NuggetScores(a, a_strict, v, v_strict, w, w_strict, len(pairs) - len(judged))


def _both(shares: Sequence[tuple[float, float]]) -> tuple[float | None, float | None]:
    """Return the weighted mean of the shares, and that of full support alone."""
    total = math.fsum(weight for weight, _ in shares)
    if not total:
        return None, None
    plain = math.fsum(weight * share for weight, share in shares)
    strict = math.fsum(weight for weight, share in shares if share == 1)
    return plain / total, strict / total
