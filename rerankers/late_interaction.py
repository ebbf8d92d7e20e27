"""Late interaction: each token of the query looks for its best match among a passage's tokens.

Khattab and Zaharia, "ColBERT", SIGIR 2020. Letters of shapes: n passages, t tokens of a passage, q
tokens of the query, h dimensions.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from rag.values import Vector

LEAST = -1.0  # the least that a mean of cosines can be


@runtime_checkable
class TokenEncoder(Protocol):
    """Turns texts into one unit vector per token."""

    async def encode_tokens(
        self, texts: Sequence[str], kind: Literal["query", "document"]
    ) -> Sequence[Vector]:
        """Return one array of unit rows per text, (t, h), in the order of the texts."""
        ...


def maxsim(query: Vector, passages: Sequence[Vector]) -> Vector:
    """Return the mean over query tokens of the largest product with a passage's token, (n,).

    Of unit vectors it lies in -1..1; ColBERT's sum is it times the number of query tokens. A
    passage without tokens has -1, a query without tokens 0 for all.

    Args:
        query: (q, h).
        passages: (t, h) each, t may differ.

    >>> east, west, north = np.eye(2)[:1], -np.eye(2)[:1], np.eye(2)[1:]
    >>> maxsim(np.eye(2), [east, np.concatenate([east, north]), west]).tolist()
    [0.5, 1.0, -0.5]
    """
    if not len(passages) or not len(query):
        return np.zeros(len(passages), np.float32)
    lengths = np.array([len(tokens) for tokens in passages])  # (n,)
    there = np.arange(lengths.max()) < lengths[:, None]  # (n, t)
    # -inf and not 0, which would beat every token that is unlike the query.
    products = np.full((*there.shape, len(query)), -np.inf, np.float32)  # (n, t, q)
    products[there] = np.concatenate(passages) @ query.T
    best = products.max(axis=1, initial=-np.inf)  # (n, q)
    scores: Vector = np.where(lengths > 0, best.mean(axis=1), LEAST).astype(np.float32)
    return scores


class LateInteractionScorer:
    """Scores passages by the vectors of their tokens; the encoder stays its owner's."""

    def __init__(self, encoder: TokenEncoder) -> None:
        self._encoder = encoder

    async def score(self, query: str, passages: Sequence[str]) -> tuple[float, ...]:
        """Return the score of each passage, -1..1, in their order; equal texts score equal."""
        texts = list(dict.fromkeys(passages))
        if not texts:
            return ()
        (asked,) = await self._encoder.encode_tokens([query], "query")
        found = await self._encoder.encode_tokens(texts, "document")
        scores = dict(zip(texts, maxsim(asked, found).tolist(), strict=True))
        return tuple(scores[text] for text in passages)
