"""Sentences made wrong in one place, or only written otherwise, from sentences that are right.

Rules of their own, not those of `rag.verify`: what tests a check must not share its patterns.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

Change: TypeAlias = Callable[[str, random.Random], str]
"""Returns another sentence, or the same where it has no place for the change."""

_FIGURE = re.compile(r"(?<![\w.,·-])\d+(?:[.,·]\d+)*(?![\w.,·]*\d)(?![-\w])")
_YEAR = re.compile(r"(?<![\w.,-])(?:19|20)\d\d(?![\w.,]*\d)(?!\w)")
_MONTH = re.compile(
    r"\b(January|February|March|April|June|July|August|September|October|November|December)\b"
)
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|has|have|can|could|may|will|should|did|does|do)\b(?= )"
)
_DENIAL = re.compile(r"\b(?:not|no) ", re.IGNORECASE)
_NAME = re.compile(r"(?<=[a-z,] )(?:[A-Z][a-z]{3,}|[A-Z]{3,}\d*|[A-Z]+-\d+)\b(?![-/])")
_UNITS = ("mg μg", "kg g", "ml l", "years months", "days weeks", "hours minutes", "% mg", "mm cm")
_OTHER_UNIT = {
    **{pair.split()[0]: pair.split()[1] for pair in _UNITS},
    **{pair.split()[1]: pair.split()[0] for pair in _UNITS},
}
_UNIT = re.compile(rf"(?<=\d)( ?)({'|'.join(_OTHER_UNIT)})(?!\w)")
_COUNTED = "two three four five six seven eight nine ten eleven twelve"


def _number(sentence: str, rng: random.Random) -> str:
    """One digit of a figure is another one; years are left to `date`."""
    found = [m for m in _FIGURE.finditer(sentence) if not _YEAR.fullmatch(m[0])]
    if not found:
        return sentence
    match = rng.choice(found)
    at = match.start() + rng.choice([i for i, sign in enumerate(match[0]) if sign.isdigit()])
    digit = str((int(sentence[at]) + rng.randint(1, 8)) % 9 + 1)
    changed = sentence[:at] + digit + sentence[at + 1 :]
    return changed if digit != sentence[at] else sentence


def _date(sentence: str, rng: random.Random) -> str:
    if year := _YEAR.search(sentence):
        other = str(int(year[0]) + rng.choice([-2, -1, 1, 2]))
        return sentence[: year.start()] + other + sentence[year.end() :]
    return _MONTH.sub(lambda m: "May" if m[1] == "June" else "June", sentence, count=1)


def _unit(sentence: str, _: random.Random) -> str:
    return _UNIT.sub(lambda m: m[1] + _OTHER_UNIT[m[2]], sentence, count=1)


def _denied(sentence: str, _: random.Random) -> str:
    found = _AUXILIARY.search(sentence)
    if not found or _DENIAL.match(sentence, found.end() + 1):
        return sentence
    return f"{sentence[: found.end()]} not{sentence[found.end() :]}"


def _affirmed(sentence: str, _: random.Random) -> str:
    return _DENIAL.sub("", sentence, count=1)


CHANGES: Mapping[str, Change] = {
    "number": _number,
    "date": _date,
    "unit": _unit,
    "negation inserted": _denied,
    "negation removed": _affirmed,
}


def swapped(sentence: str, pool: Sequence[str], rng: random.Random) -> str:
    """Return the sentence with one name replaced by another of the pool, of the same shape."""
    found = list(_NAME.finditer(sentence))
    if not found:
        return sentence
    match = rng.choice(found)
    like = [one for one in pool if one.isupper() == match[0].isupper() and one not in sentence]
    if not like:
        return sentence
    return sentence[: match.start()] + rng.choice(like) + sentence[match.end() :]


def wrong(sentences: Sequence[str], seed: int = 7) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, right sentence, wrong one), by sentence; where nothing can change, nothing."""
    rng = random.Random(seed)  # noqa: S311 - reproducible, no secret
    pool = sorted({name for sentence in sentences for name in _NAME.findall(sentence)})
    for sentence in sentences:
        made = {kind: change(sentence, rng) for kind, change in CHANGES.items()}
        made["name"] = swapped(sentence, pool, rng)
        yield from ((kind, sentence, text) for kind, text in made.items() if text != sentence)


def _words(sentence: str) -> str:
    names = _COUNTED.split()
    pattern = rf"(?<![\w.,·<>=+/-])(?<![=<>] )(?:{'|'.join(map(str, range(2, 13)))})(?= [a-z]{{4}})"
    return re.sub(pattern, lambda m: names[int(m[0]) - 2], sentence)


def _thousands(sentence: str) -> str:
    return re.sub(
        r"(?<![\w.,-])[1-9]\d{3,5}(?![\w.,-])",
        lambda m: m[0] if _YEAR.fullmatch(m[0]) else f"{int(m[0]):,}",
        sentence,
    )


REWORDED: Mapping[str, Callable[[str], str]] = {
    "unchanged": str,
    "lower case": str.lower,
    "without full stop": lambda sentence: sentence.rstrip("."),
    "without commas": lambda sentence: re.sub(r",(?= )", "", sentence),
    "per cent": lambda sentence: re.sub(r" ?%", " per cent", sentence),
    "thousands separated": _thousands,
    "number words": _words,
    "dashes": lambda sentence: re.sub(r"(?<=\d)-(?=\d)", "–", sentence),
}


def harmless(sentences: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, sentence, the same otherwise written), where the change shows."""
    for kind, change in REWORDED.items():
        for sentence in sentences:
            text = change(sentence)
            if text != sentence or kind == "unchanged":
                yield kind, sentence, text
