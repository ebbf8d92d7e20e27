"""Which sentences make the answer, and how many."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.generate.lines import Line, Read
from rag.values import Frozen

SAME = 0.95
"""Cosine from which two sentences say the same; chosen."""


@dataclass(frozen=True, slots=True)
class Limits(Frozen):
    """How long an answer may be; 0 words is no limit."""

    sentences: int
    words: int = 0


def chosen(read: Read, probabilities: Sequence[float], limits: Limits) -> list[int]:
    """Return the places of the lines to quote, the most probable first; one at least.

    As many are taken as make the expected F1 the highest: of k lines with probabilities p it is
    about 2 Σ p / (k + s), s the sum over all lines. Passed over is a line that says what a taken
    one says, or that has more words than are left.
    """
    order = sorted(range(len(read.lines)), key=lambda i: (-probabilities[i], i))
    total = sum(probabilities)
    taken: list[int] = []
    gained = words = best = 0.0
    for i in order:
        length = len(read.lines[i].words)
        if len(taken) == limits.sentences:
            break
        if taken and (_repeats(read, i, taken) or 0 < limits.words < words + length):
            continue
        value = 2 * (gained + probabilities[i]) / (len(taken) + 1 + total)
        if taken and value <= best:
            break
        taken.append(i)
        gained, words, best = gained + probabilities[i], words + length, value
    return taken


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """Return lines by document, the document of the first line first, as they stand there."""
    documents = {line.document: place for place, line in reversed([*enumerate(lines)])}
    return sorted(lines, key=lambda line: (documents[line.document], line.start))


def _repeats(read: Read, line: int, taken: Sequence[int]) -> bool:
    return bool((read.vectors[taken] @ read.vectors[line]).max() >= SAME)
