"""Texts that are in no collection, put in order by their relevance to a query."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from rag.logistic import sigmoid
from rag.seams import LLM, Encoder, Reranked
from rag.settings import Settings
from rag.spans import timed
from rag.values import Candidate, Chunk, Frozen, Stage
from rag.wiring.reranking import SCORERS, Rerankers
from rerankers.late_interaction import TokenEncoder
from rerankers.methods import METHODS
from rerankers.ordering import by_score

DENSE = "dense"
"""The method that asks nobody but the encoder: the cosine of the vectors."""

NAMES = (DENSE, *METHODS, *SCORERS)
"""Every method."""


@dataclass(frozen=True, slots=True)
class Reordered(Frozen):
    """Texts by number, best first, with a score for each place that never rises.

    `scores` are between 0 and 1: cosines, where nobody but the encoder was asked, or else the
    logistic of what the method gives, which is `raw`. `degraded` says why it is not what the method
    makes of all texts.
    """

    order: tuple[int, ...]
    raw: tuple[float, ...]
    scores: tuple[float, ...]
    method: str
    stage: Stage
    degraded: str = ""


class Reordering:
    """Orders texts by any method; the models of each are opened when it is first asked.

    Args:
        settings: name the usual method; without one it is `DENSE`.
        encoder: gives the order that methods begin with.
        llm: gives the language model.
        tokens: gives the encoder of tokens.
    """

    def __init__(
        self,
        settings: Settings,
        encoder: Encoder,
        llm: Callable[[], Awaitable[LLM]],
        tokens: Callable[[], TokenEncoder],
    ) -> None:
        self._settings, self._encoder = settings, encoder
        self._llm, self._tokens = llm, tokens
        self._opened: dict[str, Rerankers] = {}

    async def order(self, query: str, texts: Sequence[str], method: str = "") -> Reordered:
        """Return the texts' order, by one of `NAMES`, or the settings' own method.

        Raises:
            BadSettings: a method that is none.
        """
        wanted = method or self._settings.rerank.method or DENSE
        with timed("rerank" if wanted == DENSE else DENSE) as clock:
            asked = await self._encoder.encode([query], "query")
            cosines = (await self._encoder.encode(texts, "document") @ asked[0]).tolist()
            first = [
                Candidate(Chunk(str(i), str(i), texts[i], 0, len(texts[i])), cosines[i], {})
                for i in by_score(cosines)
            ]
            stage = clock.stage(Stage("rerank", 0.0, detail=DENSE))
        if wanted == DENSE:
            return _told(Reranked(tuple(first), stage), wanted, lambda score: max(0.0, score))
        found = await self._rerankers(wanted).get().rerank(query, first)
        return _told(found, wanted, sigmoid)

    async def close(self) -> None:
        """Release what was opened here."""
        for rerankers in self._opened.values():
            await rerankers.close()

    def _rerankers(self, method: str) -> Rerankers:
        if method not in self._opened:
            section = replace(self._settings.rerank, method=method)
            settings = replace(self._settings, rerank=section)
            self._opened[method] = Rerankers(settings, self._llm, self._tokens)
        return self._opened[method]


def _told(found: Reranked, method: str, squashed: Callable[[float], float]) -> Reordered:
    raw = tuple(candidate.score for candidate in found.candidates)
    return Reordered(
        tuple(int(candidate.chunk.id) for candidate in found.candidates),
        raw,
        tuple(min(1.0, squashed(score)) for score in raw),
        method,
        found.stage,
        found.stage.detail if found.status == "degraded" else "",
    )
