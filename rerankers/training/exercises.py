"""Exercises: candidates of a query as a method asks about them, and what they are worth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from rag.errors import BadInput
from rag.flows import Flow, Request
from rag.training.lessons import Lesson, Question, Read, question
from rag.training.objectives import BY_GRADE, OBJECTIVES, ndcg
from rag.training.values import Passage
from rag.values import Frozen
from rerankers.choices import Choices
from rerankers.first import First
from rerankers.lettering import LETTERS
from rerankers.methods import METHODS
from rerankers.ordering import Ordering
from rerankers.passages import Count, prepare

Scores: TypeAlias = Callable[[Sequence[Read]], Tensor]
"""Makes a score of each candidate, (n,), of what was read of the questions."""

SCALE = 10.0  # of mean log-probabilities of tokens, which differ by tenths (RankingGPT's 1 / .1)
RANKING = 10.0  # how much the ranking counts beside the writing: FIRST, its code


@dataclass(frozen=True, slots=True)
class Limits(Frozen):
    """The most tokens that are read of a query and of a passage, and how they are counted."""

    count: Count
    query: int = 128
    passage: int = 192


@dataclass(frozen=True, slots=True)
class Exercise(Frozen):
    """Questions about candidates, how they become scores, and the candidates themselves."""

    questions: tuple[Question, ...]
    scores: Scores
    passages: tuple[Passage, ...]

    def lesson(self, objective: str) -> Lesson:
        """Return it as a lesson with one of `OBJECTIVES`."""
        aim, made = targets(self.passages, objective), OBJECTIVES[objective]

        def loss(read: Sequence[Read]) -> Tensor:
            scores = self.scores(read)
            return made(scores, aim.to(scores.device))

        return Lesson(self.questions, loss)

    def figure(self, read: Sequence[Read]) -> float:
        """Return nDCG@10 of the candidates by their scores; by grade, or a teacher's score."""
        worth = [p.grade if p.score is None else p.score for p in self.passages]
        least = min(worth)
        return ndcg(self.scores(read).tolist(), [one - least for one in worth])


def targets(passages: Sequence[Passage], objective: str) -> Tensor:
    """Return what scores should be like: grades, or a teacher's scores where the objective may.

    Raises:
        BadInput: some have a teacher's score and some have none.
    """
    known = [p.score for p in passages if p.score is not None]
    if objective in BY_GRADE or not known:
        return torch.tensor([p.grade for p in passages], dtype=torch.float32)
    if len(known) < len(passages):
        raise BadInput(
            "a group has a teacher's score for some passages only: ask the teacher again"
        )
    return torch.tensor(known)


def pointwise(method: str, query: str, passages: Sequence[Passage], limits: Limits) -> Exercise:
    """Return candidates as a pointwise method asks about them, one by one.

    Raises:
        BadInput: the method cannot be trained.
    """
    if method not in POINTWISE:
        raise BadInput(f"{method} cannot be trained: take {' or '.join(POINTWISE)}")
    known = prepare(query, [p.text for p in passages], limits.count, limits.query, limits.passage)
    flow = METHODS[method].begin(Choices(), "", known.query, known.passages)
    score = POINTWISE[method]
    return Exercise(
        tuple(map(question, _asked(flow, len(passages)))),
        lambda read: torch.stack([score(one) for one in read]),
        tuple(passages),
    )


def window(
    query: str, passages: Sequence[Passage], limits: Limits, *, late: bool = False
) -> Exercise:
    """Return candidates as FIRST asks about them: all in one prompt, in this order.

    `late` as in `rerankers.first.First`.
    """
    known = prepare(query, [p.text for p in passages], limits.count, limits.query, limits.passage)
    n = len(passages)
    (asked,) = First(known.query, known.passages, size=n, late=late).requests(tuple(range(n)))
    return Exercise((question(asked),), lambda read: read[0].labels, tuple(passages))


def joint(exercise: Exercise, objective: str, taught: str, ranking: float = RANKING) -> Lesson:
    """Return a window as FIRST is trained: the ranking of the letters, the writing, or both.

    What is to be written is the whole ranking, where a teacher gave one, or else the best letter.
    """
    if taught == "ranking":
        return exercise.lesson(objective)
    (asked,) = exercise.questions
    text, ends = written(exercise.passages)
    both = Question(asked.prompt, asked.labels, text, ends)
    aim, made = targets(exercise.passages, objective), OBJECTIVES[objective]
    weight = ranking if taught == "joint" else 0.0

    def loss(read: Sequence[Read]) -> Tensor:
        letters = read[0].labels
        return weight * made(letters, aim.to(letters.device)) - read[0].tokens.mean()

    return Lesson((both,), loss)


TAUGHT = ("joint", "ranking", "writing")
"""What FIRST may be taught, by the name that the command uses."""


def written(passages: Sequence[Passage]) -> tuple[str, bool]:
    """Return what follows the "[" of a ranking, and whether the turn ends there.

    >>> written([Passage("1", "", score=0.1), Passage("2", "", score=0.7)])
    ('B] > [A]', True)
    >>> written([Passage("1", ""), Passage("2", "", grade=1)])
    ('B]', False)
    """
    whole = all(p.score is not None for p in passages)
    worth = [p.score if p.score is not None else p.grade for p in passages]
    order = sorted(range(len(passages)), key=lambda i: -worth[i])
    shown = order if whole else order[:1]
    return " > ".join(f"[{LETTERS[i]}]" for i in shown)[1:], whole


def _asked(flow: Flow[Ordering], count: int) -> list[Request]:
    """Return all that a flow asks about so many passages in its first batch."""
    requests = list(next(flow, ()))
    flow.close()
    if len(requests) != count:
        raise BadInput(f"{count} passages of a group cannot be asked about at once: take 2 to 32")
    return requests


def _log_odds(read: Read) -> Tensor:
    """Return how much likelier the spellings of yes are than those of no: halves of the labels."""
    half = len(read.labels) // 2
    return read.labels[:half].logsumexp(0) - read.labels[half:].logsumexp(0)


POINTWISE: Mapping[str, Callable[[Read], Tensor]] = {
    "query-likelihood": lambda read: SCALE * read.tokens.mean(),
    "yes-no": _log_odds,
    "qwen3-reranker": _log_odds,
}
"""Methods that can be trained one passage at a time, and how a score is made of what was read."""
