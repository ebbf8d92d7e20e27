"""Judges that need no model, and labels of a collection that nobody labelled."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from eval.checking.judged import Judged
from rag.values import Case, Judgment

Pair = tuple[str, str]


class Grading:
    """A judge that grades as a function of a case says."""

    def __init__(self, grade: Callable[[Case], int | None]) -> None:
        self._grade = grade

    async def judge(self, cases: Sequence[Case]) -> tuple[Judgment, ...]:
        return tuple(Judgment(c.query_id, c.document_id, self._grade(c)) for c in cases)


def overlap(case: Case) -> int:
    """The grade of a judge that only counts words of the query: keywords fool it."""
    asked, said = (set(text.casefold().split()) for text in (case.query, case.text))
    share = len(asked & said) / max(len(asked), 1)
    return 3 if share >= 1 else round(2 * share)


def labels(
    queries: int = 40, documents: int = 10, right: float = 0.9, seed: int = 1
) -> tuple[Mapping[Pair, int], Mapping[Pair, int]]:
    """People's labels, and a judge's that are right so often and else by chance."""
    chance = np.random.default_rng(seed)
    pairs = [(f"q{q:02}", f"d{q:02}-{d}") for q in range(queries) for d in range(documents)]
    people = {pair: int(chance.integers(4)) for pair in pairs}
    judge = {
        pair: grade if chance.random() < right else int(chance.integers(4))
        for pair, grade in people.items()
    }
    return people, judge


def judged(grades: Mapping[Pair, int], *failed: Pair, tells: bool = True) -> Judged:
    """What a judge said, as a file of it is read."""
    return Judged("judge.jsonl", grades, frozenset(failed), tells)
