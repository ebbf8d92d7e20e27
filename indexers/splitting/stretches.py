"""Stretches: a giant text is split a megabyte at a time, at borders that no chunk would cross."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rag.values import Frozen, Markup

STRETCH = 1 << 20  # characters: chosen, two seconds of work; what is shorter is never stretched

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?P<sign>`{3,}(?=[^`]*$)|~{3,})")
_FIRST: Mapping[Markup, re.Pattern[str]] = {
    "plain": re.compile(r"(?!)"),
    "markdown": re.compile(r" {0,3}#{1,6}(?=\s|$)"),
    "code": re.compile(r"[^\s}\])]"),  # of the file itself, not of what is inside something
}
_SEEN = 1_000  # characters of a line that are looked at: no fence and no heading begins later
_SPACE = re.compile(r"\s(?=\S)")


@dataclass(frozen=True, slots=True)
class Stretch(Frozen):
    """A half-open range of a text; `fenced` where it is part of one long code block."""

    start: int
    end: int
    fenced: bool = False


def stretches(text: str, markup: Markup, most: int = STRETCH) -> Iterator[Stretch]:
    """Yield ranges of at most that many characters, in order, which are the text together.

    A range ends before a heading (in code before something that is not indented) where there is
    one in it, else at the end of a paragraph, of a line, of a word, whichever can be had. A fenced
    code block is torn only where it is longer than a range; then its parts are `fenced`.
    """
    start, fence = 0, ""
    while start < len(text):
        if len(text) - start <= most and not fence:
            yield Stretch(start, len(text))
            return
        end, after = _border(text, start, min(len(text), start + most), markup, fence)
        yield Stretch(start, end, bool(fence))
        start, fence = end, after


_KINDS = ("first", "paragraph", "line", "fenced")  # of borders, the best first


def _border(text: str, start: int, stop: int, markup: Markup, fence: str) -> tuple[int, str]:
    """Return where the stretch from `start` on ends, and the fence that is open there."""
    last: dict[str, tuple[int, str]] = {}
    began, blank = bool(fence), False
    for line in _LINE.finditer(text, start, stop):
        at, end = line.span()
        head = text[at : min(end, at + _SEEN)]
        if start < at < end:
            first = (blank or markup == "markdown") and bool(_FIRST[markup].match(head))
            last.update(dict.fromkeys(_kinds(fence, blank, first), (at, fence)))
        was, fence = fence, _fenced(head, fence) if markup == "markdown" else ""
        if began and was and not fence:
            return end, ""  # the block ends here: what follows is Markdown again
        blank = not head.strip()
    if stop == len(text):
        return stop, ""
    best = next((last[kind] for kind in _KINDS if kind in last), None)
    return best or (_inside(text, start, stop), fence)


def _kinds(fence: str, blank: bool, first: bool) -> tuple[str, ...]:
    """Return what kinds of border the beginning of a line is; `blank` is the line before it."""
    if fence:
        return ("fenced",)
    return ("line", *(["paragraph"] if blank else []), *(["first"] if first else []))


def _fenced(line: str, fence: str) -> str:
    """Return the fence that is open after a line."""
    found = _FENCE.match(line.rstrip())
    if not fence:
        return found["sign"] if found else ""
    stripped = line.strip(" \t\r\n>")
    closes = len(stripped) >= len(fence) and set(stripped) == {fence[0]}
    return "" if closes else fence


def _inside(text: str, start: int, stop: int) -> int:
    """Return where a line that is longer than a stretch is cut: at a space, or where it must be."""
    near = max(start + 1, stop - 4096)
    spaces = [found.end() for found in _SPACE.finditer(text, near, stop)]
    return spaces[-1] if spaces else stop
