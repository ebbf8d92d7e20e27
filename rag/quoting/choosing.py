"""Which sentences make the answer, and how many."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.quoting.lines import Line, Read
from rag.values import Frozen

SAME = 0.95
"""Cosine from which two sentences say the same; chosen."""

TWIN = 0.7
"""Cosine from which two sentences may be about the same: ERASE's, as of chunks (`indexers`)."""


@dataclass(frozen=True, slots=True)
class Limits(Frozen):
    """How long an answer may be; 0 words is no limit."""

    sentences: int
    words: int = 0


def chosen(read: Read, probabilities: Sequence[float], limits: Limits) -> list[int]:
    """Return the places of the lines to quote, the most probable first; one at least.

    As many are taken as make the expected F1 the highest. Passed over is a line that says what a
    taken one says, that is `outdated`, or that has more words than are left.
    """
    old = outdated(read)
    order = sorted({*range(len(read.lines))} - old, key=lambda i: (-probabilities[i], i))
    taken: list[int] = []
    words, best, count = 0, -1.0, 0
    for i in order:
        length = len(read.lines[i].words)
        if len(taken) == limits.sentences:
            break
        if taken and (_repeats(read, i, taken) or 0 < limits.words < words + length):
            continue
        taken, words = [*taken, i], words + length
        others = [p for place, p in enumerate(probabilities) if place not in taken]
        value = expected_f1([probabilities[place] for place in taken], others)
        if value > best:  # it may rise again after it fell
            best, count = value, len(taken)
    return taken[:count]


def outdated(read: Read) -> set[int]:
    """Return the places of superseded lines that have a twin which still holds."""
    holding = [i for i, line in enumerate(read.lines) if not line.superseded]
    if not holding:
        return set()
    near = (read.vectors @ read.vectors[holding].T).max(axis=1)  # (n,)
    return {i for i, line in enumerate(read.lines) if line.superseded and near[i] >= TWIN}


def expected_f1(taken: Sequence[float], others: Sequence[float]) -> float:
    """Return the expected F1 of what is taken, each line being right with its own probability.

    Of k taken lines a are right, and b of the others would have been: Σ P(a) P(b) 2a / (k + a + b)
    (Ye et al., ICML 2012).

    >>> round(expected_f1([1.0], [0.0]), 6), round(expected_f1([0.5], [0.5]), 6)
    (1.0, 0.416667)
    """
    right, missed = _counts(taken), _counts(others)
    a, b = np.arange(len(right))[:, None], np.arange(len(missed))
    return float(right @ (2 * a / (len(taken) + a + b)) @ missed)


def _counts(probabilities: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return how likely each number of independent events is, (n + 1,)."""
    counts = np.ones(1)
    for p in probabilities:
        counts = np.convolve(counts, (1 - p, p))
    return counts


def arranged(lines: Sequence[Line]) -> list[Line]:
    """Return lines as an answer tells them: the first one, for it answers best, then the others.

    Those stand by document as they do there, the documents in the order of their first lines.
    """
    documents = {line.document: place for place, line in reversed([*enumerate(lines)])}
    others = sorted(lines[1:], key=lambda line: (documents[line.document], line.start))
    return [*lines[:1], *others]


def _repeats(read: Read, line: int, taken: Sequence[int]) -> bool:
    return bool((read.vectors[taken] @ read.vectors[line]).max() >= SAME)
