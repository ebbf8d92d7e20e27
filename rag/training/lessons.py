"""Lessons for a language model: what it is asked, as it would be asked in use, and its mistake."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from rag.errors import BadInput
from rag.flows import Request
from rag.values import Choose, Frozen, Prompt, Score


@dataclass(frozen=True, slots=True)
class Question(Frozen):
    """A prompt, with what is read of it: labels that may come next, a text that follows, or both.

    `ends` says that the model's turn ends after the text, which is then read, too.
    """

    prompt: Prompt
    labels: tuple[str, ...] = ()
    continuation: str = ""
    ends: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Read(Frozen):
    """Log-probabilities with gradient: of each label, (k,), and of the text's tokens, (t,)."""

    labels: Tensor
    tokens: Tensor


Loss: TypeAlias = Callable[[Sequence[Read]], Tensor]
"""Takes what was read of each question of a lesson, returns a number, ()."""


@dataclass(frozen=True, slots=True)
class Lesson(Frozen):
    """Questions, and what is wrong with the model's answers to all of them together."""

    questions: tuple[Question, ...]
    loss: Loss


def together(lessons: Sequence[Lesson]) -> Lesson:
    """Return lessons as one, whose loss is their mean.

    What their questions share at the start goes through the model once.
    """
    if len(lessons) == 1:
        return lessons[0]

    def loss(read: Sequence[Read]) -> Tensor:
        rest = iter(read)
        each = [one.loss([next(rest) for _ in one.questions]) for one in lessons]
        return torch.stack(each).mean()

    return Lesson(tuple(asked for one in lessons for asked in one.questions), loss)


class Answering(Protocol):
    """Answers questions as it is now."""

    def read(self, questions: Sequence[Question]) -> Sequence[Read]:
        """Return what is read of questions, without gradient."""
        ...


def question(request: Request) -> Question:
    """Return a request of a flow as a question: training asks what ranking asks.

    Raises:
        BadInput: it is one whose reply has no gradient.
    """
    if isinstance(request, Choose):
        return Question(request.prompt, labels=request.labels)
    if isinstance(request, Score):
        return Question(request.prompt, continuation=request.continuation)
    raise BadInput(f"a {type(request).__name__} cannot be trained on: it is no choice and no score")
