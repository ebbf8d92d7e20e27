"""What is nearly a tie is read again, exactly; nothing else is."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.llms.batching import Row
from rag.llms.careful import CLOSE, Careful
from rag.llms.decoding import Branching
from rag.llms.reading import LogProbs

pytestmark = pytest.mark.model

WANTED = ((0, 1, 2),)


class Known:
    """Reads a row as the log-probabilities under its first id, plus an error."""

    def __init__(self, table: Sequence[LogProbs], error: float | None = 0.0) -> None:
        self.rows: list[Row] = []
        self._table = table
        self._error = 0 if error is None else np.array([error, -error, 0.0], np.float32)

    def read(self, rows: Sequence[Row]) -> list[LogProbs]:
        self.rows += rows
        return [self._table[row.ids[0]] + self._error for row in rows]

    def session(self) -> Branching:
        raise NotImplementedError


numbers = st.floats(-5, 0, width=32)


@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=20))
def test_the_first_label_is_the_exact_models_when_the_error_is_small(
    table: list[tuple[float, float, float]],
) -> None:
    true = [np.array([values], np.float32) for values in table]
    exact = Known(true)
    rows = [Row((i, 9), WANTED) for i in range(len(true))]
    found = Careful(Known(true, error=CLOSE / 2.01), exact).read(rows)
    for mine, value in zip(found, true, strict=True):
        assert value[0, mine[0].argmax()] == value.max()
    far = [
        row for row, value in zip(rows, true, strict=True) if np.ptp(np.sort(value)[0, 1:]) > 0.2
    ]
    assert not set(far) & set(exact.rows)


def test_a_continuation_is_read_once() -> None:
    exact = Known([])
    rows = [Row((i,), ((3,), (4,))) for i in range(2)]
    fast = Known([np.full((2, 1), -1.0, np.float32)] * 2, error=None)
    assert len(Careful(fast, exact).read(rows)) == 2
    assert exact.rows == []
