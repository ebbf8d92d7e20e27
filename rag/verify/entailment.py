"""Asking a language model whether evidence supports a statement: yes or no.

MiniCheck (arXiv 2404.10774) shows that whole sentences may be asked about: nothing is split into
claims. Here any model is asked, and the log-odds of its next token are read.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from rag.flows import Flow
from rag.iterate.asking import affirmed
from rag.logistic import sigmoid
from rag.outside.harmless import harmless
from rag.outside.size import shortened
from rag.prompts import prompt

EVIDENCE, STATEMENT = 600, 120  # chosen: of size; three quotes and a long sentence

Claimed: TypeAlias = tuple[tuple[str, ...], str]
"""Evidence, and the sentence that it shall carry."""

Asking: TypeAlias = Callable[[Sequence[Claimed]], Flow[tuple[float | None, ...]]]
"""Returns for each claim the probability that it is carried; None where that could not be read."""


def entailed(claims: Sequence[Claimed]) -> Flow[tuple[float | None, ...]]:
    """Return the model's probability of "yes" against "no" for each claim, asked in one batch.

    None where no spelling of one of the two was reported.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    filled = [
        prompt("verify-entailment").fill(
            evidence=shown(evidence), statement=shortened(harmless(sentence), STATEMENT)
        )
        for evidence, sentence in claims
    ]
    odds = yield from affirmed(filled)
    return tuple(None if one is None else sigmoid(one) for one in odds)


def shown(evidence: Sequence[str]) -> str:
    """Return evidence as prompts hold it: each text harmless, on a line of its own, and short."""
    each = EVIDENCE // max(1, len(evidence))
    return "\n".join(shortened(harmless(text), each) for text in evidence)
