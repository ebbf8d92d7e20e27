"""Sources that contradict each other, shown and not averaged.

Two quotes of different documents that say the same of the same, but for a figure or a "not".
Precision goes before recall: a reader who is shown a contradiction that is none trusts none.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, product

from rag.outside.words import content
from rag.values import Citation, Contradiction
from rag.verify.dates import dates
from rag.verify.facts import facts
from rag.verify.names import named
from rag.verify.numbers import Quantity, quantities
from rag.verify.overlap import alike
from rag.verify.polarity import turned

SAME = 0.75  # chosen: share of the words, figures aside, that each must have of the other
_LEAST = 3  # chosen: words; of fewer nobody knows what they are about


def contradictions(citations: Sequence[Citation]) -> tuple[Contradiction, ...]:
    """Return the pairs of quotes that cannot both be true, in order, each pair once.

    Kinds are "number", where a figure with the same unit differs, and "negation", where one quote
    turns round what the other says.

    Args:
        citations: of any documents; quotes of one document are never held against each other.
    """
    found: list[Contradiction] = []
    for one, other in combinations(citations, 2):
        kind = contrary(one.quote, other.quote) if one.document_id != other.document_id else ""
        if kind:
            found.append(Contradiction(kind, one, other))
    return tuple(found)


def contrary(one: str, other: str) -> str:
    """Return in what two sentences contradict each other: "number", "negation", or "".

    >>> contrary("The freezer holds 30 litres of ice.", "The freezer holds 36 litres of ice.")
    'number'
    >>> contrary("The freezer holds 30 litres of ice.", "The boat holds 36 litres of oil.")
    ''
    """
    if not (_same_names(one, other) and _same_dates(one, other) and _about_the_same(one, other)):
        return ""
    turns = bool(turned(one, other) or turned(other, one))
    differ = _differing(quantities(dates(one).rest), quantities(dates(other).rest))
    if turns and differ:
        return ""  # two differences may cancel out: "at most 30", "not more than 36"
    return "number" if differ else "negation" * turns


def _same_names(one: str, other: str) -> bool:
    pairs = ((one, other), (other, one))
    return all(named(name, theirs) for mine, theirs in pairs for name in facts(mine).names)


def _same_dates(one: str, other: str) -> bool:
    """Whether both tell the same dates; what was true in one year need not be in another."""
    mine, theirs = ({date.readings for date in dates(text).dates} for text in (one, other))
    return mine == theirs


def _about_the_same(one: str, other: str) -> bool:
    ours, theirs = _subject(one), _subject(other)
    if min(len(ours), len(theirs)) < _LEAST:
        return False
    return _share(ours, theirs) >= SAME and _share(theirs, ours) >= SAME


def _subject(text: str) -> list[str]:
    """Return the words that are no figures, in a fixed order."""
    return sorted(word for word in content(text) if not any(map(str.isdigit, word)))


def _share(ours: Sequence[str], theirs: Sequence[str]) -> float:
    return sum(any(alike(word, other) for other in theirs) for word in ours) / len(ours)


def _differing(ours: Sequence[Quantity], theirs: Sequence[Quantity]) -> bool:
    """Whether one figure differs, and all others are the same in both.

    With several figures that differ nobody knows which belongs to which.
    """
    mine, others = list(_without(ours, theirs)), list(_without(theirs, ours))
    if len(mine) != 1 or len(others) != 1 or len(ours) != len(theirs):
        return False
    return mine[0].unit == others[0].unit


def _without(ours: Sequence[Quantity], theirs: Sequence[Quantity]) -> Iterator[Quantity]:
    same = {i for (i, a), b in product(enumerate(ours), theirs) if a.values & b.values}
    yield from (one for i, one in enumerate(ours) if i not in same)
