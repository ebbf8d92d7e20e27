"""The judge that compares: which of two documents serves a query better, asked in both orders.

A preference holds between two documents and is no grade, so this is no `Judge`: what comes out are
preferences and, for each query, the order that fits them best. Every document meets a few others;
which ones is drawn by the seed. The margin is the difference of the log-odds of both orders, halved
(`rerankers.comparing`): a liking for a letter cancels in it.
"""

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from eval.judges.judge import UNBOUNDED, Room, Shortener
from eval.judges.ledger import Page
from eval.judges.reading import Parser
from eval.judges.steps import Attempt, Graded, Grader, Grading, Step, settled
from rag.flows import Reply, drive
from rag.seams import LLM
from rag.showing import Show, silent
from rag.values import Case, Chosen, Completed, Frozen
from rerankers.comparing import WAYS, compared, halved, preferred

OPPONENTS = 2  # chosen: documents that each one meets on either side of a circle


@dataclass(frozen=True, slots=True)
class Preference(Frozen):
    """By how much, in log-odds, one document is preferred; below 0 the other one is.

    None where no valid answer was given. `leans` are those to the passage shown first: when the
    document was that one, and when the other was; 0 where there is none.
    """

    query_id: str
    document_id: str
    other_id: str
    margin: float | None
    leans: tuple[float, float] = (0.0, 0.0)

    @property
    def consistent(self) -> bool:
        """Whether both orders say the same."""
        return self.leans[0] * self.leans[1] < 0


@dataclass(frozen=True, slots=True)
class Preferred(Frozen):
    """A query's documents, best first, with the strengths that fit the preferences best."""

    query_id: str
    order: tuple[tuple[str, float], ...]
    preferences: tuple[Preference, ...]


def lean(reply: Reply) -> float | None:
    """Return how far an answer leans to the passage shown first; None where nothing is said.

    >>> lean(Chosen((-0.5, -2.0))), lean(Chosen((-0.5, None))), lean(Completed("Passage B", 2))
    (1.5, None, -1.0)
    """
    if isinstance(reply, Chosen):
        a, b = reply.logprobs
        if a is None or b is None or not math.isfinite(a - b):
            return None
        return a - b
    return float(preferred(reply.text)) or None if isinstance(reply, Completed) else None


LEAN = Parser("lean/1", lean)
PROMPT = hashlib.sha256(
    repr([compared(way, "", "", "") for way in WAYS.values()]).encode()
).hexdigest()[:16]
"""The hash of the prompts, which are the pairwise reranker's."""


class PairwiseJudge:
    """Compares documents by a language model; every reply is in the ledger."""

    def __init__(
        self,
        llm: LLM,
        page: Page,
        room: Room,
        show: Show = silent,
        opponents: int = OPPONENTS,
        seed: int = 0,
    ) -> None:
        self._llm = llm
        self._page = page
        self._room = room
        self._show = show
        self._opponents = opponents
        self._seed = seed

    async def prefer(self, cases: Sequence[Case]) -> tuple[Preferred, ...]:
        """Return the preferences of each query, in the order of the queries' ids.

        Raises:
            LLMUnavailable: the model fails; what it said before is in the ledger.
        """
        shorten = Shortener(self._llm, self._room)
        forced = self._llm.spec.continues
        by_query = groupby(sorted(cases, key=lambda c: c.query_id), key=lambda c: c.query_id)
        found = []
        done = 0
        for query_id, group in by_query:
            each = {case.document_id: shorten(case) for case in group}
            pairs = circle(sorted(each), self._opponents, f"{self._seed} {query_id}")
            preferences: list[Preference] = []
            size = self._room.together * self._room.lanes
            for start in range(0, len(pairs), size):
                part = pairs[start : start + size]
                asked, grader = _comparing(each, part, forced=forced)
                flow = settled(asked, grader, self._page)
                said = (await drive(flow, self._llm, UNBOUNDED)).result
                preferences += map(_preference, asked, part, said)
            found.append(Preferred(query_id, ordered(sorted(each), preferences), (*preferences,)))
            done += len(each)
            self._show("judge", done, len(cases))
        return tuple(found)


def _comparing(
    each: Mapping[str, Case], pairs: Sequence[tuple[str, str]], *, forced: bool
) -> tuple[list[Case], Grader]:
    """Return a case for each pair, named by both documents, and how it is asked about."""
    asked = {
        Case(each[a].query_id, each[a].query, f"{a}\t{b}", ""): (each[a], each[b]) for a, b in pairs
    }
    read, wrote = WAYS["scoring", forced], WAYS["generation", forced]

    def grade(case: Case) -> Grading:
        a, b = asked[case]
        steps = []
        for name, (x, y) in {"first": (a, b), "second": (b, a)}.items():
            questions = [compared(way, case.query, x.text, y.text) for way in (read, wrote)]
            first, second = (Attempt(question, LEAN) for question in questions)
            steps.append(Step(name, first, second))
        one, two = yield steps
        if one is None or two is None:
            return Graded(None)
        return Graded(None, halved(one, two), {"first": one, "second": two})

    return [*asked], grade


def _preference(case: Case, pair: tuple[str, str], said: Graded) -> Preference:
    leans = (said.parts.get("first", 0.0), said.parts.get("second", 0.0))
    return Preference(case.query_id, *pair, said.score, leans)


def circle(ids: Sequence[str], opponents: int, seed: str) -> list[tuple[str, str]]:
    """Return the pairs that meet: neighbours up to so many places away, in a drawn circle.

    >>> circle(["a", "b", "c"], 9, "")
    [('a', 'b'), ('a', 'c'), ('b', 'c')]
    """
    drawn = random.Random(seed).sample(list(ids), len(ids))  # noqa: S311  not for secrets
    n = len(drawn)
    pairs = {
        (min(drawn[i], drawn[(i + step) % n]), max(drawn[i], drawn[(i + step) % n]))
        for i in range(n)
        for step in range(1, min(opponents, n - 1) + 1)
    }
    return sorted(pairs)


def ordered(ids: Sequence[str], preferences: Sequence[Preference]) -> tuple[tuple[str, float], ...]:
    """Return the documents with their strengths s, best first, ties by id.

    Least squares of s_i − s_j against the margins; strengths sum to 0 where all are connected.

    >>> said = [Preference("q", "a", "b", -1.0), Preference("q", "b", "c", 3.0)]
    >>> ordered("abc", said)
    (('b', 1.333333), ('a', 0.333333), ('c', -1.666667))
    """
    place = {document_id: i for i, document_id in enumerate(ids)}
    valid = [one for one in preferences if one.margin is not None]
    of = np.zeros((len(valid), len(ids)))  # (pairs, d)
    for row, one in zip(of, valid, strict=True):
        row[place[one.document_id]], row[place[one.other_id]] = 1.0, -1.0
    margins = np.array([one.margin for one in valid], float)
    strengths = np.linalg.lstsq(of, margins)[0] if valid else np.zeros(len(ids))
    rounded = [round(float(one), 6) + 0.0 for one in strengths]
    return tuple(sorted(zip(ids, rounded, strict=True), key=lambda pair: (-pair[1], pair[0])))
