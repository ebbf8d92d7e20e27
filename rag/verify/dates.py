"""Dates of a text, however they are written: days, months and years."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.values import Frozen
from rag.verify.words import plainly

_NAMES = (
    "January|Jan February|Feb March|Mar April|Apr May June|Jun July|Jul August|Aug "
    "September|Sept|Sep October|Oct November|Nov December|Dec"
)
_MONTHS = tuple(names.split("|") for names in _NAMES.split())
_MONTH = rf"(?:{_NAMES.replace(' ', '|')})\b\.?"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?:1[5-9]|20)\d\d"
# In the order in which they are tried; what one has read, the next does not read again.
_FORMS = (
    rf"(?<!\d)(?P<year>{_YEAR})[-/](?P<m>0?[1-9]|1[0-2])[-/](?P<day>{_DAY})(?!\d)",
    (
        r"(?<![\d./])(?P<one>\d{1,2})(?P<sep>[./])(?P<two>\d{1,2})(?P=sep)"
        rf"(?P<year>{_YEAR})(?!\d)"
    ),
    (
        rf"(?<![\d.,])(?:(?P<from>{_DAY})\s*(?:-|to|and)\s*)?(?P<day>{_DAY})\.?(?: of)?\s"
        rf"(?P<month>{_MONTH})(?:,?\s(?P<year>{_YEAR})\b)?"
    ),
    (
        rf"\b(?P<month>{_MONTH})\s(?:(?P<from>{_DAY})\s*-\s*)?(?P<day>{_DAY})\b(?![\d.]*\d)"
        rf"(?:,?\s(?P<year>{_YEAR})\b)?"
    ),
    rf"\b(?P<month>{_MONTH}),?(?: of)?\s(?P<year>{_YEAR})\b",
    (
        r"\b(?i:in|since|until|by|from|of|during|last|next|early|mid|late|before|after|to)[\s-]"
        rf"(?P<month>{_MONTH})"
    ),
    (
        rf"(?<![\d.,:$€£¥])(?<![A-Za-z]-)(?<!\w)(?P<year>{_YEAR})(?:'?s)?(?!\w|[.,:]\d)"
        r"(?!\s?(?:[%°$€£]|[kmnμ]?[gmlsWVM]\b))"
    ),
)
_PATTERNS = tuple(map(re.compile, _FORMS))


@dataclass(frozen=True, slots=True)
class Day(Frozen):
    """A date as far as it is told; what is not told is 0."""

    year: int = 0
    month: int = 0
    day: int = 0

    def told_by(self, other: "Day") -> bool:
        """Whether the other date tells all that this one does."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(not mine or mine == theirs for mine, theirs in pairs)


@dataclass(frozen=True, slots=True)
class Date(Frozen):
    """A date with its readings: 5/6/2020 has two."""

    readings: frozenset[Day]
    text: str


@dataclass(frozen=True, slots=True)
class Dated(Frozen):
    """The dates of a text, and the text with blanks in their places."""

    dates: tuple[Date, ...]
    rest: str


def dates(text: str) -> Dated:
    """Return the dates of a text, by the way in which they are written, and the rest.

    A bare number from 1500 to 2099 is a year; a month alone is one after a word such as "in".

    >>> [str(date.text) for date in dates("On May 5, 2020 and in June.").dates]
    ['May 5, 2020', 'in June']
    """
    rest = plainly(text)
    found: list[Date] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(rest):
            found += [
                Date(frozenset(days), match[0].strip(" .")) for days in _read(match.groupdict())
            ]
        rest = pattern.sub(_blank, rest)
    return Dated(tuple(date for date in found if date.readings), rest)


def _blank(match: re.Match[str]) -> str:
    """Return blanks; before a dash with a mark, so that the 85 of "1966-85" is not below zero."""
    dash = match.string[match.end() : match.end() + 1] == "-"
    return " " * (len(match[0]) - dash) + "." * dash


def told(date: Date, by: Sequence[Date]) -> bool:
    """Whether one of these dates tells all that this one does.

    >>> one, other = dates("5 May 2020").dates + dates("2020-05-05").dates
    >>> told(one, [other]), told(other, dates("May 2020").dates)
    (True, False)
    """
    theirs = [day for other in by for day in other.readings]
    return any(mine.told_by(day) for mine in date.readings for day in theirs)


def _read(told: dict[str, str | None]) -> Iterator[list[Day]]:
    year = int(told.get("year") or 0)
    if one := told.get("one"):
        first, second = int(one), int(told["two"] or 0)
        both = ((first, second), (second, first))
        yield [Day(year, month, day) for day, month in both if month <= 12 and day <= 31]
        return
    month = int(told.get("m") or 0) or _month(told.get("month"))
    for name in ("from", "day"):
        if day := told.get(name):
            yield [Day(year, month, int(re.sub(r"\D", "", day)))]
    if not told.get("day"):
        yield [Day(year, month)]


def _month(name: str | None) -> int:
    """Return the number of a month, 0 for none."""
    spelled = (name or "").rstrip(".")
    return next((n for n, known in enumerate(_MONTHS, start=1) if spelled in known), 0)
