"""Pieces in pieces: small leaves to be found, in larger ones to be read (LlamaIndex, Haystack)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from indexers.splitting.cutting import Cut, Cuts, moved
from indexers.splitting.pieces import Piece
from rag.values import Markup


def nested(levels: Sequence[Cuts]) -> Cuts:
    """Return the cuts at the last level, within those of the levels before it, the outermost first.

    The family of a leaf are the pieces that it is in and that hold more than itself.
    """

    def cuts(markup: Markup, language: str) -> Cut:
        chosen = [level(markup, language) for level in levels]

        def cut(texts: Sequence[str]) -> list[list[Piece]]:
            return [list(_leaves(text, chosen)) for text in texts]

        return cut

    return cuts


def _leaves(text: str, levels: Sequence[Cut], first: int = 0) -> Iterator[Piece]:
    """Yield the leaves of a text, the first of them having that number."""
    (pieces,) = levels[0]([text])
    if len(levels) == 1:
        yield from pieces
        return
    for piece in pieces:
        inner = list(_leaves(text[piece.start : piece.end], levels[1:], first))
        whole = (first, first + len(inner))
        for leaf, placed in zip(inner, moved(inner, piece.start), strict=True):
            is_more = len(inner) > 1 and leaf.family[-1:] != (whole,)
            yield replace(placed, family=(*leaf.family, *([whole] if is_more else [])))
        first = whole[1]
