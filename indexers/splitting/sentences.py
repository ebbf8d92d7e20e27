"""Sentences as pieces: found for what each says alone, to be read with their neighbours."""

import re
from collections.abc import Iterator, Sequence

from indexers.splitting.cutting import Cut, Cuts, exactly
from indexers.splitting.pieces import Piece
from indexers.splitting.tokens import Tokens
from rag.citing.sentences import sentences
from rag.values import Markup

SHORT = 8  # tokens, chosen: "Yes, it does." says nothing alone
_LINE_START = re.compile(r"(?:\r\n|\r|\n)(?=[^\r\n]*\Z)")
_HEADING = re.compile(r"\s*(?:#{1,6}\s|[^\r\n]+[\r\n]+ {0,3}(?:=+|-+)\s*$)")


def by_sentences(tokens: Tokens, most: int, finer: Cuts) -> Cuts:
    """Return the cuts at sentences; code is cut along its syntax.

    What is no sentence (a heading, a table, code in Markdown) is a piece of its own. A short piece
    joins the one after it, but a heading begins anew.
    """

    def cuts(markup: Markup, language: str) -> Cut:
        if markup == "code":
            return finer(markup, language)

        def cut(texts: Sequence[str]) -> list[list[Piece]]:
            return [_cut(text, tokens, most, finer(markup, language)) for text in texts]

        return cut

    return cuts


def _cut(text: str, tokens: Tokens, most: int, finer: Cut) -> list[Piece]:
    units = list(_units(text))
    sizes = tokens.count([text[start:end].strip() for start, end in units])
    return exactly(text, _joined(text, units, sizes, most), tokens, most, finer)


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Yield sentences with what stands before them on their line, and the lines between them."""
    end = 0
    for span in sentences(text):
        line = _LINE_START.search(text, end, span.start)
        begin = line.end() if line else end
        if text[end:begin].strip():
            yield end, begin
            end = begin
        yield end, span.end
        end = span.end
    if end < len(text):
        yield end, len(text)


def _joined(
    text: str, units: Sequence[tuple[int, int]], sizes: Sequence[int], most: int
) -> Iterator[tuple[int, int]]:
    begin, size = 0, 0
    for (start, end), more in zip(units, sizes, strict=True):
        joins = size < SHORT and size + more <= most and not _HEADING.match(text, start, end)
        if begin < start and not joins:
            yield begin, start
            begin, size = start, 0
        size += more
    if begin < len(text):
        yield begin, len(text)
