"""How far a model's answers about pairs agree with themselves.

Matrices are (n, n) and hold NaN where nothing is known, on the diagonal too. A lean [i, j] is how
far the model leaned to the passage shown first when i was; a margin [i, j] is by how much i is
better than j, 0 a tie, and margins are antisymmetric. Measures and names of the triads follow Zeng
et al., "LLM-RankFusion" (arXiv 2406.00231).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rag.values import Frozen

Matrix: TypeAlias = npt.NDArray[np.float64]
"""Figures of ordered pairs, shape (n, n)."""


@dataclass(frozen=True, slots=True)
class Triads(Frozen):
    """How many triads are not transitive, by shape, of the `known`: those with all three pairs.

    `cyclic`: i beats j, j beats k, k beats i. `one_tie`: i beats j, j beats k, i and k tie.
    `two_ties`: i ties with j, j ties with k, i beats k.
    """

    known: int = 0
    cyclic: int = 0
    one_tie: int = 0
    two_ties: int = 0

    def rate(self, count: int) -> float:
        """Return a count as a share of the triads known; 0.0 where there is none.

        >>> Triads(known=4, cyclic=1).rate(1), Triads().rate(0)
        (0.25, 0.0)
        """
        return count / self.known if self.known else 0.0


def matrix(n: int, figures: Mapping[tuple[int, int], float]) -> Matrix:
    """Return the figures as a matrix, NaN where there is none.

    >>> matrix(2, {(0, 1): 3.0}).tolist()
    [[nan, 3.0], [nan, nan]]
    """
    filled = np.full((n, n), np.nan)
    if figures:
        rows, columns = zip(*figures, strict=True)
        filled[list(rows), list(columns)] = list(figures.values())
    return filled


def antisymmetric(n: int, margins: Mapping[tuple[int, int], float]) -> Matrix:
    """Return the margins of unordered pairs as a matrix in which [j, i] is −[i, j].

    Args:
        n: number of passages.
        margins: by pair; each pair at most once, in either order.

    >>> antisymmetric(2, {(0, 1): 3.0}).tolist()
    [[nan, 3.0], [-3.0, nan]]
    """
    half = matrix(n, margins)
    return np.where(np.isnan(half), -half.T, half)


def inconsistency(leans: Matrix) -> float:
    """Return the share of pairs in which the same letter wins whichever passage is shown first.

    Over the pairs known in both orders; 0.0 where there is none.

    >>> inconsistency(matrix(3, {(0, 1): 2.0, (1, 0): 1.0, (0, 2): 1.0, (2, 0): -1.0}))
    0.5
    """
    first, second = _both_orders(leans)
    return float(np.mean(first * second > 0)) if len(first) else 0.0


def bias(leans: Matrix) -> float:
    """Return the mean lean to the first letter that does not depend on the passages.

    b = (l_ij + l_ji) / 2 per pair known in both orders; 0.0 where there is none.

    >>> bias(matrix(2, {(0, 1): 2.0, (1, 0): 1.0}))
    1.5
    """
    first, second = _both_orders(leans)
    return float(np.mean(first + second) / 2) if len(first) else 0.0


def _both_orders(leans: Matrix) -> tuple[Matrix, Matrix]:
    above = np.triu_indices(len(leans), 1)
    first, second = leans[above], leans.T[above]
    known = ~np.isnan(first + second)
    return first[known], second[known]


def triads(margins: Matrix) -> Triads:
    """Return how many triads contradict themselves.

    Every triad is looked at; memory grows with n², time with n³ (n = 100: 161,700 triads).

    >>> triads(antisymmetric(3, {(0, 1): 1.0, (1, 2): 1.0, (2, 0): 1.0}))
    Triads(known=1, cyclic=1, one_tie=0, two_ties=0)
    """
    signs = np.sign(margins)  # (n, n)
    counts = np.zeros(4, dtype=np.int64)  # not transitive, by number of ties
    known = 0
    for i in range(len(signs) - 2):
        j, k = np.triu_indices(len(signs) - i - 1, 1)
        rest, of_i = signs[i + 1 :, i + 1 :], signs[i, i + 1 :]
        # Around the triad: i over j, j over k, k over i.
        around = np.stack([of_i[j], rest[j, k], -of_i[k]])  # (3, pairs of others)
        around = around[:, ~np.isnan(around).any(axis=0)]
        ties = (around == 0).sum(axis=0)
        # All that is not a tie points the same way around: a chain that does not close.
        chained = np.abs(around.sum(axis=0)) + ties == len(around)
        counts += np.bincount(ties[chained], minlength=len(counts))
        known += around.shape[1]
    return Triads(known, *(int(count) for count in counts[:3]))


def most_cyclic(n: int) -> int:
    """Return the most cyclic triads that n passages without ties can have.

    (n³ − n) / 24 for odd n, (n³ − 4n) / 24 for even n: Kendall and Babington Smith, Biometrika
    1940. Divide a count by it to compare tournaments of different size.

    >>> most_cyclic(3), most_cyclic(4), most_cyclic(100)
    (1, 2, 41650)
    """
    return (n**3 - (n if n % 2 else 4 * n)) // 24
