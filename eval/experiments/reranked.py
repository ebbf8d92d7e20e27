"""The stage of a system in which candidates are reranked."""

import random
import time
from collections.abc import Sequence

from eval.experiments.kept import Made
from eval.experiments.step import Facts, Step, cost_of, places, results_of, since
from rag.parts import Parts
from rag.rerank import cut, rerank
from rag.seams import Reranked, Reranker
from rag.second_look import look_again
from rag.values import Candidate, Query, Stage


def reranked(last: Step, parts: Parts, reranker: Reranker, facts: Facts, shuffle: int = 0) -> Step:
    """Return the stage that reranks what the one before found.

    Args:
        last: the stage before.
        parts: what the system is made of.
        reranker: of its parts.
        facts: see there.
        shuffle: a number other than 0 says in which other order candidates are given.
    """
    depth = parts.rerank_depth

    async def make(query: Query, before: Sequence[Made]) -> Made:
        results = await results_of(query, parts, before[0])
        listening = _Listening(reranker, shuffle)
        found = await rerank(results, listening, depth)
        said = listening.last
        ms, model = round(said.stage.ms, 3), facts.names.get("reranker", "")
        costs = [cost_of("rerank", ms, (said.stage,), model)]
        if parts.move is not None:
            began = time.perf_counter()
            found = await look_again(found, parts.encoder, parts.store, parts.move, depth)
            costs.append(cost_of("feedback", since(began), found.trace[-1:]))
        head = (document_id for _, document_id, _ in before[0].order[:depth])
        return Made(
            costs=tuple(costs),
            order=places(cut(found)),
            before=tuple(dict.fromkeys(head)),
            missing=said.missing,
            malformed=said.malformed,
        )

    parameters: dict[str, object] = {
        "rerank": facts.settings["rerank"],
        "depth": depth,
        "model": facts.model,
        "code": facts.sources["rerank"],
    }
    if not shuffle:
        return Step("rerank", parameters, make, (last,))
    return Step(f"rerank shuffled {shuffle}", parameters, make, (last,))


class _Listening:
    """A reranker that remembers what it said last, and may be given candidates in another order."""

    def __init__(self, reranker: Reranker, shuffle: int) -> None:
        self._reranker = reranker
        self._shuffle = shuffle
        self.last = Reranked((), Stage("rerank", 0.0))

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """Return a permutation of the candidates."""
        given = list(candidates)
        if self._shuffle:
            random.Random(f"{self._shuffle} {query}").shuffle(given)  # noqa: S311 - no secret
        self.last = await self._reranker.rerank(query, given)
        return self.last
