"""How good a reranker in training is: nDCG@10 over exercises that it does not learn from."""

import statistics
from collections.abc import Callable, Sequence

from rag.training.lessons import Answering
from rerankers.training.exercises import Exercise


def looking(pupil: Answering, exercises: Sequence[Exercise]) -> Callable[[], float]:
    """Return what gives the mean figure of the exercises as the model answers now."""
    questions = [question for one in exercises for question in one.questions]

    def look() -> float:
        read = iter(pupil.read(questions))
        return statistics.mean(one.figure([next(read) for _ in one.questions]) for one in exercises)

    return look
