"""Setwise: which of a few passages is the most relevant?

Zhuang et al., SIGIR 2024 (arXiv 2310.09497). Reading the labels' probabilities ranks the whole
window and beats parsing what is written (.669 against .561 nDCG@10 there), but not every server
reports probabilities.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.flows import Reply
from rag.values import Choose, Chosen, Complete, Completed, Frozen, Message, Prompt
from rerankers.asking import Asked, sole
from rerankers.lettering import check_size, lettered, read_letters
from rerankers.ordering import Window, completed

_ANSWER_TOKENS = 8  # chosen: "Passage B." with some room
_NAMED = re.compile(r"\b(?i:passage)\s+([A-Z])\b|\[\s*([A-Za-z])\s*\]")
_BARE = re.compile(r"^\W*(?:passage\W+)?([A-Z])\W*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Setwise(Frozen):
    """Reads the probability of every label of a window.

    `forced` says that the assistant's turn can be begun, with "Passage", so that the label is
    " A", " B", …; otherwise it is the bare letter. `size` and `prior` are those of `First`.

    Raises:
        ValueError: there is no letter, or no prior, for every passage of a window.
    """

    query: str
    passages: Sequence[str]
    forced: bool = True
    size: int = 3
    prior: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        check_size(self.size, self.prior)

    def requests(self, window: Window) -> tuple[Choose]:
        """Return the one question: which label is next?"""
        letters = lettered(window, self.size)
        labels = [f" {letter}" if self.forced else letter for letter in letters]
        shown = [self.passages[i] for i in window]
        return (Choose(_prompt(self.query, letters, shown, self.forced), tuple(labels)),)

    def read(self, window: Window, replies: Sequence[Reply]) -> Asked:
        """Return the passages by their labels' probabilities."""
        return read_letters(window, sole(replies, Chosen), self.prior)


@dataclass(frozen=True, slots=True)
class SetwiseWritten(Frozen):
    """Lets the model write the label of a window's best passage; the others stay tied.

    Fields and errors as in `Setwise`.
    """

    query: str
    passages: Sequence[str]
    forced: bool = True
    size: int = 3

    def __post_init__(self) -> None:
        check_size(self.size, ())

    def requests(self, window: Window) -> tuple[Complete]:
        """Return the one question: write the label."""
        letters = lettered(window, self.size)
        shown = [self.passages[i] for i in window]
        return (Complete(_prompt(self.query, letters, shown, self.forced), _ANSWER_TOKENS),)

    def read(self, window: Window, replies: Sequence[Reply]) -> Asked:
        """Return the named passage before the others, all tied where none can be read."""
        begun = "Passage" if self.forced else ""
        best = parse_label(f"{begun} {sole(replies, Completed).text}", len(window))
        if best is None:
            return Asked((window,), malformed=1)
        first, *others = completed([window[best]], window)
        return Asked(((first,), tuple(others)))


def parse_label(text: str, n: int) -> int | None:
    """Return the place of the one passage of n that a reply names, None where it is not one.

    >>> parse_label("Passage B.", 3), parse_label("A passage about B", 3), parse_label("Z", 3)
    (1, None, None)
    """
    bare = _BARE.match(text)
    found = [bare[1]] if bare else [one or other for one, other in _NAMED.findall(text)]
    places = {ord(letter.upper()) - ord("A") for letter in found}
    if len(places) != 1 or (place := places.pop()) >= n:
        return None
    return place


def _prompt(query: str, letters: str, shown: Sequence[str], forced: bool) -> Prompt:
    """Return the question in the structure of the paper's prompt, in our words."""
    passages = [f"Passage {letter}: {text}" for letter, text in zip(letters, shown, strict=True)]
    wanted = "its label, such as Passage A" if forced else "its letter only, such as A"
    question = (
        "Which of the passages above is the most relevant to the query? "
        f"Answer with {wanted}, and nothing else."
    )
    asked = "\n\n".join([f"Query: {query}", *passages, question])
    begun = (Message("assistant", "Passage"),) if forced else ()
    return (Message("user", asked), *begun)
