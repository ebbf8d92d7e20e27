"""Citing: sentences of a passage, and citations that are verbatim by construction."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sentencex import get_sentence_boundaries

from rag.values import Chunk, Citation, Frozen, Passage

# What may stand before the prose of a line: quote marks, bullets, numbers, boxes, one in another.
_MARKERS = re.compile(r"\s*(?:(?:>|(?:[-*+•]|\d{1,3}[.)])(?=\s)(?:\s+\[[ xX]\](?=\s))?)\s*)+")
# Lines that are no prose: headings, table rows, rules, comments, images, link definitions, tags.
_NOT_PROSE = re.compile(
    r"\s*(#{1,6}\s|\||([-=*_]\s*){3,}$|<!--|!\[|\[[^\]^][^\]]*\]:\s|</?[a-zA-Z][^<>]*>\s*$)"
)
_UNDERLINE = re.compile(r"\s*(={3,}|-{3,})\s*")
# What hides lines, and what ends it: a fence ends with as many of its characters or more.
_OPENING = re.compile(r"\s*(?:(?P<fence>`{3,})[^`]*$|(?P<tildes>~{3,})|(?P<comment><!--))")


@dataclass(frozen=True, slots=True)
class Span(Frozen):
    """A half-open span of a chunk's text, in code points."""

    start: int
    end: int


def sentences(text: str, language: str = "en") -> tuple[Span, ...]:
    """Return the spans of the sentences of a text, in order, without surrounding white space.

    Sentence borders are those of sentencex (abbreviations, decimals, CJK). Markdown headings, table
    rows that begin with |, rules, link definitions, comments and fenced code hold no sentence; a
    list item or a quoted line starts one, without its marker.

    >>> text = "- It costs 3.5 euros. Dogs go free."
    >>> [text[span.start:span.end] for span in sentences(text)]
    ['It costs 3.5 euros.', 'Dogs go free.']
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
    """Yield (offset, text) of each run of prose lines: a paragraph, a list item, a quoted line."""
    start: int | None = None
    offset = lines = 0
    for line, indent, prose in _lines(text):
        if start is not None and (indent or not prose):
            if lines > 1 or not _UNDERLINE.fullmatch(line):  # an underlined line is a heading
                yield start, text[start:offset]
            start = None
        if prose and start is None:
            start, lines = offset + indent, 0
        lines += 1
        offset += len(line)
    if start is not None:
        yield start, text[start:]


def _lines(text: str) -> Iterator[tuple[str, int, bool]]:
    """Yield each line, the length of its markers, and whether it holds prose after them."""
    closing: re.Pattern[str] | None = None
    for line in text.splitlines(keepends=True):
        if closing:
            closing = None if closing.search(line) else closing
            yield line, 0, False
            continue
        markers = _MARKERS.match(line)
        indent = markers.end() if markers else 0
        body = line[indent:]
        closing = _closing(body)
        yield line, indent, not (closing or not body.strip() or _NOT_PROSE.match(body))


def _closing(body: str) -> re.Pattern[str] | None:
    """Return what ends the code or comment that this line opens, if it opens one."""
    opening = _OPENING.match(body)
    if opening is None or (opening["comment"] and "-->" in body):
        return None
    if opening["comment"]:
        return re.compile("-->")
    fence = opening["fence"] or opening["tildes"]
    return re.compile(rf"^[\s>]*{fence[0]}{{{len(fence)},}}\s*$")


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
