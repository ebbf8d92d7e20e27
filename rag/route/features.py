"""Level 1: what can be counted about a question, and about the first search for it.

The features are those that the published classifiers lack and that an oracle shows room for: how a
question is worded, and how sure its first search was. Every count n is ln(1 + n), so that a pasted
page does not outweigh a question. The words are English; of other languages, lengths, digits,
marks and scores still speak.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from rag.route.english import (
    COMPARATIVE,
    CONJUNCTION,
    NEGATION,
    ORDINAL,
    RELATIVE,
    TEMPORAL,
    WH,
    YOU,
)

_WH = re.compile("|".join(rf"\b(?P<{name}>{words})\b" for name, words in WH.items()), re.IGNORECASE)
_TOKEN = re.compile(r"\w+(?:[.'’&-]\w+)*|[^\w\s]")
_QUOTED = re.compile(  # bounded: what has no end is not looked for from every place
    r"\"[^\"]{1,200}\"|“[^”]{1,200}”|„[^“”]{1,200}[“”]|«[^»]{1,200}»|「[^」]{1,200}」"
)
_MOST_SCORES = 10  # chosen: so that features do not depend on how many hits were asked for
_MOST_SCORE = 1e6  # chosen: no real score is beyond, and no sum of squares overflows


def _counter(words: str) -> Callable[[str], int]:
    """Return what counts the whole words of a text that the expression matches."""
    found = re.compile(rf"\b{words}\b", re.IGNORECASE)
    return lambda text: len(found.findall(text))


def _entities(text: str) -> int:
    """Return the number of runs of capitalised words, question words at the start left out.

    >>> _entities("Who directed Jaws and The Color Purple?")
    2
    """
    tokens: list[str] = _TOKEN.findall(text)
    if tokens[1:] and tokens[1][0].islower():
        tokens = tokens[1:]  # the first word of a sentence has its capital for that
    return sum(capital for capital, _ in groupby(tokens, lambda token: token[0].isupper()))


def _numbers(text: str) -> int:
    """Return the number of words with a digit.

    >>> _numbers("section 4.2 of ISO9001")
    2
    """
    return sum(any(map(str.isdigit, token)) for token in _TOKEN.findall(text))


_COUNTS: Mapping[str, tuple[str, Callable[[str], int]]] = {
    "words": ("words", _counter(r"\w+")),
    "characters": ("characters", len),
    "comparatives": (
        "comparatives, superlatives, and words of order",
        _counter(rf"(?:{COMPARATIVE}|{ORDINAL})"),
    ),
    "conjunctions": ("and, or, but, both, versus, …", _counter(CONJUNCTION)),
    "relatives": ("who, that, which, … after the first word", _counter(rf"(?<=\s){RELATIVE}")),
    "ofs": ("of", _counter("of")),
    "entities": ("runs of capitalised words", _entities),
    "numbers": ("numbers", _numbers),
    "temporal": ("words of time, and years", _counter(TEMPORAL)),
    "negations": ("not, never, without, …", _counter(NEGATION)),
    "you": ("words that speak to the assistant", _counter(YOU)),
}

_MARKS: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "quoted": ("something stands in quotation marks", lambda text: bool(_QUOTED.search(text))),
    "question_mark": ("there is a question mark", lambda text: any(c in text for c in "?？؟")),
}

_SCORES: Mapping[str, str] = {
    "searched": "1 where there are scores of a first search; without, the next four are 0",
    "top_score": "the best score",
    "gap_2": "the best score less the second",
    "gap_10": "the best score less the tenth, or the last of fewer",
    "spread": "standard deviation of the ten best scores",
}

FEATURES: Mapping[str, str] = {
    **{name: f"ln(1 + number of {what})" for name, (what, _) in _COUNTS.items()},
    **{
        f"wh_{name}": f"1 where '{name.replace('_', ' ')}' is its first question word"
        for name in WH
    },
    "wh_none": "1 where there is no question word",
    **{name: f"1 where {what}" for name, (what, _) in _MARKS.items()},
    **_SCORES,
}
"""What every feature is, by name, in the order of `features`."""


def features(text: str, scores: Sequence[float] = ()) -> Mapping[str, float]:
    """Return the features of a question by name, all finite.

    Args:
        text: the question.
        scores: of the first search's hits, in any order and on any scale, but on the same one
            wherever the features are compared: a model trained with scores wants them, one without
            does not heed them. What is not finite is left out.

    >>> found = features("Which is older, Rome or Athens?", (0.9, 0.4, 0.1))
    >>> found["wh_which"], round(math.exp(found["entities"]) - 1), found["gap_2"]
    (1.0, 2, 0.5)
    """
    first = _WH.search(text)
    asked = first.lastgroup if first else "none"
    return {
        **{name: math.log1p(count(text)) for name, (_, count) in _COUNTS.items()},
        **{f"wh_{name}": float(name == asked) for name in (*WH, "none")},
        **{name: float(there(text)) for name, (_, there) in _MARKS.items()},
        **_of_scores(scores),
    }


def _of_scores(scores: Sequence[float]) -> Mapping[str, float]:
    finite = filter(math.isfinite, scores)
    best = sorted((max(-_MOST_SCORE, min(_MOST_SCORE, s)) for s in finite), reverse=True)
    best = best[:_MOST_SCORES]
    if not best:
        return dict.fromkeys(_SCORES, 0.0)
    mean = math.fsum(best) / len(best)
    spread = math.sqrt(math.fsum((score - mean) ** 2 for score in best) / len(best))
    gaps = [best[0] - best[min(place, len(best)) - 1] for place in (2, 10)]
    return dict(zip(_SCORES, (1.0, best[0], *gaps, spread), strict=True))
