"""The rerankers of the settings: their models are opened when they are first needed."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

import msgspec

from rag.deadline import within
from rag.errors import BadSettings, RagError
from rag.flows import Budget
from rag.seams import LLM, Reranked, Reranker
from rag.second_look import Move
from rag.sections import RerankSettings
from rag.settings import Settings, load_settings
from rag.values import Candidate, Chunk, FeedbackProbe, Probe, Vector
from rag.wiring.encoding import open_encoder
from rag.wiring.llm import open_llm
from rerankers.cascade import Cascade, Tier
from rerankers.choices import Choices, Learned
from rerankers.feedback import moved, reassigned
from rerankers.guard import Guard
from rerankers.methods import METHODS, asking
from rerankers.ordering import Ordering
from rerankers.reranker import Guarded, Method, Outcome, Scoring
from rerankers.unchanged import Unchanged

if TYPE_CHECKING:
    from indexers.encoders.dense import DenseEncoder
    from rerankers.cross_encoder import CrossEncoderScorer
    from rerankers.late_interaction import TokenEncoder

SCORERS = ("cross-encoder", "late-interaction")
"""Methods that ask no language model."""


class Rerankers:
    """Makes the reranker that the settings describe, and closes what it has opened.

    Args:
        settings: what is in effect.
        llm: gives the language model, which stays its owner's; by default one is opened.
        encoder: gives the encoder of tokens; by default one is loaded.

    Raises:
        BadSettings: an unknown method or schedule.
    """

    def __init__(
        self,
        settings: Settings,
        llm: Callable[[], Awaitable[LLM]] | None = None,
        encoder: Callable[[], TokenEncoder] | None = None,
    ) -> None:
        self._settings = settings
        self._llm = llm or self._own_llm
        self._encoder = encoder or self._own_encoder
        self._owned: LLM | None = None
        self._owned_encoder: DenseEncoder | None = None
        self._scorer: CrossEncoderScorer | None = None
        self._opening = asyncio.Lock()
        self._learned = Learned()
        self._tiers = parse_method(settings.rerank)

    def get(self, collection: str = "") -> Reranker:
        """Return the reranker for a collection; without a method one that changes nothing."""
        of = self._settings.rerank
        if not self._tiers:
            return Unchanged()
        return Guarded(self.method(), _guard(of, collection), of.seconds)

    def method(self) -> Method:
        """Return the method alone, without guard and limit of time; there is one."""
        tiers = [Tier(self._method(name), depth) for name, depth in self._tiers]
        return tiers[0].method if len(tiers) == 1 else Cascade(tiers)

    def move(self) -> Move | None:
        """Return how the dense query is moved for a second look; None for none."""
        of = self._settings.rerank
        return MOVES[of.feedback](of.depth) if of.feedback != "none" else None

    async def close(self) -> None:
        """Release what was opened here."""
        if self._owned is not None:
            await self._owned.close()
        if self._scorer is not None:
            await self._scorer.close()
        if self._owned_encoder is not None:
            await asyncio.to_thread(self._owned_encoder.close)

    def _method(self, name: str) -> Method:
        return Opening(name, partial(self._open, name))

    async def _open(self, name: str) -> Method:
        """Return a method, its model opened.

        Raises:
            ModelUnavailable, LLMUnavailable, BadSettings: it cannot be.
        """
        async with self._opening:
            if name == "cross-encoder":
                return Scoring(name, await self.cross_encoder())
            if name == "late-interaction":
                from rerankers.late_interaction import LateInteractionScorer

                encoder = await asyncio.to_thread(self._encoder)
                return Scoring(name, LateInteractionScorer(encoder))
            return self._asking(name, await self._llm())

    def _asking(self, name: str, llm: LLM) -> Method:
        of = self._settings.rerank
        choices = _choices(of, forced=llm.spec.continues, learned=self._learned)
        schedule = of.schedule if len(self._tiers) == 1 else ""
        budget = Budget(of.calls or math.inf, of.tokens or math.inf)
        return asking(name, llm, choices, schedule, of.passage_tokens, budget)

    async def cross_encoder(self) -> CrossEncoderScorer:
        """Return the cross-encoder of `rerank.model`, opened once.

        Raises:
            BadSettings: the settings name none.
            ModelUnavailable: it cannot be opened.
        """
        from rerankers.cross_encoder import CrossEncoderScorer

        of = self._settings.rerank
        if not of.model:
            raise BadSettings(
                "rerank.model is empty: name the folder or hub name of a cross-encoder, such as "
                "cross-encoder/ms-marco-MiniLM-L6-v2"
            )
        if self._scorer is None:
            self._scorer = await asyncio.to_thread(CrossEncoderScorer, of.model, of.runtime)
        return self._scorer

    async def _own_llm(self) -> LLM:
        if self._owned is None:
            self._owned = await open_llm(self._settings)
        return self._owned

    def _own_encoder(self) -> DenseEncoder:
        if self._owned_encoder is None:
            self._owned_encoder = open_encoder(self._settings)
        return self._owned_encoder


def _learning(loss: Literal["kl", "ranknet"], depth: int) -> Move:
    def move(query: Vector, passages: Vector, scores: Sequence[float]) -> Probe:
        teacher = scores
        if loss == "ranknet":  # only the order counts: as far apart as the query itself has them
            order = tuple(range(len(scores)))
            teacher = reassigned(order, sorted(map(float, passages @ query), reverse=True))
        return Probe("dense", moved(query, passages, teacher, loss).vector, depth)

    return move


def _native(depth: int) -> Move:
    def move(query: Vector, passages: Vector, scores: Sequence[float]) -> FeedbackProbe:
        pairs = len(scores) * (len(scores) - 1) / 2  # their sum must not drown the query itself
        feedback = tuple(zip(passages, scores, strict=True))
        return FeedbackProbe("dense", query, depth, feedback, (1.0, 1.0, 1 / pairs))

    return move


MOVES: Mapping[str, Callable[[int], Move]] = {
    "kl": partial(_learning, "kl"),
    "ranknet": partial(_learning, "ranknet"),
    "native": _native,
}
"""Ways to move the dense query, by the name of `rerank.feedback`; each takes how much is found."""


class Opening:
    """A method whose model is opened when it is first needed, and again where that failed."""

    def __init__(self, name: str, open_: Callable[[], Awaitable[Method]]) -> None:
        self.name = name
        self._open = open_
        self._method: Method | None = None

    async def order(self, query: str, passages: Sequence[str], seconds: float) -> Outcome:
        """Return the passages' order; where the model cannot be opened, as they came."""
        began = time.monotonic()
        try:
            async with within(seconds):
                method = self._method = self._method or await self._open()
        except RagError as error:
            return Outcome(Ordering(tuple(range(len(passages)))), error=error)
        return await method.order(query, passages, max(0.0, seconds - time.monotonic() + began))


