"""A splitter whose chunks can be seen, and from which documents can be rebuilt."""

import re
from collections.abc import Sequence

from indexers.splitting.pieces import Piece, chunks_of
from rag.values import Chunk, Document


def by_line(documents: Sequence[Document]) -> list[tuple[Chunk, ...]]:
    """One chunk per line, its context the document's title."""
    return [tuple(chunks_of(document, _pieces(document))) for document in documents]


def _pieces(document: Document) -> list[Piece]:
    lines = re.finditer(r"\S(?:.*\S)?", document.text)
    return [Piece(*line.span(), context=document.title) for line in lines] or [Piece(0, 0)]
