"""Taking markers out of a text without a trace: space, commas and brackets go with them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from rag.citing.brackets import Piece
from rag.citing.grammar import Cited, legal_refs
from rag.values import Frozen

# What may stand between two markers and goes with them: [1], [2].
_COMMAS = (",", ";", "，", "、", "；")
# A bracket around nothing but markers goes, too: ([1]).
_ROUND_OPENS, _ROUND_CLOSES = ("(", "（"), (")", "）")


@dataclass(frozen=True, slots=True)
class Mark(Frozen):
    """A marker that was taken out: what it cites, and where it stood in the text without markers.

    `at` counts code points; the sign before it is the last that stood before the marker.
    """

    refs: tuple[int, ...]
    at: int


class Removing:
    """Takes pieces of a text in order and gives back the text without what cites.

    What it gives back depends on the text alone, not on how it was cut. It keeps white space, a
    comma after a marker, and a round bracket, until it knows what follows.
    """

    def __init__(self, legal: Collection[int]) -> None:
        """Start a text of which these numbers may be cited."""
        self.marks: list[Mark] = []
        self.dropped = 0
        self._legal = legal
        self._shown = 0
        self._last = ""  # the last sign that was given back
        self._kept = [""]  # what was written since then, between markers

    def take(self, pieces: Iterable[Piece]) -> str:
        """Return what follows in the text, as far as it is certain."""
        return "".join(
            self._mark(piece) if isinstance(piece, Cited) else self._text(piece) for piece in pieces
        )

    def close(self) -> str:
        """Return the rest of the text, without white space at its end."""
        opened = self._opened()
        return opened + (self._put(self._kept[-1], "") if self._kept[-1].strip() else "")

    def _mark(self, bracket: Cited) -> str:
        refs, dropped = legal_refs(bracket, self._legal)
        self.dropped += dropped
        if refs:
            self.marks.append(Mark(refs, self._shown))
        self._kept.append("")
        return ""

    def _text(self, text: str) -> str:
        if text.isspace():
            self._kept[-1] += text
            return ""
        marked = len(self._kept) > 1
        text = self._kept[-1] + text
        after = "" if marked and text.strip() in _ROUND_OPENS else _tail(text)
        if len(after) == len(text) or (marked and text.strip() in _COMMAS):
            self._kept[-1] = text
            return ""
        if marked and self._brackets(text):
            rest, self._kept[-1] = text.lstrip()[1:], ""
            return self._text(rest)
        opened = self._opened() if marked else ""
        return opened + self._put(text[: len(text) - len(after)], after)

    def _brackets(self, text: str) -> bool:
        """Whether round brackets hold only the markers before this text; they are dropped."""
        first = self._kept[0].rstrip()
        if not first.endswith(_ROUND_OPENS) or text.lstrip()[0] not in _ROUND_CLOSES:
            return False
        self._kept[0] = first[:-1]
        return True

    def _opened(self) -> str:
        """Return the round bracket that was kept, where it holds more than markers."""
        first, *others = self._kept
        if not first.strip():
            return ""
        self._kept = [""]
        shown = self._put(first.rstrip(), "")
        self._kept = [first[len(first.rstrip()) :], *others]
        return shown

    def _put(self, text: str, after: str) -> str:
        body = text.strip()
        self._kept[-1] = text[: text.index(body)]
        shown = self._gap(body[0]) + body
        self._kept = [after]
        self._shown += len(shown)
        self._last = body[-1]
        return shown

    def _gap(self, following: str) -> str:
        """Return the space between the last sign and the following one."""
        *others, directly = (" " if kept.strip() else kept for kept in self._kept)
        if not self._last or not others:
            return directly if self._last else ""
        lines = max((*others, directly), key=lambda kept: kept.count("\n"))
        if "\n" in lines or self._last in _ROUND_OPENS:
            return lines if "\n" in lines else ""
        if directly or not following.isalnum():
            return directly
        new_sentence = self._last in ".!?" and following.isalpha()
        return " " if any(others) or new_sentence else ""


def _tail(text: str) -> str:
    """Return the end of a text that is kept until something follows."""
    body = text.rstrip()
    if body.endswith(_ROUND_OPENS):
        body = body[:-1].rstrip()
    return text[len(body) :]