def parse_method(of: RerankSettings) -> tuple[tuple[str, int], ...]:
    """Return the methods of a cascade with how many candidates each sees; none where none is set.

    Raises:
        BadSettings: an unknown method or schedule, or a number that is none.

    >>> parse_method(RerankSettings(method="query-likelihood:50, first:20"))
    (('query-likelihood', 50), ('first', 20))
    """
    found = []
    for part in filter(None, map(str.strip, of.method.split(","))):
        name, _, depth = part.partition(":")
        if name not in METHODS and name not in SCORERS:
            known = ", ".join([*METHODS, *SCORERS])
            raise BadSettings(f"rerank.method is '{name}', which is none. Known: {known}")
        if depth and not (depth.isascii() and depth.isdigit() and int(depth)):
            raise BadSettings(f"rerank.method says '{part}': write a number after the colon")
        found.append((name, int(depth) if depth else of.depth))
    if len(found) == 1 and found[0][0] in METHODS:
        METHODS[found[0][0]].schedule(of.schedule)
    return tuple(found)


def _guard(of: RerankSettings, collection: str) -> Guard | None:
    unguarded = {name.strip() for name in of.unguarded.split(",")}
    if of.guard == "none" or (collection and collection in unguarded):
        return None
    return Guard(of.guard, of.guard_weight or None, of.guard_jump)


def _choices(of: RerankSettings, *, forced: bool, learned: Learned) -> Choices:
    return Choices(
        of.window,
        of.stride,
        of.top,
        of.together,
        of.writes,
        of.shuffles,
        of.letter_prior,
        of.merge,
        of.demonstrations,
        forced,
        learned,
    )


async def rerank(
    query: str, documents: Sequence[str], settings: Settings | None = None, method: str = ""
) -> Reranked:
    """Return documents in a better order; the chunk id of each is its number in the input.

    For several queries make one `Rerankers` and keep it: this opens the model anew.

    Args:
        query: what is asked.
        documents: the best first, if that is known; otherwise set `rerank.guard` to "none".
        settings: by default those in effect.
        method: by default `rerank.method`.

    Raises:
        BadSettings: an unknown method.
    """
    settings = settings or load_settings()
    if method:
        section = msgspec.structs.replace(settings.rerank, method=method)
        settings = msgspec.structs.replace(settings, rerank=section)
    rerankers = Rerankers(settings)
    try:
        return await rerankers.get().rerank(query, candidates(documents))
    finally:
        await rerankers.close()


def candidates(documents: Sequence[str]) -> list[Candidate]:
    """Return texts as candidates that nobody has scored: 1 / rank, numbers from 0 for ids."""
    return [
        Candidate(Chunk(str(i), str(i), text, 0, len(text)), 1 / (i + 1), {})
        for i, text in enumerate(documents)
    ]
