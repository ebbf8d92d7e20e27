"""Lessons of a rewriter: of two texts the better one is to be likelier, or the better one alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from rag.errors import BadInput
from rag.training.lessons import Answering, Lesson, Question, Read
from rag.training.objectives import dpo
from rag.training.values import Preference
from rag.values import Frozen

OBJECTIVES = ("dpo", "likelihood")
"""What a rewriter learns from, by the name that the command uses."""


def pair(one: Preference) -> tuple[Question, Question]:
    """Return both texts as a model would write them to their ends."""
    return (
        Question(one.prompt, continuation=one.chosen, ends=True),
        Question(one.prompt, continuation=one.rejected, ends=True),
    )


def reference(pupil: Answering, lines: Sequence[Preference]) -> dict[str, tuple[float, float]]:
    """Return the log-probabilities of both texts of each, by id, before anything is learnt."""
    found = {}
    for one in lines:
        better, worse = pupil.read(pair(one))
        found[one.id] = float(better.tokens.sum()), float(worse.tokens.sum())
    return found


def usable(lines: Sequence[Preference], objective: str) -> list[Preference]:
    """Return the lines that an objective can learn from.

    Likelihood alone takes texts that did better than none at all (Rewrite-Retrieve-Read's and
    RaFe's filter); preferences need two texts.

    Raises:
        BadInput: there are none, or the objective is none.
    """
    if objective not in OBJECTIVES:
        raise BadInput(f"'{objective}' is no objective of rewriters: {', '.join(OBJECTIVES)}")
    if objective == "dpo":
        found = [one for one in lines if one.rejected]
    else:
        found = [one for one in lines if one.rewards[0] > one.plain]
    if not found:
        raise BadInput(
            "no text helped search more than another one: draw more of them with --samples"
        )
    return found


@dataclass(frozen=True, slots=True)
class RewriterCourse(Frozen):
    """`batch` preferences an update, in an order of each epoch."""

    order: Sequence[Preference]
    before: Mapping[str, tuple[float, float]]
    updates: int
    batch: int
    beta: float

    def lessons(self, update: int) -> list[Lesson]:
        """Return those of an update; without what was before, the likelihood of the better text."""
        places = range(update * self.batch, (update + 1) * self.batch)
        return [self._lesson(self.order[place % len(self.order)]) for place in places]

    def _lesson(self, one: Preference) -> Lesson:
        better, worse = pair(one)
        if one.id not in self.before:
            return Lesson((better,), lambda read: -read[0].tokens.mean())
        before = self.before[one.id]

        def loss(read: Sequence[Read]) -> Tensor:
            return dpo(read[0].tokens.sum(), read[1].tokens.sum(), before, self.beta)

        return Lesson((better, worse), loss)
