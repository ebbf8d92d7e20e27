"""Facts of a sentence that can be checked without a model, and which of them evidence lacks.

Figures that change although the citation is right are what readers complain of most; a number, a
date, a unit, a name or a "not" is found or it is not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from rag.outside.words import same
from rag.values import Frozen
from rag.verify.dates import Date, dates, told
from rag.verify.names import named, names, quotations
from rag.verify.numbers import Quantity, lacking, quantities, surplus
from rag.verify.polarity import turned, unheard
from rag.verify.words import plainly

Kind: TypeAlias = Literal["number", "unit", "date", "name", "quote", "polarity", "denial"]

SOFT: frozenset[Kind] = frozenset({"name", "denial"})
"""What may be told in other words: without it evidence carries a part at most, not nothing."""

_SIGNS: frozenset[Kind] = frozenset({"polarity", "denial"})


@dataclass(frozen=True, slots=True)
class Facts(Frozen):
    """What of a text can be looked up in another."""

    numbers: tuple[Quantity, ...]
    dates: tuple[Date, ...]
    names: tuple[str, ...]
    quotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lack(Frozen):
    """A fact that the evidence does not hold."""

    kind: Kind
    what: str

    def __str__(self) -> str:
        """Return kind and fact as `Sentence.faults` shows them.

        >>> str(Lack("number", "36")), str(Lack("polarity", "not"))
        ('number 36', 'polarity: not')
        """
        return f"{self.kind}{':' * (self.kind in _SIGNS)} {self.what}"


@lru_cache(2_048)  # a sentence is held against every sentence that was packed
def facts(text: str) -> Facts:
    """Return numbers, dates, names and quoted spans of a text.

    >>> found = facts("On 5 May 2020 Dr. Lovelace wrote 36 letters.")
    >>> [date.text for date in found.dates], found.names, [one.text for one in found.numbers]
    (['5 May 2020'], ('Lovelace',), ['36'])
    """
    dated = dates(text)
    return Facts(quantities(dated.rest), dated.dates, names(dated.rest), quotations(text))


def missing(sentence: str, evidence: Sequence[str]) -> tuple[Lack, ...]:
    """Return the facts of the sentence that no text of the evidence holds, none twice.

    Both sides are normalised: "1,000" is "a thousand", "5%" is "5 per cent", "U.S." is "US".
    Polarity is compared where both use the same words.

    Args:
        sentence: one sentence of an answer.
        evidence: the cited texts; where a document's title tells names, it belongs here, too.

    >>> [str(lack) for lack in missing("It lasts 36 hours.", ["It lasts for 30 hours."])]
    ['number 36']
    """
    whole = "\n".join(evidence)
    mine, theirs = facts(sentence), facts(whole)
    figures = (*_quantities(mine, theirs, whole), *_dates(mine, whole))
    return tuple(dict.fromkeys([*figures, *_words(mine, theirs, sentence, whole)]))


def _words(mine: Facts, theirs: Facts, sentence: str, whole: str) -> Iterator[Lack]:
    said = same(plainly(whole))
    unknown = (name for name in mine.names if name not in theirs.names)
    yield from (Lack("name", name) for name in unknown if not named(name, whole))
    unsaid = (q for q in mine.quotes if q not in theirs.quotes and same(q) not in said)
    yield from (Lack("quote", quote) for quote in unsaid)
    turns = turned(sentence, whole)
    yield from (Lack("polarity", word) for word in turns)
    if not turns and (cue := unheard(sentence, whole)):
        yield Lack("denial", cue)


def _quantities(mine: Facts, theirs: Facts, whole: str) -> Iterator[Lack]:
    held = quantities(whole, loose=True)
    for wanted in mine.numbers:
        lacks = lacking(wanted, held)
        if lacks == "number":
            yield Lack("number", wanted.text)
        elif lacks:
            yield Lack("unit", wanted.unit)
    yield from (Lack("number", one.text) for one in surplus(mine.numbers, theirs.numbers))


def _dates(mine: Facts, whole: str) -> Iterator[Lack]:
    held = dates(whole)
    figures = quantities(whole)
    for date in mine.dates:
        bare = [day.year for day in date.readings if day.year and not day.month]
        counted = any(year in one.values for year in bare for one in figures)
        if not (counted or told(date, held.dates)):
            yield Lack("date", date.text)
