"""Citation markers in what a model wrote, taken out of it.

Accepted: [1], [1][2], [1, 2], [1-3], full-width 【1】 and ［１］, [^1], [[1]], [Passage 2].
Left alone: code, links, images, maths, arrays such as x[1], years such as [1984].
"""

from collections.abc import Collection
from dataclasses import dataclass

from rag.citing.brackets import Scanner
from rag.citing.grammar import CLOSING, OPENING, Cited, legal_refs
from rag.citing.holding import Holding
from rag.citing.removing import Mark, Removing
from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Marked(Frozen):
    """A text without its markers, what they cite in order, and how many numbers were not legal."""

    text: str
    marks: tuple[Mark, ...]
    dropped: int


def read(written: str, legal: Collection[int]) -> Marked:
    """Return a written text without its markers, and these.

    Args:
        written: what a model wrote.
        legal: the numbers that this request may cite; others are taken out and counted.

    >>> read("It lasts 36 hours [2][7].", legal={1, 2})
    Marked(text='It lasts 36 hours.', marks=(Mark(refs=(2,), at=17),), dropped=1)
    """
    holding = Holding(legal)
    text = holding.feed(written) + holding.close()
    return Marked(text, holding.marks, holding.dropped)


def stripped(text: str, legal: Collection[int]) -> str:
    """Return a turn of a chat without the markers that would pass for citations of this request.

    A model copies numbers from what was said before, where they meant other passages. A marker of
    which no number is legal now is harmless and stays.

    >>> stripped("It lasts 36 hours [2], says the plate [9].", legal={1, 2})
    'It lasts 36 hours, says the plate [9].'
    """
    for _ in range(_NESTED):  # what is taken out can leave another: "[[[1]1]"
        before, text = text, _without(text, legal)
        if before == text:
            return text
    return text.translate(_ROUND)


_NESTED = 4  # chosen: passes; who nests deeper wants to be read for long
_ROUND = str.maketrans(dict.fromkeys(OPENING, "(") | dict.fromkeys(CLOSING, ")"))


def _without(text: str, legal: Collection[int]) -> str:
    scanner, removing = Scanner(), Removing(legal)
    pieces = (*scanner.feed(text), *scanner.close())
    passing = (
        piece.text if isinstance(piece, Cited) and not legal_refs(piece, legal).refs else piece
        for piece in pieces
    )
    return removing.take(passing) + removing.close()
