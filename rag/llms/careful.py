"""Reading fast, and exactly where it matters: the label that comes first is the exact model's."""

from collections.abc import Sequence

import numpy as np

from rag.llms.batching import Row
from rag.llms.decoding import Branching
from rag.llms.reading import LogProbs, Reader

CLOSE = 0.05  # twice the error (root mean square) that bf16 makes in log-odds, measured


class Careful:
    """Reads with one model and, where the two likeliest labels are nearly a tie, with another.

    Args:
        fast: reads everything, and writes.
        exact: reads again what is within `CLOSE`; slower, so that is the lesser part.
    """

    def __init__(self, fast: Reader, exact: Reader) -> None:
        self._fast = fast
        self._exact = exact

    def read(self, rows: Sequence[Row]) -> Sequence[LogProbs]:
        """Return, per row, log-probabilities of the wanted ids, shape (positions, ids)."""
        found = list(self._fast.read(rows))
        again = [i for i, logprobs in enumerate(found) if is_close(logprobs)]
        for i, logprobs in zip(again, self._exact.read([rows[i] for i in again]), strict=True):
            found[i] = logprobs
        return found

    def session(self) -> Branching:
        """Return a session of the fast model that has read nothing yet."""
        return self._fast.session()


def is_close(logprobs: LogProbs) -> bool:
    """Whether one of several labels comes out first by less than `CLOSE`.

    >>> is_close(np.array([[-1.0, -1.04, -3.0]])), is_close(np.array([[-1.0, -2.0]]))
    (True, False)
    >>> is_close(np.array([[-1.0], [-1.0]]))  # a continuation: nothing competes
    False
    """
    if logprobs.shape[-1] < 2:
        return False
    second, first = np.partition(logprobs[-1], -2)[-2:]
    return bool(first - second < CLOSE)
