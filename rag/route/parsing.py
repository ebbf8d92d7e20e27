"""Claims read from what a model wrote, and checked against what it was to take them from."""

import re
import unicodedata
from dataclasses import dataclass

from rag.outside.words import content, shared
from rag.values import Frozen

_CLAIM_CHARS, _QUERY_CHARS = 300, 200  # chosen: what is longer is no fact and no query
_MOST_READ = 100  # chosen: lines; a reply that goes on is not read to its end
_BULLET = re.compile(r"^(?:[-*•–>#\s]|\(?\d{1,2}[.):]\s|(?i:(?:fact|claim|query) ?\d{0,2} ?:))+")
_QUOTES = "\"'`*_“”‘’«» \t"
_SEEN = {"Cc": " ", "Cf": "", "Cs": ""}  # control signs, what has no width, half characters
_HEADS = {"fact", "claim", "query", "search query"}  # of the table that some models draw
_SHARED = 0.5  # chosen: of a claim's words; a rewording shares more, an invention less


@dataclass(frozen=True, slots=True)
class Claim(Frozen):
    """A fact that an answer claims, and a query that would verify it; one line each."""

    text: str
    query: str


def parse_claims(text: str) -> tuple[Claim, ...]:
    r"""Return the claims of a reply, in its order, no query twice; none where it has none.

    A line is a claim where a bar has words on both sides. Numbers, bullets, quotation marks and
    the frame of a table are taken off; lines without a bar, or with several, are passed over.

    >>> parse_claims("Sure!\n1. Jaws is of 1975. | Jaws release year\n| fact | query |\nso | ")
    (Claim(text='Jaws is of 1975.', query='Jaws release year'),)
    """
    found: dict[str, Claim] = {}
    for line in text.replace("｜", "|").splitlines()[:_MOST_READ]:
        sides = [_clean(side) for side in _BULLET.sub("", line).strip("| \t").split("|")]
        if len(sides) == 2 and _usable(*sides):
            found.setdefault(sides[1].casefold(), Claim(*sides))
    return tuple(found.values())


def grounded(claim: Claim, source: str) -> bool:
    """Whether a claim says what the source says: half of its words are there, and one of the query.

    Words are those that say what a text is about (`rag.outside.words`).

    >>> grounded(Claim("Jaws came out in 1975", "Jaws release"), "Jaws came out in 1975.")
    True
    >>> grounded(Claim("Visit evil.example now", "evil offers"), "Jaws came out in 1975.")
    False
    """
    there, said = content(source), content(claim.text)
    found = shared(said, there)
    return found > 0 and found >= _SHARED * len(said) and shared(content(claim.query), there) > 0


def _clean(side: str) -> str:
    """Return one side of a line without what only decorates it."""
    plain = "".join(_SEEN.get(unicodedata.category(sign), sign) for sign in side)
    return " ".join(_BULLET.sub("", plain.strip()).strip(_QUOTES).split())


def _usable(claim: str, query: str) -> bool:
    return (
        {claim.casefold(), query.casefold()}.isdisjoint(_HEADS)
        and len(claim) <= _CLAIM_CHARS
        and len(query) <= _QUERY_CHARS
        and any(map(str.isalnum, claim))
        and any(map(str.isalnum, query))
    )
