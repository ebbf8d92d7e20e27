"""What a bracket cites: [1], [1, 2], [1-3], 【1】, ［１］, [^1], [[1]], [Passage 2], [Source 2]."""

import re
from collections.abc import Collection
from typing import NamedTuple

WIDEST = 20  # chosen: a range of more passages is cut

OPENING, CLOSING = frozenset("[【［"), frozenset("]】］")

# What models write before a number, after the prompts of several systems.
_NAMES = ("passage", "source", "document", "doc", "reference", "ref", "chunk", "id")
_NAME = "|".join(f"{name}s?" for name in _NAMES)
_RANGE = r"(\d{1,3})(?:\s*[-‐‑–—−~～]\s*(\d+))?"
# A number of four digits is a year: no request has a thousand passages.
_ITEM = rf"(?:(?:{_NAME})\s*[:#.]?\s*)?[#^]?{_RANGE}\^?".replace("(\\d", "(?:\\d")
_ITEMS = rf"\s*{_ITEM}(?:(?:\s*(?:[,;&，、；]|\band\b)\s*|\s+){_ITEM})*\s*(?:†[^\[\]【】［］]*)?"
_CITING = re.compile(rf"[\[【［]{_ITEMS}[\]】］]|\[\[{_ITEMS}\]\]", re.IGNORECASE)
_RANGES = re.compile(_RANGE)
# The beginning of what may cite, and of anything that goes on so.
_INITIALS = "".join(sorted({name[0] for name in _NAMES}))
MAY_CITE = re.compile(rf"[\[【［](?=[\s\[#^]*(?:\Z|[\d{_INITIALS}]))", re.IGNORECASE)


class Cited(NamedTuple):
    """A bracket that cites, with its ranges of numbers, first and last, as they are written."""

    text: str
    ranges: tuple[tuple[int, int], ...]


class Read(NamedTuple):
    """The numbers of a bracket that may be cited, in order, and how many may not."""

    refs: tuple[int, ...]
    dropped: int


def cited(bracket: str) -> Cited | None:
    """Return what a bracket cites, None where it is none that cites.

    >>> cited("[1, 3-5]"), cited("[1984]")
    (Cited(text='[1, 3-5]', ranges=((1, 1), (3, 5))), None)
    """
    if not _CITING.fullmatch(bracket):
        return None
    numbers = _RANGES.finditer(bracket.partition("†")[0])
    ranges = ((int(found[1]), int((found[2] or found[1])[:9])) for found in numbers)
    return Cited(bracket, tuple(ranges))


def legal_refs(bracket: Cited, legal: Collection[int]) -> Read:
    """Return the numbers of a bracket that are legal, none twice, and how many are not.

    A range that falls is read from its lower end; of a wide one the first `WIDEST` numbers count.

    >>> legal_refs(Cited("[2, 5-3]", ((2, 2), (5, 3))), legal={1, 2, 3, 4})
    Read(refs=(2, 3, 4), dropped=1)
    """
    refs: dict[int, None] = {}
    dropped: set[int] = set()
    for low, high in map(sorted, bracket.ranges):
        for ref in range(low, min(high, low + WIDEST - 1) + 1):
            if ref in legal:
                refs[ref] = None
            else:
                dropped.add(ref)
    return Read(tuple(refs), len(dropped))
