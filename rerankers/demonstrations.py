"""Examples to put before a question, and which of them teach a model most.

Chosen by difficulty, not by likeness to the query: Drozdov et al., "PaRaDe: Passage Ranking using
Demonstrations with Large Language Models" (arXiv 2310.14408).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rag.flows import Flow, Reply
from rag.values import Frozen, Message, Prompt, Score, Scored


@dataclass(frozen=True, slots=True)
class Demonstration(Frozen):
    """A query with a passage that answers it and one on the same subject that does not."""

    query: str
    relevant: str
    less_relevant: str


def hardest(pool: Sequence[Demonstration], n: int) -> Flow[tuple[Demonstration, ...]]:
    """Return the n demonstrations that the model finds hardest, the hardest first.

    The difficulty of one is the mean log-likelihood per token of its query given its relevant
    passage, asked without demonstrations: the lower, the harder. Ties go to the earlier one; one
    whose likelihood is not a finite number counts as the easiest. The result holds for the model
    that answered, so it can be kept.

    Raises:
        RagError: a question was not answered. Nothing is made up: the result would be kept.
    """
    if not pool or n < 1:
        return ()
    replies = yield [Score(_prompt(one), one.query) for one in pool]
    likelihoods = [_mean(reply) for reply in replies]
    order = sorted(range(len(pool)), key=lambda i: (likelihoods[i], i))
    return tuple(pool[i] for i in order[:n])


def _prompt(demonstration: Demonstration) -> Prompt:
    """Return a prompt for the question that a passage answers; own wording."""
    return (
        Message(
            "user",
            f"Passage: {demonstration.relevant}\n\n"
            "Write the search query that this passage answers. Reply with the query and nothing "
            "else.",
        ),
    )


def _mean(reply: Reply) -> float:
    if not isinstance(reply, Scored):
        raise TypeError(f"a Score was answered with a {type(reply).__name__}")
    mean = reply.logprob / max(1, reply.tokens)
    return mean if math.isfinite(mean) else math.inf
