"""Letters as labels of a window's passages, and rankings read from their probabilities."""

from collections.abc import Sequence
from string import ascii_uppercase

from rag.values import Chosen
from rerankers.asking import Asked
from rerankers.ordering import Window, floored, levels, unread

LETTERS = ascii_uppercase
"""Each is one token of every tokeniser that was looked at; numbers above 9 are not."""

_DIGITS = 6  # chosen: what differs less is rounding, which must not break a tie


def lettered(window: Window, size: int) -> str:
    """Return the letters of a window's passages, in its order.

    Raises:
        ValueError: the window is larger than the asker was made for.

    >>> lettered((4, 7, 9), 20)
    'ABC'
    """
    if len(window) > size:
        raise ValueError(f"a window of {len(window)} passages, but the asker was made for {size}")
    return LETTERS[: len(window)]


def check_size(size: int, prior: Sequence[float]) -> None:
    """Return if windows of this size can be lettered and the prior, if any, has all their letters.

    Raises:
        ValueError: they cannot, or it has not.
    """
    if not 1 < size <= len(LETTERS):
        raise ValueError(f"a window of {size} passages: choose 2 to {len(LETTERS)}, one per letter")
    if prior and len(prior) < size:
        raise ValueError(f"a prior of {len(prior)} letters for windows of {size}: measure it again")


def read_letters(window: Window, chosen: Chosen, prior: Sequence[float] = ()) -> Asked:
    """Return the passages by the probability of their letters, less the letters' own.

    Letters that the model did not report lie below all others, tied. `prior` is the log-probability
    of each letter whatever stands behind it, up to a constant: PriDe, arXiv 2309.03882.

    >>> read_letters((4, 7, 9), Chosen((-2.0, -1.0, None))).levels
    ((7,), (4,), (9,))
    """
    found = _debiased(chosen, prior) if prior else chosen
    return Asked(levels(window, floored(found)), missing=unread(chosen))


def _debiased(chosen: Chosen, prior: Sequence[float]) -> Chosen:
    """Return what is left of the log-probabilities without the letters' own."""
    pairs = zip(chosen.logprobs, prior, strict=False)  # smaller windows have fewer letters
    return Chosen(tuple(None if p is None else round(p - own, _DIGITS) for p, own in pairs))
