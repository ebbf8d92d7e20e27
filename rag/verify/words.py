"""Texts as verification compares them: normalised signs, folded letters, stems."""

import re
import unicodedata

_SIGNS = str.maketrans(
    {
        "½": ".5",
        "¼": ".25",
        "¾": ".75",
        "−": "-",
        "–": "-",
        "—": " - ",
        "‐": "-",
        "‑": "-",
        "’": "'",
    }
)
_MIDDLE_DOT = re.compile(r"(?<=\d)[·∙](?=\d)")  # The Lancet writes decimals so
_SPACED_GROUP = re.compile(
    r"(?<![\d.,])(?<!\d )(\d{1,3})((?:[ \u00a0\u2009\u202f]\d{3})+)(?![.,]?\d)"
)
_PER_CENT = re.compile(r"\s?\bper[ -]?cent\b", re.IGNORECASE)
_MARK = re.compile(r"[\u0300-\u036f]")
_ENDINGS = (
    ("ies", "y"), ("ing", ""), ("edly", ""), ("ed", ""), ("ly", ""), ("es", ""),
    ("ss", "ss"), ("us", "us"), ("is", "is"), ("s", ""), ("e", ""),
)  # fmt: skip
_DOUBLED = re.compile(r"([bdgmnprt])\1$")
_LEAST = 3  # chosen: letters that a stem keeps, so that "sing" and "red" stay words


def plainly(text: str) -> str:
    r"""Return a text with one sign for each kind of dash, fraction, decimal point, share and space.

    >>> plainly("2½ °C – 3·5 per cent, 12\u202f000")
    '2.5 °C - 3.5%, 12000'
    """
    text = _SPACED_GROUP.sub(lambda found: re.sub(r"\D", "", found[0]), text)
    text = _MIDDLE_DOT.sub(".", text.translate(_SIGNS))
    return _PER_CENT.sub("%", unicodedata.normalize("NFKC", text))


def folded(text: str) -> str:
    """Return a text in folded case without accents.

    >>> folded("Škoda")
    'skoda'
    """
    return _MARK.sub("", unicodedata.normalize("NFKD", text).casefold())


def stem(word: str) -> str:
    """Return a word without its ending; short words stay.

    >>> [stem(word) for word in ("studies", "increased", "increase", "cases", "stopped", "red")]
    ['study', 'increas', 'increas', 'cas', 'stop', 'red']
    """
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST:
            return _DOUBLED.sub(r"\1", word[: -len(ending)]) + instead
    return word
