"""Which of two answers is better: asked in both orders, and what the order did.

Zheng et al., NeurIPS 2023 (arXiv 2306.05685): a win counts only where both orders agree. What goes
with the place instead of the answer is reported (Shi et al., arXiv 2406.07791).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from eval.answers.nuggetizing import ANSWER, asked
from eval.answers.replies import labelled
from rag.flows import Flow
from rag.outside.harmless import harmless
from rag.outside.size import shortened
from rag.prompts import prompt
from rag.values import Frozen

Place: TypeAlias = Literal["first", "second", "tie"]
"""Which answer a judge prefers by its place in the prompt."""

Winner: TypeAlias = Literal["a", "b", "tie"]

NO_ANSWER = "(no answer)"

_PLACES: Mapping[str, Place] = {"a": "first", "b": "second", "tie": "tie", "c": "tie"}


@dataclass(frozen=True, slots=True)
class Pair(Frozen):
    """A question and two answers to it, "" where a system gave none."""

    query_id: str
    question: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Preferred(Frozen):
    """What a judge says of a pair with a's answer first, and with b's; None where unread."""

    a_first: Place | None
    b_first: Place | None

    @property
    def winner(self) -> Winner | None:
        """Who wins by both orders, else a tie; None where one of them was not read."""
        if self.a_first is None or self.b_first is None:
            return None
        if (self.a_first, self.b_first) == ("first", "second"):
            return "a"
        return "b" if (self.a_first, self.b_first) == ("second", "first") else "tie"


@dataclass(frozen=True, slots=True)
class Order(Frozen):
    """What the order of answers does, as shares of the pairs that were read in both.

    `consistent` say the same of both orders; `primacy` prefer what stands first, `recency` what
    stands last, whichever it is; the rest changes between a tie and a win. None without pairs.
    """

    pairs: int
    consistent: float | None
    primacy: float | None
    recency: float | None
    failed: int


def preferred(pairs: Sequence[Pair]) -> Flow[tuple[Preferred, ...]]:
    """Return what a model says of each pair, both orders asked in one batch.

    Two that give no answer are a tie, and nobody is asked.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    known = [i for i, pair in enumerate(pairs) if pair.a.strip() or pair.b.strip()]
    prompts = [
        (
            prompt("prefer-answer").fill(
                question=asked(pairs[i].question), one=_shown(one), other=_shown(other)
            ),
            1,
        )
        for i in known
        for one, other in ((pairs[i].a, pairs[i].b), (pairs[i].b, pairs[i].a))
    ]
    labels = [label for (label,) in (yield from labelled(prompts, _PLACES))]
    said = {i: Preferred(labels[2 * n], labels[2 * n + 1]) for n, i in enumerate(known)}
    return tuple(said.get(i, Preferred("tie", "tie")) for i in range(len(pairs)))


def _shown(answer: str) -> str:
    return shortened(harmless(answer), ANSWER) or NO_ANSWER


def order(said: Sequence[Preferred]) -> Order:
    """Return what the order did.

    >>> order([Preferred("first", "second"), Preferred("first", "first")])
    Order(pairs=2, consistent=0.5, primacy=0.5, recency=0.0, failed=0)
    """
    read = [(one.a_first, one.b_first) for one in said if one.winner is not None]

    def share(*which: tuple[Place, Place]) -> float | None:
        return sum(pair in which for pair in read) / len(read) if read else None

    return Order(
        len(read),
        share(("first", "second"), ("second", "first"), ("tie", "tie")),
        share(("first", "first")),
        share(("second", "second")),
        len(said) - len(read),
    )
