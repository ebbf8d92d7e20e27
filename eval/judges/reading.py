r"""What replies to a judge's questions say: total functions, None where nothing valid is said.

A grade that cannot be read is missing; it is never taken for 0. Every parser has a name with a
version, which is a part of the ledger's keys: change what one reads, and its version.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rag.flows import Reply
from rag.rewrite.replies import unthought
from rag.values import Chosen, Completed, Frozen

TOP = 3
"""The highest grade."""

DIGITS = tuple(str(grade) for grade in range(TOP + 1))

_WIDE = str.maketrans("０１２３４５６７８９", "0123456789")
_MARKER = re.compile(r"#+ *final +score *[:=]([^\n\r]*)", re.IGNORECASE)
# Decoration may stand around the number, and the scale's top after it; letters and digits may not.
_DECORATION = r"[\s*_`'\"()\[\]<>.]*"
_NUMBER = re.compile(rf"{_DECORATION}([0-9]+)(?:\s*/\s*{TOP})?{_DECORATION}")
_ALONE = re.compile(
    rf"{_DECORATION}(?:(?:the\s+)?(?:final\s+|overall\s+)?(?:score|grade|rating)"
    rf"(?:\s+is)?\s*[:=]?)?{_NUMBER.pattern}",
    re.IGNORECASE,
)
_YES_NO = re.compile(r"[\W_]*(yes|no)\b(?![\W_]*\b(?:yes|no)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parser(Frozen):
    """How replies are read, under a name that tells its versions apart."""

    name: str
    read: Callable[[Reply], float | None]


def final_score(text: str, least: int = 0) -> int | None:
    r"""Return the grade of a reply that keeps the contract `##final score: N`, or is N alone.

    What stands before the line is reasoning and not read. Several such lines must agree. Signs,
    decimals, ranges and numbers off the scale are no grades; "3/3" is 3.

    >>> final_score("M is 2 of 9.\n##final score: 3"), final_score("2"), final_score("Score: 1/3")
    (3, 2, 1)
    >>> [final_score(t) for t in ("##final score: 4", "2.5", "-1", "2 or 3", "Two of 3", "")]
    [None, None, None, None, None, None]
    """
    text = unthought(text).translate(_WIDE)
    said = _MARKER.findall(text)
    found = [_NUMBER.fullmatch(one) for one in said] if said else [_ALONE.fullmatch(text)]
    grades = {match[1] if match else "" for match in found}
    grade = grades.pop() if len(grades) == 1 else ""
    return int(grade) if grade in DIGITS[least:] else None


def yes_no(text: str) -> bool | None:
    """Return what a reply begins with, yes or no; None where it says neither, or both.

    >>> yes_no("Yes, it is."), yes_no("**No**"), yes_no("yes or no"), yes_no("Nothing.")
    (True, False, None, None)
    """
    found = _YES_NO.match(unthought(text))
    if not found or re.match(r"\W*or\b", unthought(text)[found.end() :], re.IGNORECASE):
        return None
    return found[1].lower() == "yes"


def expected(chosen: Chosen) -> float | None:
    """Return Σ p·grade over the digits, p their probabilities scaled to sum to 1.

    Of labels that the model did not report nothing is assumed; None where it reported none.
    The scoring of G-Eval (Liu et al., arXiv 2303.16634), read from the very next token.

    >>> expected(Chosen((-1.0, -1.0, -1.0, -1.0))), expected(Chosen((None,) * 4))
    (1.5, None)
    """
    logprobs = [-math.inf if p is None or math.isnan(p) else p for p in chosen.logprobs]
    if max(logprobs, default=-math.inf) in (-math.inf, math.inf):
        return None
    weights = np.exp(np.array(logprobs) - max(logprobs))  # (grades,)
    return float(weights @ np.arange(len(weights)) / weights.sum())


def useful_score(text: str) -> int | None:
    """Return the grade of what was found to be of use: 1 to 3.

    >>> useful_score("##final score: 1"), useful_score("##final score: 0")
    (1, None)
    """
    return final_score(text, least=1)


def _written(read: Callable[[str], float | None]) -> Callable[[Reply], float | None]:
    """Return the reader of replies that were written; a reply of another kind says nothing."""

    def of(reply: Reply) -> float | None:
        said = read(reply.text) if isinstance(reply, Completed) else None
        return None if said is None else float(said)

    return of


def _chosen(reply: Reply) -> float | None:
    return expected(reply) if isinstance(reply, Chosen) else None


SCORE = Parser("final-score/1", _written(final_score))
USEFUL = Parser("final-score-1-3/1", _written(useful_score))
YES_NO = Parser("yes-no/1", _written(yes_no))
EXPECTED = Parser("expected/1", _chosen)
