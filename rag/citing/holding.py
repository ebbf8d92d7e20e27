"""What of a text may be shown while it is written: all but citation markers."""

from collections.abc import Collection

from rag.citing.brackets import Scanner
from rag.citing.removing import Mark, Removing


class Holding:
    """Takes a text as it is written and gives back what may be shown of it.

    White space is held back until something follows it, and at most a little more than
    `rag.citing.brackets.REACH` code points of text: those that may become a marker, or a formula or
    code that holds one. All that is given back together is what `rag.citing.markers.read` makes of
    the whole text.

    >>> holding = Holding({1, 2})
    >>> [holding.feed(piece) for piece in ("36 hours [", "1", "]. ", "Yes")], holding.close()
    (['36 hours', '', '.', ' Yes'], '')
    >>> holding.marks
    (Mark(refs=(1,), at=8),)
    """

    def __init__(self, legal: Collection[int]) -> None:
        """Start a text.

        Args:
            legal: the numbers that this request may cite. What else is cited is taken out as well,
                and counted in `dropped`.
        """
        self._scanner = Scanner()
        self._removing = Removing(legal)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The markers so far, in order."""
        return tuple(self._removing.marks)

    @property
    def dropped(self) -> int:
        """How many numbers so far were cited that are not legal."""
        return self._removing.dropped

    def feed(self, written: str) -> str:
        """Return what may be shown now that this is written, too."""
        return self._removing.take(self._scanner.feed(written))

    def close(self) -> str:
        """Return the rest: nothing more will be written."""
        return self._removing.take(self._scanner.close()) + self._removing.close()
