"""Who may serve on a jury, and how much a vote is worth.

With known items: a qualification exam, as in PRE (Chu et al., arXiv 2401.15641). Without them:
jurors weigh each other, as in PRD (Li et al., arXiv 2307.02762).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from eval.agreement import contingency
from eval.agreement.contingency import tables
from eval.judges.reading import TOP
from rag.values import Frozen, Judgment

PASS = 0.2  # chosen: a quadratic κ below the lower bound of every judge in LLMJudge's table but one
_ROUNDS = 100  # chosen: of mutual weighting; a handful of jurors settles in far fewer


@dataclass(frozen=True, slots=True)
class Exam(Frozen):
    """How a juror did: quadratic κ with the known grades, times the share that was answered."""

    score: float
    answered: int
    of: int

    @property
    def passed(self) -> bool:
        """Whether the juror may serve."""
        return self.score >= PASS


def examine(judgments: Sequence[Judgment], known: Sequence[int]) -> Exam:
    """Return how a juror's judgments of known items agree with their grades."""
    pairs = [(j.grade, k) for j, k in zip(judgments, known, strict=True) if j.grade is not None]
    score = kappa([a for a, _ in pairs], [b for _, b in pairs])
    share = len(pairs) / len(known) if known else 0.0
    return Exam(max(0.0, score) * share, len(pairs), len(known))


def kappa(a: Sequence[int], b: Sequence[int]) -> float:
    """Return Cohen's κ with quadratic weights; 0 where a rater has a single grade, or none.

    >>> kappa([0, 1, 2, 3], [0, 1, 2, 3]), kappa([1, 1], [0, 3]), kappa([0, 3], [3, 0])
    (1.0, 0.0, -1.0)
    """
    x, y = (np.clip(np.array(one, np.int64), 0, TOP) for one in (a, b))
    table = tables(x, y, TOP + 1).sum(0)
    return float(np.nan_to_num(contingency.kappa(table, "quadratic")))


def mutual(votes: Mapping[str, Sequence[Judgment]]) -> Mapping[str, float]:
    """Return weights that sum to 1: a juror weighs what the others, weighted, agree with it.

    Agreement is the quadratic κ over cases that both graded, at least 0. The weights are the fixed
    point of w ∝ A·w; where nobody agrees with anybody all are equal.

    >>> said = {"a": (0, 3), "b": (0, 3), "c": (3, 0)}
    >>> mutual({name: [Judgment("q", "d", g) for g in grades] for name, grades in said.items()})
    {'a': 0.5, 'b': 0.5, 'c': 0.0}
    """
    names = [*votes]
    agreed = np.zeros((len(names), len(names)))
    for i, j in combinations(range(len(names)), 2):
        both = [
            (x.grade, y.grade)
            for x, y in zip(votes[names[i]], votes[names[j]], strict=True)
            if x.grade is not None and y.grade is not None
        ]
        found = max(0.0, kappa([x for x, _ in both], [y for _, y in both]))
        agreed[i, j] = agreed[j, i] = found
    weights = np.full(len(names), 1 / len(names))
    for _ in range(_ROUNDS if agreed.any() else 0):
        # Half of the old weight: two jurors alone would swap theirs for ever.
        weights = weights / 2 + (agreed @ weights) / max(1e-12, (agreed @ weights).sum()) / 2
    return dict(zip(names, (weights / weights.sum()).round(6).tolist(), strict=True))
