"""Decoding from several prompts at once: what comes next is a mixture of what each would write.

p(y) = Σ λ·p(y | prompt), as REPLUG has it (arXiv 2301.12652): a mixture of probabilities. A mean of
logits would be a product of experts, in which one prompt that excludes a token excludes it for all.
All prompts are continued with the same token.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.llms.decoding import Branching, Logits, Tally, Texts, drawn
from rag.values import Frozen

Logs = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drawn(Frozen):
    """A token of a mixture, and the share λ·p(token) / Σ λ·p(token) that each prompt had in it."""

    id: int
    shares: tuple[float, ...]


def joint(rows: Logits, weights: Sequence[float]) -> Logs:
    """Return log(λ·p) of every token after every prompt, shape (n, v); all of it sums to 1.

    Args:
        rows: logits after each prompt, shape (n, v).
        weights: above 0, one per prompt, of any sum.

    >>> np.exp(joint(np.log(np.array([[1.0, 1.0], [1.0, 3.0]])), [3, 1])).round(4).tolist()
    [[0.375, 0.375], [0.0625, 0.1875]]
    """
    exact = rows.astype(np.float64)
    logs = np.log(np.asarray(weights, np.float64))
    return exact - _log_sum(exact, 1)[:, None] + (logs - _log_sum(logs, 0))[:, None]


def mixed(
    sessions: Sequence[Branching],
    rows: Logits,
    weights: Sequence[float],
    most: int,
    stops: frozenset[int],
    tally: Tally,
    temperature: float = 0.0,
    seed: int = 0,
) -> Iterator[Drawn]:
    """Yield tokens of the mixture: the likeliest, or drawn at a temperature with a seed.

    Args:
        sessions: each has read its prompt; they are used up.
        rows: logits after each prompt, shape (n, v).
        weights: above 0, one per prompt, of any sum.
        most: tokens to yield at most.
        stops: tokens that end the text; one that does is not yielded.
        tally: counts along; a pass reads the token after every prompt.
        temperature: of the mixture, 0 for the likeliest token.
        seed: the same one draws the same.
    """
    chance = np.random.default_rng(seed)
    texts: Texts | None = None
    while tally.tokens < most:
        logs = joint(rows, weights)
        total = _log_sum(logs, 0)
        id_ = drawn(total, temperature, chance) if temperature else int(total.argmax())
        if id_ in stops:
            return
        tally.tokens += 1
        yield Drawn(id_, tuple(np.exp(logs[:, id_] - total[id_]).tolist()))
        if tally.tokens < most:
            texts = texts or sessions[0].join(sessions[1:])
            tally.passes += 1
            rows = texts.feed([id_] * len(sessions))


def _log_sum(logs: Logs, axis: int) -> Logs:
    """Return the logarithm of the sum along an axis of what the logarithms are of."""
    top = logs.max(axis=axis, keepdims=True)
    found: Logs = np.log(np.exp(logs - top).sum(axis=axis)) + top.squeeze(axis)
    return found
