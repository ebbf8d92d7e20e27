"""The two ways in which an iteration asks: for a text, and for yes or no."""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np

from rag.flows import Flow
from rag.rewrite.replies import unthought
from rag.values import Choose, Chosen, Complete, Completed, Prompt

_YES, _NO = ("yes", "Yes"), ("no", "No")


def written(prompt: Prompt, tokens: int) -> Flow[str]:
    """Return what the model writes, greedy, at most so many tokens."""
    (text,) = yield from drafted([Complete(prompt, tokens)])
    return text


def drafted(requests: Sequence[Complete]) -> Flow[tuple[str, ...]]:
    """Return what the model writes to each request, without its thoughts, asked in one batch."""
    replies = yield requests
    return tuple(unthought(reply.text) for reply in cast("Sequence[Completed]", replies))


def affirmed(prompts: Sequence[Prompt]) -> Flow[tuple[float | None, ...]]:
    """Return the log-odds of yes against no after each prompt, asked in one batch.

    The spellings of each are added up. None where no spelling of one of them was reported.
    """
    replies = yield [Choose(prompt, _YES + _NO) for prompt in prompts]
    return tuple(log_odds(reply) for reply in cast("Sequence[Chosen]", replies))


def log_odds(chosen: Chosen) -> float | None:
    """Return log p(yes) − log p(no) of a reply to the labels yes, Yes, no, No; None if unreadable.

    >>> log_odds(Chosen((-1.0, None, -3.0, None))), log_odds(Chosen((-1.0, None, None, None)))
    (2.0, None)
    """
    yes, no = _total(chosen.logprobs[: len(_YES)]), _total(chosen.logprobs[len(_YES) :])
    return None if yes is None or no is None else yes - no


def _total(logprobs: Sequence[float | None]) -> float | None:
    reported = [p for p in logprobs if p is not None and math.isfinite(p)]
    return float(np.logaddexp.reduce(reported)) if reported else None
