"""How a model is asked which of two passages is better, and how its answers become a margin.

The prompt has the structure of Qin et al. (PRP, arXiv 2306.17563), in our own words: the query,
passage A, passage B, the question. The query comes first, so that all prompts of a query begin
alike, and those with the same first passage longer still. Every pair is asked in both orders. With
l_ij for how far the model leans to the first letter when i is shown first,

    d_ij = (l_ij − l_ji) / 2    is the margin of i over j,
    b_ij = (l_ij + l_ji) / 2    is what the position adds, whichever passages are there,

the log-odds form of the calibration of Zeng et al. (LLM-RankFusion, arXiv 2406.00231): an additive
preference for a letter cancels in d, and is found in b.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag.flows import Question, Reply
from rag.values import Choose, Chosen, Complete, Completed, Frozen, Message, Prompt
from rerankers.demonstrations import Demonstration
from rerankers.ordering import floored, unread

Mode: TypeAlias = Literal["scoring", "generation"]
"""Read the probabilities of the letters, or what the model writes."""

MAX_TOKENS = 8  # chosen: "The answer is Passage B." with its full stop

_SPELLED = 'Reply with "Passage A" or "Passage B" and nothing else.'
_LETTER = "Reply with the letter A or B and nothing else."


def halved(first: float, second: float) -> float:
    """Return the margin of the leans in both orders, free of an additive bias to a letter.

    >>> halved(2.0 + 0.5, -2.0 + 0.5)
    2.0
    """
    return (first - second) / 2


def agreed(first: float, second: float) -> float:
    """Return the answer on which both orders agree, or a tie.

    >>> agreed(1.0, -1.0), agreed(1.0, 1.0), agreed(1.0, 0.0)
    (1.0, 0.0, 0.0)
    """
    return first if first == -second else 0.0


@dataclass(frozen=True, slots=True)
class Way(Frozen):
    """A way of asking: the end of the question, both answers, and how the leans are settled.

    `begin` is what the answer is forced to begin with. Without `labels` the answer is written.
    """

    instruction: str
    answers: tuple[str, str]
    settle: Callable[[float, float], float]
    begin: str = ""
    labels: tuple[str, ...] = ()


_WRITTEN = Way(_SPELLED, ("Passage A", "Passage B"), agreed)

WAYS: Mapping[tuple[Mode, bool], Way] = {
    ("scoring", True): Way(
        _SPELLED, ("Passage A", "Passage B"), halved, begin="Passage", labels=(" A", " B")
    ),
    ("scoring", False): Way(_LETTER, ("A", "B"), halved, labels=("A", "B")),
    ("generation", True): _WRITTEN,
    ("generation", False): _WRITTEN,
}
"""The ways of asking, by mode and by whether an answer can be begun for the model."""


def shown(way: Way, demonstrations: Sequence[Demonstration]) -> Prompt:
    """Return the turns that show demonstrations, to stand before every question.

    Each comes twice, the better passage first and then the worse one first, so that no letter is
    taught (Zeng et al.).
    """
    first, second = way.answers
    return tuple(
        turn
        for one in demonstrations
        for turn in (
            _question(way, one.query, one.relevant, one.less_relevant),
            Message("assistant", first),
            _question(way, one.query, one.less_relevant, one.relevant),
            Message("assistant", second),
        )
    )


def compared(way: Way, query: str, first: str, second: str, before: Prompt = ()) -> Question:
    """Return the request that compares two passages, shown in this order, after other turns."""
    begun = (Message("assistant", way.begin),) if way.begin else ()
    prompt = (*before, _question(way, query, first, second), *begun)
    return Choose(prompt, way.labels) if way.labels else Complete(prompt, MAX_TOKENS)


def _question(way: Way, query: str, first: str, second: str) -> Message:
    return Message(
        "user",
        f"Query: {query}\n\nPassage A: {first}\n\nPassage B: {second}\n\n"
        f"Which of the two passages answers the query better? {way.instruction}",
    )


@dataclass(frozen=True, slots=True)
class Lean(Frozen):
    """How far one answer leans to the passage shown first, and what could not be read of it."""

    lean: float
    missing: int = 0
    malformed: int = 0


def lean(reply: Reply) -> Lean:
    """Return how far an answer leans to the passage shown first.

    Of probabilities: log p(A) − log p(B); a letter that is missing lies below the other, and
    without both the answer leans to neither. Of a text: 1.0, −1.0, or 0.0 where it names neither.

    >>> lean(Chosen((-0.5, -2.0))), lean(Completed("Both are good.", 4))
    (Lean(lean=1.5, missing=0, malformed=0), Lean(lean=0.0, missing=0, malformed=1))
    """
    if isinstance(reply, Chosen):
        a, b = floored(reply)
        return Lean(a - b, missing=unread(reply))
    if isinstance(reply, Completed):
        found = preferred(reply.text)
        return Lean(float(found), malformed=int(found == 0))
    raise TypeError(f"a comparison was answered with a {type(reply).__name__}")


_THOUGHT = re.compile(r"<think>.*?(?:</think>|$)", re.DOTALL | re.IGNORECASE)
_BARE = re.compile(
    r"(?:the[\W_]+)?(?:answer[\W_]+(?:is[\W_]+)?)?(?:passage[\W_]*)?([ab])", re.IGNORECASE
)
_DENIED = re.compile(r"\b(?:not|neither|nor|never)\b|n['’]t\b", re.IGNORECASE)
_NAMED = re.compile(r"(?i:passages?)[\W_]{0,3}([AB])(?![a-zA-Z0-9])")
_JOINED = re.compile(r"\b(?i:and|or|than|over|versus|vs)\W{1,3}([AB])(?![a-zA-Z0-9])")
_ALONE = re.compile(r"(?<![\w'’])(B|A(?!\s+(?!(?:is|and|or|than|over)\b)[a-z]))(?![\w'’])")


def preferred(text: str) -> Literal[-1, 0, 1]:
    """Return 1 if a text names passage A as its answer, −1 if B, 0 if neither or both.

    Case, brackets and punctuation do not matter where the text is the answer alone. In a sentence
    the letters are upper case, for "a" is an article there; one that denies something names none.

    >>> [preferred(t) for t in ("passage b.", "[A]", "The answer is Passage B", "A good question")]
    [-1, 1, -1, 0]
    """
    text = unicodedata.normalize("NFKC", _THOUGHT.sub("", text))
    bare = _BARE.fullmatch(re.sub(r"^[\W_]+|[\W_]+$", "", text))
    if bare:
        return 1 if bare[1] in "aA" else -1
    letters = set(_NAMED.findall(text)) or set(_ALONE.findall(text))
    letters |= set(_JOINED.findall(text))
    if len(letters) != 1 or _DENIED.search(text):
        return 0
    return 1 if "A" in letters else -1
