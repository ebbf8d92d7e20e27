"""Packing: neighbours share a piece as far as they fit, and what is one thing is not torn.

Borders come in levels, the strongest first. What does not fit between two borders of a level is cut
at those of the next, and at the end by a finer cut.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import TypeAlias

from markdown_it import MarkdownIt
from markdown_it.token import Token

from indexers.splitting.cutting import GRAMMARS, Cut, Cuts, by_structure, exactly
from indexers.splitting.paths import line_starts
from indexers.splitting.pieces import Piece
from indexers.splitting.tokens import Tokens
from rag.values import Frozen, Markup

Levels: TypeAlias = Sequence[Sequence[int]]
"""Where a text may be cut, the best places first; each level in ascending order."""


def recursive(tokens: Tokens, most: int) -> Cuts:
    """Return the cuts along structure; code without a grammar is cut as `packing` does."""
    structure = by_structure(tokens, most)
    packed = packing(tokens, most, structure)
    return lambda markup, language: (packed if markup == "code" else structure)(markup, language)


def packing(tokens: Tokens, most: int, finer: Cuts) -> Cuts:
    """Return the cuts that keep together what belongs together.

    In Markdown these are sections as far as they fit, and tables, lists and code; in plain text
    paragraphs; in code, where there is no grammar for its language, the blocks that blank lines and
    indentation show.
    """
    levels: dict[Markup, Callable[[str], Levels]] = {
        "plain": _paragraphs,
        "markdown": _sections,
        "code": _blocks,
    }

    def cuts(markup: Markup, language: str) -> Cut:
        of, within = levels[markup], finer(markup, language)
        if markup == "code" and language in GRAMMARS:
            return within

        def cut(texts: Sequence[str]) -> list[list[Piece]]:
            return [_packed(text, of(text), tokens, most, within) for text in texts]

        return cut

    return cuts


def _packed(text: str, levels: Levels, tokens: Tokens, most: int, finer: Cut) -> list[Piece]:
    borders = sorted({0, len(text), *chain.from_iterable(levels)})
    sizes = tokens.count([text[start:end].strip() for start, end in pairwise(borders)])
    before = dict(zip(borders, accumulate(sizes, initial=0), strict=True))
    spans = _Packing(levels, before, most).spans(0, len(text), 0)
    return exactly(text, spans, tokens, most, finer)


@dataclass(frozen=True, slots=True)
class _Packing(Frozen):
    """Borders, how many tokens stand before each, and how many a piece may have."""

    levels: Levels
    before: dict[int, int]
    most: int

    def spans(self, start: int, end: int, level: int) -> Iterator[tuple[int, int]]:
        """Yield spans that fit, or that cannot be cut at borders of this level or a later one."""
        if self._fits(start, end) or level == len(self.levels):
            yield start, end
            return
        borders = self.levels[level]
        inside = borders[bisect_right(borders, start) : bisect_left(borders, end)]
        begin = start
        for unit, stop in pairwise([start, *inside, end]):
            if self._fits(begin, stop):
                continue
            if begin < unit:
                yield begin, unit
            begin = unit
            if not self._fits(unit, stop):
                yield from self.spans(unit, stop, level + 1)
                begin = stop
        if begin < end:
            yield begin, end

    def _fits(self, start: int, end: int) -> bool:
        return self.before[end] - self.before[start] <= self.most


_BLANK = r"(?:[^\S\r\n]*(?:\r\n|\r|\n))"
_PARAGRAPH = re.compile(rf"(?:\r\n|\r|\n){_BLANK}+(?=[^\S\r\n]*\S)")
_BLOCK = re.compile(rf"(?:\r\n|\r|\n){_BLANK}+(?=[^\s}}\])])")


def _paragraphs(text: str) -> Levels:
    return [[found.end() for found in _PARAGRAPH.finditer(text)]]


def _blocks(text: str) -> Levels:
    """Blocks that begin without indentation, those between blank lines, and lines."""
    at_left = [found.end() for found in _BLOCK.finditer(text)]
    return [at_left, *_paragraphs(text), line_starts(text)[1:]]


_PARTS = {"list_item_open", "tr_open"}
_LINES = {"fence", "code_block", "html_block"}


def _sections(text: str) -> Levels:
    """Sections by the level of their headings, blocks, and parts of blocks, which may be nested."""
    lines = line_starts(text)
    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    tokens = [token for token in parser.parse(text) if token.map and token.nesting >= 0]
    top = [token for token in tokens if token.level == 0]
    headings = [(token.tag, _line(token)) for token in top if token.type == "heading_open"]
    found = [
        *([line for tag, line in headings if tag == f"h{rank}"] for rank in range(1, 7)),
        [_line(token) for token in top],
        *_parts(tokens),
    ]
    return [[lines[line] for line in level] for level in found]


def _parts(tokens: Sequence[Token]) -> Iterator[list[int]]:
    """Yield the lines where items, rows and lines of code begin, the outer ones first."""
    parts = [token for token in tokens if token.type in _PARTS | _LINES]
    yield sorted({_line(t) for t in parts if t.type in _PARTS and t.level <= 2})
    every = {_line(token) for token in parts}
    every.update(n for t in parts if t.type in _LINES and t.map for n in range(*t.map))
    yield sorted(every)


def _line(token: Token) -> int:
    assert token.map is not None  # noqa: S101 - those without were left out
    return token.map[0]
