"""A language model in this process: prompts rendered, read on one lane, many requests at a time."""

from collections.abc import Sequence
from typing import Protocol

from rag.llms.batching import Row

LogProbs = Sequence[Sequence[float]]


class Reader(Protocol):
    """Reads rows of tokens: torch or ONNX Runtime."""

    def read(self, rows: Sequence[Row]) -> Sequence[LogProbs]:
        """Return, per row, log-probabilities of the wanted ids, shape (positions, ids)."""
        ...
