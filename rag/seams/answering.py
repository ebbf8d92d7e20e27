"""What ranks, writes and judges."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from rag.values import Candidate, Case, Context, Frozen, Judgment, Stage, Told, Trace


@dataclass(frozen=True, slots=True)
class Reranked(Frozen):
    """The same candidates in a new order, and what the reranker did.

    Scores fall with the rank. `stage` is the whole; `steps` are its parts with their times.
    `missing` counts labels that the model did not report, `malformed` replies that could not be
    read as they were meant. `findings` are figures of the method, such as the rate of inconsistent
    pairs.
    """

    candidates: tuple[Candidate, ...]
    stage: Stage
    missing: int = 0
    malformed: int = 0
    findings: Mapping[str, float] = field(default_factory=dict)
    steps: Trace = ()

    @property
    def status(self) -> Literal["ok", "degraded"]:
        """Whether the order is what the method makes of all candidates."""
        return "ok" if self.stage.status in {"ok", "skipped"} else "degraded"


@runtime_checkable
class Reranker(Protocol):
    """Puts candidates in a better order; never drops or adds one, and never fails.

    What cannot be ranked, for want of time or because a model fails, keeps the order it came in;
    the stage says so.
    """

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """Return a permutation of the candidates."""
        ...


@runtime_checkable
class Generator(Protocol):
    """Writes a cited answer from a context, and from nothing else."""

    def answer(self, context: Context) -> AsyncGenerator[Told, None]:
        """Yield the answer's text, its sentences and late fixes, then the `Answer`, last and once.

        All text together, after the fixes, is the answer's (`rag.citing.events.mended`). Leaving
        the loop stops the writing.
        """
        ...


@runtime_checkable
class Judge(Protocol):
    """Grades the relevance of documents to queries."""

    async def judge(self, cases: Sequence[Case]) -> tuple[Judgment, ...]:
        """Return one judgment per case, in order; grade None where there is no valid one."""
        ...
