"""Asking a language model whether two dated passages contradict each other.

ERASE (Li et al. 2024) lets a model say of each known fact whether a new text makes it false. Here
the next token is read, twice: with the passages in both orders, and the answers under other
letters, so that a liking for a letter or a place decides nothing. What the model says of two
passages that say nothing is its habit (Zhao et al., ICML 2021), which it must exceed.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rag.flows import Flow
from rag.outside.harmless import harmless
from rag.outside.size import shortened
from rag.prompts import prompt
from rag.values import Choose, Chosen, Frozen, Prompt

MARGIN = 1.0  # chosen: log-odds; a probability of .73 where there is no habit
TEXT = 300  # chosen: of size; what is longer than that is no single fact

_LEAST, _DIGITS = 1e-9, 6  # chosen: of probabilities; what differs less is rounding
LABELS = ("A", "B", "C")
CONTRADICT = "They contradict each other about the same thing: today only one of them can be true."
_AGREE = "They agree: one of them repeats or supports what the other one says."
_NEITHER = "Neither: they are about different things, or both of them can be true today."
# No answer has the same letter in both.
_OPTIONS = ((_AGREE, CONTRADICT, _NEITHER), (CONTRADICT, _NEITHER, _AGREE))


@dataclass(frozen=True, slots=True)
class Dated(Frozen):
    """A text, and from when it is."""

    text: str
    date: str


_NOTHING = Dated("N/A", "an unknown date")


def habit() -> Flow[tuple[float, ...]]:
    """Return the model's log-odds of a contradiction between nothing and nothing, both ways.

    Odds below 0, and those that were not reported, are 0.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    replies = yield [Choose(one, LABELS) for one in _both_ways(_NOTHING, _NOTHING)]
    return tuple(max(0.0, odds or 0.0) for odds in _odds(replies))


def contradicting(
    pairs: Sequence[tuple[Dated, Dated]], habitual: Sequence[float]
) -> Flow[tuple[bool | None, ...]]:
    """Return of each pair whether its texts contradict each other; None where nobody could read it.

    Args:
        pairs: asked in one batch.
        habitual: log-odds that a contradiction must exceed by `MARGIN`, both ways (`habit`).

    Raises:
        RagError: the model failed, or may not be asked.
    """
    replies = yield [Choose(one, LABELS) for pair in pairs for one in _both_ways(*pair)]
    found = list(_odds(replies))
    return tuple(_verdict(found[i : i + 2], habitual) for i in range(0, len(found), 2))


def _both_ways(one: Dated, other: Dated) -> Iterator[Prompt]:
    for (first, second), options in zip(((one, other), (other, one)), _OPTIONS, strict=True):
        yield prompt("update-relation").fill(
            one=_shown(first),
            one_date=first.date,
            other=_shown(second),
            other_date=second.date,
            **dict(zip("abc", options, strict=True)),
        )


def _shown(dated: Dated) -> str:
    return shortened(harmless(dated.text), TEXT)


def _verdict(odds: Sequence[float | None], habitual: Sequence[float]) -> bool | None:
    known = [one for one in odds if one is not None]
    if len(known) < len(odds):
        return None
    return all(one >= usual + MARGIN for one, usual in zip(known, habitual, strict=True))


def _odds(replies: Sequence[object]) -> Iterator[float | None]:
    """Yield the log-odds of "they contradict each other" in replies to questions both ways."""
    for i, reply in enumerate(replies):
        place = _OPTIONS[i % 2].index(CONTRADICT)
        yield log_odds(reply.logprobs, place) if isinstance(reply, Chosen) else None


def log_odds(logprobs: Sequence[float | None], place: int) -> float | None:
    """Return the log-odds of a label against the others, None where their sign cannot be told.

    Labels that were not reported have together at most what the reported ones have left.

    >>> log_odds((math.log(0.25), math.log(0.5), math.log(0.25)), 1)
    0.0
    >>> log_odds((None, math.log(0.75), None), 1)
    1.098612
    >>> log_odds((None, math.log(0.25), None), 0)
    """
    known = {i: p for i, p in enumerate(logprobs) if p is not None and math.isfinite(p)}
    left = math.log(max(1.0 - math.fsum(map(math.exp, known.values())), _LEAST))
    if place not in known:
        most = left - float(np.logaddexp.reduce([*known.values()]))
        return round(most, _DIGITS) if most < 0 else None
    mine = known.pop(place)
    others = [*known.values(), *([left] if len(known) + 1 < len(logprobs) else [])]
    return round(mine - float(np.logaddexp.reduce(others)), _DIGITS)
