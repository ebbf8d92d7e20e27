"""Names of a text: runs of capitalised words, acronyms, identifiers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.outside.words import content
from rag.values import Frozen
from rag.verify.numbers import UNITS
from rag.verify.words import folded, plainly

_TOKEN = re.compile(r"(?:[^\W_]\.){2,}|[^\W_](?:[\w']|[-&](?=\w))*(?:\+(?!\w))?", re.UNICODE)
_START = re.compile(r"(?:^|[.!?:;…]|\n|[\"“”„«»(\[•*])\s*$")
_LINKS = frozenset({"of", "van", "von", "der", "den", "de", "du", "da", "del", "la", "le", "di"})
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "sir", "st", "i", "ok"})
_SHOUTED = 0.6  # chosen: a text with more of its words in capitals is a heading, no acronyms
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]*?\w\W+\w[^\"“”„«»\n]*?)[\"”“»]")
_PIECE = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True, slots=True)
class Word(Frozen):
    """A word with its span, and whether a sentence or a quotation begins with it."""

    text: str
    start: int
    end: int
    begins: bool


def names(text: str) -> tuple[str, ...]:
    """Return the names of a text in order, none twice.

    A capitalised word that only begins a sentence is none. Titles such as "Dr." are left out.

    >>> names("The gene IL-6 was named by Ada Lovelace of the U.S. Navy. Others followed.")
    ('IL-6', 'Ada Lovelace', 'U.S. Navy')
    """
    plain = plainly(text)
    words: list[Word] = []
    for match in _TOKEN.finditer(plain):
        before = plain[max(0, match.start() - 9) : match.start()]
        begins = bool(_START.search(before)) and not (words and _is_cut(words[-1], before))
        words.append(Word(match[0], match.start(), match.end(), begins))
    long = [word.text for word in words if len(word.text) > 1 and word.text.isalpha()]
    if len(long) > 2 and sum(map(str.isupper, long)) > _SHOUTED * len(long):
        return ()
    return tuple(dict.fromkeys(_runs(plain, words)))


def _runs(plain: str, words: list[Word]) -> Iterator[str]:
    run: list[Word] = []
    for word in words:
        near = bool(run) and plain[run[-1].end : word.start] in {" ", ". "} and not word.begins
        if _is_name(word.text) or (word.begins and _is_capital(word.text)):
            if not near:
                yield from _named(run)
                run = []
            run.append(word)
        elif not (near and word.text in _LINKS):
            yield from _named(run)
            run = []
        else:
            run.append(word)
    yield from _named(run)


def _named(run: list[Word]) -> Iterator[str]:
    """Yield the name that a run is, without what does not belong to it."""
    while run and (run[-1].text in _LINKS or _is_title(run[-1].text)):
        run = run[:-1]
    while run and (
        _is_title(run[0].text) or (not content(run[0].text) and not _is_code(run[0].text))
    ):
        run = run[1:]
    if len(run) > 1 and run[0].begins and not _is_code(run[0].text) and _is_code(run[1].text):
        run = run[1:]  # "Increased LDL"
    if not run or (len(run) == 1 and run[0].begins and not _is_code(run[0].text)):
        return
    name = " ".join(word.text for word in run).removesuffix("'s")
    if len(name) > 1 and name not in UNITS:
        yield name


def _is_cut(last: Word, between: str) -> bool:
    """Whether a full stop ends an initial, a title or an acronym, and no sentence."""
    short = len(last.text) == 1 or "." in last.text or _is_title(last.text)
    return short and bool(re.search(r"[\w.] ?$|\. $", between))


def _is_title(word: str) -> bool:
    return word.casefold().rstrip(".") in _TITLES


def _is_name(word: str) -> bool:
    return _is_capital(word) or _is_code(word)


def _is_capital(word: str) -> bool:
    return word[0].isupper()


def _is_code(word: str) -> bool:
    """Whether a word is an acronym or an identifier: two capitals, or letters with digits."""
    if word[0].isdigit():
        return bool(re.fullmatch(r"\d+-?[A-Z]{2,}\w*|\d+-[A-Z]+", word))
    capitals = sum(map(str.isupper, word))
    inner = capitals - word[0].isupper()
    digits = any(map(str.isdigit, word))
    hyphened = "-" in word and not digits and not word.replace("-", "").isupper()
    return (inner > 0 and not hyphened) or digits or (capitals > 1 and not hyphened)


def named(name: str, evidence: str) -> bool:
    """Whether the evidence holds a name: all of its words, or what its letters stand for.

    >>> named("WHO", "the World Health Organization"), named("IL-6", "of IL6"), named("US", "us")
    (True, True, False)
    """
    plain = plainly(evidence)
    if re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", plain):
        return True
    held = {_base(match[0]) for match in _TOKEN.finditer(plain)}
    held |= {
        _base(part) for match in _TOKEN.finditer(plain) for part in re.split("[-/&]", match[0])
    }
    words = [word for word in name.split() if word not in _LINKS and not _is_title(word)]
    if all(_holds(word, held, plain) for word in words):
        return True
    initials = "".join(word[0] for word in words if word[0].isupper())
    return len(words) > 2 and initials in {
        token.replace(".", "") for token in _TOKEN.findall(plain)
    }


def _holds(word: str, held: set[str], plain: str) -> bool:
    if not _is_code(word):
        return _base(word) in held or all(_base(part) in held for part in word.split("-"))
    pieces = _PIECE.findall(word.removesuffix("s") if word[:-1].isupper() else word)
    exact = "".join(pieces).isalpha() and len("".join(pieces)) < 4  # "US" is not "us"
    pattern = r"[-.\s/]?".join(map(re.escape, pieces))
    flags = re.NOFLAG if exact else re.IGNORECASE
    if re.search(rf"(?<![^\W_]){pattern}(?:s|'s)?(?![^\W_])", plain, flags):
        return True
    letters = "".join(pieces)
    return len(letters) > 2 and letters.isupper() and _spelled_out(letters.lower(), plain)


def _spelled_out(letters: str, plain: str) -> bool:
    """Whether consecutive words begin with these letters, small words aside."""
    each = [folded(token) for token in re.split(r"[\W_]+", plain) if token]
    for kept in (each, [one for one in each if one not in {"of", "the", "and", "for", "in", "to"}]):
        if letters in "".join(word[0] for word in kept):
            return True
    return False


def _base(word: str) -> str:
    word = folded(word).removesuffix("'s").rstrip(".'")
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def quotations(text: str) -> tuple[str, ...]:
    """Return the quoted spans of two words or more, none twice.

    >>> quotations("He said “no dogs here” and “fine”.")
    ('no dogs here',)
    """
    return tuple(dict.fromkeys(_QUOTED.findall(plainly(text))))
