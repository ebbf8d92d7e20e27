"""The last rung of the ladder: a model is asked about sentences that are in doubt."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from rag.flows import Budget, drive
from rag.seams import LLM
from rag.values import Cost, Sentence
from rag.verify.entailment import Asking, Claimed
from rag.verify.ladder import Verdict, heard

Told: TypeAlias = tuple[Sequence[float | None], Cost]
"""For each claim the probability that it is carried, None where it could not be read; the cost."""

Ask: TypeAlias = Callable[[Sequence[Claimed]], Awaitable[Told]]
"""Asks a model, in one batch."""


def by_flow(asking: Asking, llm: Callable[[], Awaitable[LLM]], budget: Budget) -> Ask:
    """Return what asks the language model by a flow (`entailed`, `likelier`)."""

    async def ask(claims: Sequence[Claimed]) -> Told:
        driven = await drive(asking(claims), await llm(), budget)
        return driven.result, driven.cost

    return ask


async def heard_out(sentences: Sequence[Sentence], ask: Ask) -> tuple[tuple[Sentence, ...], Cost]:
    """Return the sentences as a model settles those in doubt, and what that cost.

    In doubt is what facts and overlap call "partial". A probability that could not be read changes
    nothing.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    doubtful = [i for i, one in enumerate(sentences) if one.support == "partial"]
    if not doubtful:
        return tuple(sentences), Cost()
    claims = [(tuple(c.quote for c in sentences[i].citations), sentences[i].text) for i in doubtful]
    probabilities, cost = await ask(claims)
    settled = list(sentences)
    for i, probability in zip(doubtful, probabilities, strict=True):
        if probability is not None:
            settled[i] = _settled(settled[i], probability)
    return tuple(settled), cost


def _settled(sentence: Sentence, probability: float) -> Sentence:
    """Return a sentence in doubt after what a model says of all its citations together."""
    best = max(one.score for one in sentence.citations)
    method = max(sentence.citations, key=lambda one: one.score).method
    verdict = heard(Verdict(sentence.support, best, method, sentence.faults), probability)
    cited = tuple(
        replace(one, method=verdict.method, score=verdict.score) if one.score == best else one
        for one in sentence.citations
    )
    return replace(sentence, support=verdict.support, citations=cited)
