"""Reading backwards: how much likelier evidence makes a sentence.

After Time-Reversed Language Models (arXiv 2412.02626), with an ordinary model: log P(sentence |
evidence) − log P(sentence), per token. What the model would have written anyway tells nothing.
"""

from collections.abc import Sequence
from typing import cast

from rag.flows import Flow
from rag.logistic import sigmoid
from rag.outside.harmless import harmless
from rag.outside.size import shortened
from rag.prompts import prompt
from rag.values import Score, Scored
from rag.verify.entailment import STATEMENT, Claimed, shown

HALF = 1.0
"""Nats per token that count as a probability of .5; chosen."""


def gains(claims: Sequence[Claimed]) -> Flow[tuple[float, ...]]:
    """Return for each claim what the evidence adds to the sentence's log-probability, per token.

    All in one batch; a sentence is read alone once, however many claims it stands in. One without
    tokens gains nothing.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    said = [shortened(harmless(sentence), STATEMENT) for _, sentence in claims]
    alone = list(dict.fromkeys(said))
    asked = [Score(prompt("verify-alone").fill(), sentence) for sentence in alone]
    asked += [
        Score(prompt("verify-reverse").fill(evidence=shown(evidence)), sentence)
        for (evidence, _), sentence in zip(claims, said, strict=True)
    ]
    replies = cast("Sequence[Scored]", (yield asked))
    before = dict(zip(alone, replies, strict=False))
    return tuple(
        (after.logprob - before[sentence].logprob) / max(1, after.tokens)
        for sentence, after in zip(said, replies[len(alone) :], strict=True)
    )


def likelier(claims: Sequence[Claimed]) -> Flow[tuple[float | None, ...]]:
    """Return the gains as probabilities, so that the ladder can ask for them.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    found = yield from gains(claims)
    return tuple(sigmoid(2 * (gain - HALF)) for gain in found)
