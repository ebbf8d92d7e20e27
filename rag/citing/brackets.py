"""The pieces of what a model writes: text, and brackets that cite.

The scanner reads a text in pieces, however it is cut, and never looks further than `REACH` code
points ahead; so what it finds is the same for every way to cut. What Markdown and LaTeX keep for
themselves is text: code, links, images, maths, and arrays such as x[1].
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from rag.citing.grammar import MAY_CITE, OPENING, Cited, cited
from rag.values import Frozen

REACH = 400  # chosen: the longest formula or line of code that is looked through for its end
_LABEL = 200  # chosen: the longest text of a link
_BEFORE = 80  # what of a line tells whether a fence may begin there

_BRACKET_OR_END = re.compile(r"[\[【［\]】］\n]")
_SPECIAL = re.compile(r"[\[【［`~$\\]")
_NO_MATHS = re.compile(r"\n|(?<=\s)\$|\$(?=\d)")  # a second price is not the end of the first
_TARGET_ENDS = re.compile(r"[)\n]")
_RUN = re.compile(rf"(.)\1{{0,{REACH - 1}}}")
_BLANK = re.compile(r"\n[ \t]*\n")
# Scripts that write no spaces: there a bracket after a sign is no array.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
)
_WORD = re.compile(rf"[^\W{_UNSPACED}]")
_LINE_BEGINS = re.compile(r"\n[ \t]*\Z")
_BLOCK_BEGINS = re.compile(r"\n[ \t>]*(?:(?:[-*+•]|\d{1,3}[.)])[ \t]+[ \t>]*)*\Z")
_FENCE = re.compile(r"(`{3,})[^`\n]*\n|(~{3,})[^\n]*\n")


Piece: TypeAlias = str | Cited


@dataclass(frozen=True, slots=True)
class _Found(Frozen):
    """Where a piece ends, and what it is."""

    end: int
    cited: Cited | None = None


class _Undecided(Exception):
    """Only what is not written yet can tell."""


class Scanner:
    """Reads a text in pieces; what it gives back is the text in order, as soon as it is certain."""

    def __init__(self) -> None:
        self._buffer = ""
        self._before = "\n"  # the last of what was read
        self._given = 0  # how much of the buffer was given back ahead, for it cannot cite
        self._closed = False
        self._fence: re.Pattern[str] | None = None  # the line that ends the code
        self._target = False  # within the target of a link
        self._array = False  # directly after x[1]
        self._signs: Mapping[str, Callable[[int], _Found]] = {
            "`": self._ticks,
            "~": self._tildes,
            "$": self._maths,
            "\\": self._escape,
        }

    def feed(self, written: str) -> list[Piece]:
        """Return what is certain now that this is written, too."""
        self._buffer += written
        return self._read()

    def close(self) -> list[Piece]:
        """Return the rest: nothing more will be written."""
        self._closed = True
        return self._read()

    def _read(self) -> list[Piece]:
        pieces: list[Piece] = []
        at = 0
        try:
            while at < len(self._buffer):
                found = self._next(at)
                if found.cited:
                    pieces.append(found.cited)
                elif found.end > at + self._given:
                    pieces.append(self._buffer[at + self._given : found.end])
                self._given = max(0, at + self._given - found.end)
                self._before = (
                    self._before + self._buffer[max(at, found.end - _BEFORE) : found.end]
                )[-_BEFORE:]
                at = found.end
        except _Undecided:
            pass
        self._buffer = self._buffer[at:]
        pieces += self._ahead()
        return pieces

    def _ahead(self) -> list[Piece]:
        """Return the part of what is undecided that is text in any case."""
        end = len(self._buffer)
        if not self._fence:
            may_cite = MAY_CITE.search(self._buffer)
            end = may_cite.start() if may_cite else end
        if end <= self._given:
            return []
        given, self._given = self._given, end
        return [self._buffer[given:end]]

    def _next(self, at: int) -> _Found:
        """Return the next piece; special signs one by one, the text between them at once."""
        if self._fence:
            return self._code_line(at, self._fence)
        if self._target:
            return self._link_target(at)
        special = _SPECIAL.search(self._buffer, at)
        if special is None or special.start() > at:
            self._array = False
            return _Found(special.start() if special else len(self._buffer))
        sign = self._buffer[at]
        if sign in OPENING:
            return self._bracket(at)
        self._array = False
        return self._signs[sign](at)

    def _code_line(self, at: int, fence: re.Pattern[str]) -> _Found:
        end = self._buffer.find("\n", at) + 1 or self._end()
        if fence.fullmatch(self._buffer, at, end):
            self._fence = None
        return _Found(end)

    def _link_target(self, at: int) -> _Found:
        ends = _TARGET_ENDS.search(self._buffer, at)
        self._target = ends is None
        return _Found(ends.end() if ends else len(self._buffer))

    def _bracket(self, at: int) -> _Found:
        last = self._closing(at)
        after = "" if last is None else self._peek(last + 1)  # nothing changes before this is known
        array = self._array or bool(_WORD.fullmatch(self._before[-1]))
        self._array = False
        if last is None:
            return _Found(at + 1)
        inside = self._buffer[at : last + 1]
        if array:
            self._array = OPENING.isdisjoint(inside[1:])
            return _Found(last + 1 if self._array else at + 1)
        if after == "(":
            self._target = True
            return _Found(last + 2)
        defined = after == ":" and _LINE_BEGINS.search(self._before)
        found = None if defined else cited(inside)
        return _Found(last + 1 if found else at + 1, found)

    def _closing(self, at: int) -> int | None:
        """Return where the bracket closes that opens here, None where it does not on this line."""
        depth = 0
        for found in _BRACKET_OR_END.finditer(self._buffer, at, at + _LABEL):
            if found[0] == "\n":
                return None
            depth += 1 if found[0] in OPENING else -1
            if depth == 0:
                return found.start()
            if depth > 2:
                return None
        if len(self._buffer) < at + _LABEL and not self._closed:
            raise _Undecided
        return None

    def _ticks(self, at: int) -> _Found:
        return self._fenced(at) or self._between(at, self._run(at))

    def _tildes(self, at: int) -> _Found:
        return self._fenced(at) or _Found(at + len(self._run(at)))

    def _fenced(self, at: int) -> _Found | None:
        """Return the line that opens a block of code, if this one does."""
        run = self._run(at)
        if len(run) < 3 or not _BLOCK_BEGINS.search(self._before):
            return None
        line = _FENCE.match(self._buffer, at, at + REACH)
        if not line:
            rest = self._buffer[at : at + REACH]
            if "\n" not in rest and len(rest) < REACH and not (run[0] == "`" in rest[len(run) :]):
                self._end()
            return None
        self._fence = re.compile(rf"[\s>]*{run[0]}{{{len(run)},}}\s*")
        return _Found(line.end())

    def _maths(self, at: int) -> _Found:
        after = self._peek(at + 1)
        if after == "$":
            return self._between(at, "$$")
        return _Found(at + 1) if after.isspace() else self._between(at, "$")

    def _escape(self, at: int) -> _Found:
        after = self._peek(at + 1)
        if after and after in "([":
            return self._between(at, f"\\{after}")
        return _Found(min(at + 2, len(self._buffer)))

    def _between(self, at: int, opening: str) -> _Found:
        """Return all to where it ends that opens here, or what would open it, if it does not."""
        start, most = at + len(opening), at + REACH
        ends = _ending(opening).search(self._buffer, start, most)
        blank = (_NO_MATHS if opening == "$" else _BLANK).search(self._buffer, start, most)
        if ends and (not blank or ends.start() < blank.start()):
            if ends.end() == len(self._buffer):
                self._end()
            return _Found(ends.end())
        if not blank and len(self._buffer) < most and not self._closed:
            raise _Undecided
        return _Found(start)

    def _run(self, at: int) -> str:
        """Return the run of one sign that begins here."""
        run = _RUN.match(self._buffer, at)
        if run is None:  # a run has at least the sign that stands here
            return ""
        if run.end() == len(self._buffer) < at + REACH:
            self._end()
        return run[0]

    def _peek(self, at: int) -> str:
        """Return the sign that stands here, "" after the last."""
        if at < len(self._buffer):
            return self._buffer[at]
        self._end()
        return ""

    def _end(self) -> int:
        """Return where the text ends."""
        if not self._closed:
            raise _Undecided
        return len(self._buffer)


@cache
def _ending(opening: str) -> re.Pattern[str]:
    """Return what ends that this opens; one $ as Pandoc reads it, so that prices are no maths."""
    if opening == "$":
        return re.compile(r"(?<=[^\s\\$])\$(?!\d)")
    if opening[0] == "`":
        return re.compile(rf"(?<!`){opening}(?!`)")
    return re.compile(re.escape({"$$": "$$", "\\(": "\\)", "\\[": "\\]"}[opening]))
