"""Windows that are encoded together, for encoders that are far away and many."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence

import numpy as np

from indexers.bulk.windows import Encoded, Window, joined, unknown
from rag.values import Vector

GATHERED = 128  # windows: what is gathered is in memory, with its vectors
SOON_S = 2.0  # chosen: less than encoders need to be opened, which waiting may spare


async def gathered(
    given: AsyncIterator[Window], most: int = GATHERED, soon_s: float = SOON_S
) -> AsyncGenerator[list[Window], None]:
    """Yield the windows in lists: as many as are there or come soon, at least one.

    An error of the source is raised after all windows before it.
    """
    windows: list[Window] = []
    coming = asyncio.ensure_future(anext(given, None))
    try:
        while True:
            await asyncio.wait({coming}, timeout=soon_s if windows else None)
            late = not coming.done() or (windows and coming.exception())
            window = None if late else coming.result()
            if window is not None:
                windows.append(window)
                coming = asyncio.ensure_future(anext(given, None))
            if windows and (window is None or len(windows) == most):
                yield windows
                windows = []
            elif window is None:
                return
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


class Gathering:
    """Puts vectors that come in any order to their windows, which leave in order.

    A text is encoded once, however often it stands in the windows.
    """

    def __init__(self, windows: Sequence[Window], dimension: int) -> None:
        self._windows = windows
        self._places: dict[str, int] = {}
        self._ends: list[int] = []  # of each window: how many texts it and those before it need
        for window in windows:
            for text in unknown(window):
                self._places.setdefault(text, len(self._places))
            self._ends.append(len(self._places))
        self._rows = np.empty((len(self._places), dimension), np.float32)
        self._there = np.zeros(len(self._places), bool)
        self._whole = 0  # all rows before this one are there
        self._left = 0  # windows that have left

    @property
    def texts(self) -> list[str]:
        """The texts without a vector, each once; its place is its number here."""
        return list(self._places)

    @property
    def missing(self) -> int:
        """How many of them have no vector yet."""
        return len(self._there) - int(self._there.sum())

    def keep(self, places: Sequence[int], rows: Vector) -> None:
        """Keep the vectors, shape (n, h), of the texts in these places."""
        self._rows[places] = rows
        self._there[places] = True
        while self._whole < len(self._there) and self._there[self._whole]:
            self._whole += 1

    def leaving(self) -> Iterator[Encoded]:
        """Yield the windows that have become whole, in order, each once."""
        while self._left < len(self._windows) and self._ends[self._left] <= self._whole:
            window, end = self._windows[self._left], self._ends[self._left]
            fresh = end - (self._ends[self._left - 1] if self._left else 0)
            self._left += 1
            yield joined(window, lambda text: self._rows[self._places[text]], fresh)
