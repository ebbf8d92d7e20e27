"""A cascade: a cheap method orders all passages, a dear one the head of that order."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rag.values import Frozen
from rerankers.ordering import Ordering
from rerankers.reranker import Method, Outcome


@dataclass(frozen=True, slots=True)
class Tier(Frozen):
    """A method, and how many passages of the order before it may see."""

    method: Method
    depth: int


class Cascade:
    """A method made of others, the cheapest first; each tier has the time that is left.

    What a tier does not see keeps its place below. A tier that cannot do its work leaves the order
    of the one before it.
    """

    def __init__(self, tiers: Sequence[Tier]) -> None:
        self.name = " → ".join(f"{tier.method.name}:{tier.depth}" for tier in tiers)
        self._tiers = tiers

    async def order(self, query: str, passages: Sequence[str], seconds: float) -> Outcome:
        """Return the passages' order; scores of several methods have no common scale."""
        ends = time.monotonic() + seconds
        whole = Outcome(Ordering(tuple(range(len(passages)))))
        for tier in self._tiers:
            began = time.monotonic()
            head = whole.ordering.order[: tier.depth]
            texts = [passages[i] for i in head]
            outcome = await tier.method.order(query, texts, max(0.0, ends - began))
            whole = _joined(whole, outcome, head, tier, (time.monotonic() - began) * 1_000)
        return whole


def _joined(
    whole: Outcome, outcome: Outcome, head: Sequence[int], tier: Tier, ms: float
) -> Outcome:
    """Return the order with its head in the tier's order, and the sum of what was done."""
    before, after, name = whole.ordering, outcome.ordering, tier.method.name
    ordering = Ordering(
        (*(head[i] for i in after.order), *before.order[len(head) :]),
        missing=before.missing + after.missing,
        malformed=before.malformed + after.malformed,
        findings={**before.findings, **{f"{name} {k}": v for k, v in after.findings.items()}},
    )
    return Outcome(
        ordering,
        whole.cost + outcome.cost,
        whole.error or outcome.error,
        tuple(dict.fromkeys((*whole.shortened, *(head[i] for i in outcome.shortened)))),
        (*whole.steps, outcome.stage(name, ms)),
    )
