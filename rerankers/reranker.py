"""The `Reranker`: a method, its guard, and an account of what was done. It never fails."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from rag.deadline import remaining, within
from rag.errors import RagError
from rag.flows import USUAL, Budget, drive
from rag.ledger import ms_since
from rag.seams import LLM, Reranked
from rag.spans import timed
from rag.values import Candidate, Cost, Frozen, Message, Stage
from rerankers.guard import Fused, Guard, guarded
from rerankers.ordering import Ordering, Ranker, by_score
from rerankers.passages import Prepared, prepare, suspicions

PASSAGE_TOKENS = 192  # a chunk of the usual splitter
SHARE, RESERVE_S = 0.9, 0.1  # chosen: of the time left, and what is at least left to the caller

_QUERY_SHARE = 8  # chosen: a query may fill an eighth of the context window
_TEMPLATE_TOKENS = 256  # chosen: what template and instruction may take of it
_LABEL_TOKENS = 8  # chosen: "Passage A: " or "[A] ", and the line break


@dataclass(frozen=True, slots=True)
class Outcome(Frozen):
    """What a method made of passages; `error` is why it could not do all of it."""

    ordering: Ordering
    cost: Cost = Cost()  # noqa: RUF009 - frozen
    error: RagError | None = None
    shortened: tuple[int, ...] = ()
    steps: tuple[Stage, ...] = ()

    def stage(self, name: str, ms: float) -> Stage:
        """Return what happened as a stage of a trace."""
        if self.error is None:
            return Stage(name, ms, cost=self.cost)
        stage = Stage(name, ms, "failed", str(self.error), self.cost)
        return replace(stage, status="cut short") if self.cost.calls else stage


class Method(Protocol):
    """Orders passages. Whatever goes wrong, every passage is in the order."""

    @property
    def name(self) -> str:
        """What the method is called."""
        ...

    async def order(self, query: str, passages: Sequence[str], seconds: float) -> Outcome:
        """Return the passages' order, best first; passage 0 is the first stage's best."""
        ...


Begin: TypeAlias = Callable[[str, Sequence[str]], Ranker]
"""Begins a flow that ranks passages for a query."""


class Asking:
    """A method that asks a language model: a flow over prepared texts.

    Args:
        name: of the method.
        llm: the model.
        begin: begins the flow.
        together: passages that stand in one prompt, at most.
        passage_tokens: the most that is read of a passage; less where the context window is full.
        budget: of calls, tokens and seconds.
        written: tokens that a reply may have for each passage in the prompt.
    """

    def __init__(
        self,
        name: str,
        llm: LLM,
        begin: Begin,
        together: int = 1,
        passage_tokens: int = PASSAGE_TOKENS,
        budget: Budget = USUAL,
        written: int = 1,
    ) -> None:
        self.name = name
        self._llm = llm
        self._begin = begin
        self._together = together
        self._passage_tokens = passage_tokens
        self._budget = budget
        self._written = written
        self._empty = llm.count_tokens(_alone(""))

    async def order(self, query: str, passages: Sequence[str], seconds: float) -> Outcome:
        """Return the passages' order."""
        began = time.monotonic()
        prepared = self.prepared(query, passages)
        left = max(0.0, seconds - (time.monotonic() - began))
        budget = replace(self._budget, seconds=min(self._budget.seconds, left))
        driven = await drive(self._begin(prepared.query, prepared.passages), self._llm, budget)
        shortened = tuple(i for i, flags in enumerate(prepared.flags) if "shortened" in flags)
        return Outcome(driven.result, driven.cost, driven.error, shortened)

    def prepared(self, query: str, passages: Sequence[str]) -> Prepared:
        """Return the texts harmless and short enough for `together` of them to fit a prompt."""
        window = self._llm.spec.context_window
        query_tokens = max(1, window // _QUERY_SHARE)
        asked = min(query_tokens, self._count(query))
        together = max(1, min(self._together, len(passages)))
        # A listwise prompt repeats the query, hence twice.
        room = window - _TEMPLATE_TOKENS - self._written * together - 2 * asked
        tokens = max(1, min(self._passage_tokens, room // together - _LABEL_TOKENS))
        return prepare(query, passages, self._count, query_tokens, tokens)

    def _count(self, text: str) -> int:
        return self._llm.count_tokens(_alone(text)) - self._empty


def _alone(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


class Scorer(Protocol):
    """Scores passages one by one, such as a cross-encoder."""

    async def score(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        """Return one score per passage, the higher the better."""
        ...


class Scoring:
    """A method that orders passages by a scorer."""

    def __init__(self, name: str, scorer: Scorer) -> None:
        self.name = name
        self._scorer = scorer

    async def order(self, query: str, passages: Sequence[str], seconds: float) -> Outcome:
        """Return the passages' order."""
        try:
            async with within(seconds):
                scores = tuple(await self._scorer.score(query, passages))
        except RagError as error:
            return Outcome(Ordering(tuple(range(len(passages)))), error=error)
        cost = Cost(calls=len(passages), depth=1)
        return Outcome(Ordering(by_score(scores), scores), cost)


class Guarded:
    """A `Reranker`: a method under a guard, within the time that is left.

    Args:
        method: orders the passages.
        guard: None lets the method's order stand alone.
        seconds: the most that a query may take.
    """

    def __init__(self, method: Method, guard: Guard | None, seconds: float = math.inf) -> None:
        self._method = method
        self._guard = guard
        self._seconds = seconds

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """Return the candidates in the guarded order, each with its new score."""
        if not candidates:
            return Reranked((), Stage("rerank", 0.0, "skipped", "no candidates"))
        with timed("rerank") as clock:
            began = time.perf_counter()
            passages = [candidate.chunk.indexed_text for candidate in candidates]
            left = remaining()
            seconds = max(0.0, min(self._seconds, left * SHARE, left - RESERVE_S))
            outcome = await self._method.order(query, passages, seconds)
            ms = ms_since(began)
            fused = self._fused(candidates, outcome.ordering)
            stage = clock.stage(self._stage(outcome))
        steps = (*outcome.steps, outcome.stage(self._method.name, ms))
        return Reranked(
            _reordered(candidates, fused, outcome),
            stage,
            outcome.ordering.missing,
            outcome.ordering.malformed,
            outcome.ordering.findings,
            steps,
        )

    def _fused(self, candidates: Sequence[Candidate], ordering: Ordering) -> Fused:
        if self._guard is not None:
            return guarded([c.score for c in candidates], ordering, self._guard)
        order = ordering.order
        if ordering.scores:
            return Fused(order, tuple(ordering.scores[i] for i in order))
        return Fused(order, tuple(1 / rank for rank, _ in enumerate(order, start=1)))

    def _stage(self, outcome: Outcome) -> Stage:
        stage, guard = outcome.stage("rerank", 0.0), self._guard
        how = f"guard {guard.fusion} {guard.share:g}" if guard else "no guard"
        detail = f"{self._method.name}, {how}"
        return replace(stage, detail=f"{detail}: {stage.detail}" if stage.detail else detail)


def _reordered(
    candidates: Sequence[Candidate], fused: Fused, outcome: Outcome
) -> tuple[Candidate, ...]:
    """Return the candidates in the fused order, with their ranks before and by the method."""
    own = {i: rank for rank, i in enumerate(outcome.ordering.order, start=1)}
    cut = set(outcome.shortened)
    return tuple(
        replace(
            candidates[i],
            score=score,
            ranks={**candidates[i].ranks, "first": i + 1, "rerank": own[i]},
            flags=_flags(candidates[i], shortened=i in cut),
        )
        for i, score in zip(fused.order, fused.scores, strict=True)
    )


def _flags(candidate: Candidate, *, shortened: bool) -> tuple[str, ...]:
    """Return what was suspicious about a text, and whether it was cut."""
    cut = ("shortened",) if shortened else ()
    return (*suspicions(candidate.chunk.indexed_text), *cut)
