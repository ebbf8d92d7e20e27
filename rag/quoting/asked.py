"""What kind of thing a question asks for, and how much of it a sentence names: English only.

Signs on the surface, no understanding: a sentence that answers "where" has "in" or "near" before a
capital letter, one that answers "when" a month or a year. Of other questions nothing is counted.
"""

import re
from collections.abc import Callable, Mapping

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NUMERALS = "two|three|four|five|six|seven|eight|nine|ten|several|dozen|hundred|thousand|million"
_PLACES = "country|city|state|place|island|continent|ocean|location|county|town|part"
_TIMES = "year|date|day|time|month|century"

# Signs in the question, and signs in a sentence; the first row that fits. Chosen.
_KINDS: Mapping[re.Pattern[str], re.Pattern[str]] = {
    re.compile(question, re.IGNORECASE): re.compile(sentence)
    for question, sentence in {
        r"\bhow (?:many|much|long|old|far|tall|big|deep|high|fast|often|large)\b"
        r"|\b(?:percentage|rate|average|number|population|height|age|income|sales|cost|salary)\b": (
            rf"\b(?:\d[\d,.]*|{_NUMERALS})\b"
        ),
        rf"\bwhere\b|\b(?:what|which) (?:\w+ )?(?:{_PLACES})\b": (
            r"\b(?:in|at|near|from|to|of|between|on|through|along|across)\s+"
            r"(?:the\s+)?(?:\w+\s+)?[A-Z]"
        ),
        rf"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:{_TIMES})\b": (
            rf"\b(?:1\d{{3}}|20\d\d|{_MONTHS}|century|centuries)\b"
        ),
        r"\b(?:who|whose|whom)\b": (r"\b(?:by|is|was|are|were|and)\s+(?:the\s+)?[A-Z]\w+ [A-Z]"),
        r"\bwhy\b|\b(?:purpose|reason|causes?|caused|significance|effect|motive|impact|importance)"
        r"\b": (
            r"\b(?:because|due to|caus\w+|reason\w*|result\w*|so that|in order|purpose|therefore"
            r"|thus|to \w+)\b"
        ),
        r"\bhow\b": r"\b(?:by|through|using|via)\b",
    }.items()
}


def counter(question: str) -> Callable[[str], int]:
    """Return what counts the signs in a text of what the question asks for.

    >>> places = counter("Where is the river?")
    >>> places("It rises in Austria and flows to the Black Sea."), places("It is long.")
    (2, 0)
    >>> counter("Is it?")("It rises in Austria.")
    0
    """
    signs = next((signs for asks, signs in _KINDS.items() if asks.search(question)), None)
    return (lambda text: sum(1 for _ in signs.finditer(text))) if signs else (lambda _: 0)
