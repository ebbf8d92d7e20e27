"""Sentences of passages and of answers, and citations that are verbatim by construction."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sentencex import get_sentence_boundaries

from rag.values import Chunk, Citation, Frozen, Passage

# What may stand before the prose of a line: quote marks, bullets, numbers, boxes, one in another.
_BULLET = r">|(?:[-*+•]|\d{1,3}[.)])(?=\s)(?:\s+\[[ xX]\](?=\s))?"
_MARKERS = re.compile(rf"\s*(?:(?:{_BULLET})\s*)+")
# Lines that are no prose: headings, table rows, rules, comments, images, link definitions, tags.
_NOT_PROSE = re.compile(
    r"\s*(#{1,6}\s|\||([-=*_]\s*){3,}$|<!--|!\[|\[[^\]^][^\]]*\]:\s|</?[a-zA-Z][^<>]*>\s*$)"
)
# In an answer a table's row is a claim, too: it begins like an item of a list.
_ANSWER_MARKERS = re.compile(rf"\s*(?:(?:{_BULLET}|\|)\s*)+")
_NO_CLAIM = re.compile(
    r"\s*(#{1,6}\s|([-=*_]\s*){3,}$|<!--|!\[|\[[^\]]*\]:\s|</?[a-zA-Z][^<>]*>\s*$)"
)
_UNDERLINE = re.compile(r"\s*(={3,}|-{3,})\s*")
# What hides lines, and what ends it: a fence ends with as many of its characters or more.
_OPENING = re.compile(r"\s*(?:(?P<fence>`{3,})[^`]*$|(?P<tildes>~{3,})|(?P<comment><!--))")


@dataclass(frozen=True, slots=True)
class Span(Frozen):
    """A half-open span of a chunk's text, in code points."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Form(Frozen):
    """How lines of a kind of text begin, and which of them hold no sentence."""

    markers: re.Pattern[str]
    not_prose: re.Pattern[str]


_SOURCE = _Form(_MARKERS, _NOT_PROSE)
_ANSWER = _Form(_ANSWER_MARKERS, _NO_CLAIM)


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
        for block, body in _blocks(text, _SOURCE)
        for start, end in _split(body, language)
    )


def written(text: str, language: str = "en") -> tuple[Span, ...]:
    """Return the spans of the sentences of an answer without citation markers, in order.

    As `sentences`, but that a row of a table is one, too, and that what has no letter of its own,
    such as the number of a list within a line, belongs to the sentence after it or, where there is
    none, before it.

    >>> text = "Wait for 3.5 hours, e.g. here. 2. Then call Dr. Smith."
    >>> [text[span.start:span.end] for span in written(text)]
    ['Wait for 3.5 hours, e.g. here.', '2. Then call Dr. Smith.']
    """
    return tuple(
        Span(block + start, block + end)
        for block, body in _blocks(text, _ANSWER)
        for start, end in _lettered(body, language)
    )


def _lettered(body: str, language: str) -> list[tuple[int, int]]:
    """Return the sentences of a block; a piece without a letter joins its neighbour."""
    joined: list[tuple[int, int]] = []
    begin: int | None = None
    last = 0
    for start, last in _split(body, language):
        begin = start if begin is None else begin
        if any(map(str.isalpha, body[start:last])):
            joined.append((begin, last))
            begin = None
    if begin is not None:
        joined.append((joined.pop()[0] if joined else begin, last))
    return joined


def _split(body: str, language: str) -> Iterator[tuple[int, int]]:
    for boundary in get_sentence_boundaries(language, body):
        start, end = boundary["start_index"], boundary["end_index"]
        piece = body[start:end]
        stripped = piece.strip()
        if any(character.isalnum() for character in stripped):
            offset = start + len(piece) - len(piece.lstrip())
            yield offset, offset + len(stripped)


def _blocks(text: str, form: _Form) -> Iterator[tuple[int, str]]:
    """Yield (offset, text) of each run of prose lines: a paragraph, a list item, a quoted line."""
    start: int | None = None
    offset = lines = 0
    for line, indent, prose in _lines(text, form):
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


def _lines(text: str, form: _Form) -> Iterator[tuple[str, int, bool]]:
    """Yield each line, the length of its markers, and whether it holds prose after them."""
    closing: re.Pattern[str] | None = None
    for line in text.splitlines(keepends=True):
        if closing:
            closing = None if closing.search(line) else closing
            yield line, 0, False
            continue
        markers = form.markers.match(line)
        indent = markers.end() if markers else 0
        body = line[indent:]
        closing = _closing(body)
        yield line, indent, not (closing or not body.strip() or form.not_prose.match(body))


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
        superseded=chunk.valid_to,
        page=chunk.page_at(chunk.start + span.start),
    )
