"""Citing: sentences of a passage, and citations that are verbatim by construction."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sentencex import get_sentence_boundaries

from rag.values import Chunk, Citation, Frozen, Passage

# Lines of Markdown that are no prose: headings, table rows, rules, fences, comments, images.
_NOT_PROSE = re.compile(r"\s*(#{1,6}\s|\||[-=*_]{3,}\s*$|<!--|!\[)")
_FENCE = re.compile(r"\s*(```|~~~)")
_LIST_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+")
_QUOTE_MARK = re.compile(r"\s*(?:>\s?)+")


@dataclass(frozen=True, slots=True)
class Span(Frozen):
    """A half-open span of a chunk's text, in code points."""

    start: int
    end: int


def sentences(text: str, language: str = "en") -> tuple[Span, ...]:
    """Return the spans of the sentences of a text, in order, without surrounding white space.

    Sentence borders are those of sentencex (abbreviations, decimals, CJK). Markdown headings,
    tables, rules and fenced code hold no sentence; a list item starts one, without its marker.

    >>> [("A b. C 3.5 d."[s.start:s.end]) for s in sentences("A b. C 3.5 d.")]
    ['A b.', 'C 3.5 d.']
    """
    return tuple(
        Span(block + start, block + end)
        for block, body in _blocks(text)
        for start, end in _split(body, language)
    )


def _split(body: str, language: str) -> Iterator[tuple[int, int]]:
    for boundary in get_sentence_boundaries(language, body):
        start, end = boundary["start_index"], boundary["end_index"]
        piece = body[start:end]
        stripped = piece.strip()
        if any(character.isalnum() for character in stripped):
            offset = start + len(piece) - len(piece.lstrip())
            yield offset, offset + len(stripped)


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, text) of each run of prose lines: a paragraph, or one list item."""
    start: int | None = None
    offset, fenced = 0, False
    for line in text.splitlines(keepends=True):
        fence = _FENCE.match(line) is not None
        marker = None if fenced or fence else _LIST_ITEM.match(line) or _QUOTE_MARK.match(line)
        prose = not (fenced or fence or not line.strip() or _NOT_PROSE.match(line))
        if start is not None and (marker or not prose):
            yield start, text[start:offset]
            start = None
        if prose and start is None:
            start = offset + (marker.end() if marker else 0)
        fenced ^= fence
        offset += len(line)
    if start is not None:
        yield start, text[start:]


def cite(passage: Passage, span: Span, score: float) -> Citation:
    """Return the citation of a span of a passage, with its span in the whole document."""
    chunk: Chunk = passage.candidate.chunk
    return Citation(
        ref=passage.ref,
        chunk_id=chunk.id,
        document_id=chunk.document_id,
        quote=chunk.text[span.start : span.end],
        start=chunk.start + span.start,
        end=chunk.start + span.end,
        score=score,
    )
