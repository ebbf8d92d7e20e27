"""Rankings from one passage per prompt: how likely is "yes", the query, or a grade.

What the prompts of one query share (instruction, query) stands first where the method allows it, so
that a model reads it once. All passages are asked about in one batch, or `chunk` at a time in the
first stage's order, so that a deadline keeps what was read by then: the passages read stand in
the order of their scores, those not read come after them in the first stage's order. Then there are
no scores, for a passage that was not read has none; the finding "unread" counts them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Literal, TypeAlias, cast

import numpy as np

from rag.errors import RagError
from rag.flows import Flow, Reply, Request
from rag.values import Choose, Chosen, Score, Scored
from rerankers.ordering import Ordering, Ranker, by_score, floored, unread
from rerankers.recipes import (
    CHAT,
    GRADE,
    LEVELS,
    RATE,
    YES_NO,
    Level,
    Likelihood,
    YesNo,
    filled,
)

Readout = Literal["expected", "peak"]
_Answer: TypeAlias = tuple[float, int]
"""What orders a passage, and the number of labels it lacks."""


def yes_no(
    query: str,
    passages: Sequence[str],
    recipe: YesNo = YES_NO,
    *,
    forced: bool = True,
    chunk: int | None = None,
) -> Ranker:
    """Rank by P(yes) = Σ p(yes) / (Σ p(yes) + Σ p(no)), summed over the spellings of each.

    Of a side that was not reported, no more can be likely than what the reported labels leave. A
    passage about which nothing was reported has .5.
    """
    labels = recipe.yes + recipe.no
    prompts = [filled(recipe.messages, forced, query=query, passage=p) for p in passages]

    def answer(replies: Sequence[Reply]) -> _Answer:
        (chosen,) = cast("Sequence[Chosen]", replies)
        return _log_odds(chosen, len(recipe.yes)), unread(chosen)

    return _ranked([(Choose(prompt, labels),) for prompt in prompts], answer, chunk, _probability)


def query_likelihood(
    query: str,
    passages: Sequence[str],
    recipe: Likelihood = CHAT,
    *,
    forced: bool = True,
    chunk: int | None = None,
) -> Ranker:
    """Rank by the geometric mean of the probabilities of the query's tokens after the passage.

    Its logarithm is the mean log-probability. Sachan et al., EMNLP 2022 (UPR). Where no turn can be
    begun for the model, a begun one is put as the user's, and the query is the answer.
    """
    continuation = recipe.continuation.format(query=query)
    if not forced:
        continuation = continuation.lstrip()

    def answer(replies: Sequence[Reply]) -> _Answer:
        (scored,) = cast("Sequence[Scored]", replies)
        return scored.logprob / max(1, scored.tokens), int(not math.isfinite(scored.logprob))

    prompts = [filled(recipe.messages, forced, passage=passage) for passage in passages]
    return _ranked([(Score(prompt, continuation),) for prompt in prompts], answer, chunk, math.exp)


def graded(
    query: str,
    passages: Sequence[str],
    levels: Sequence[Level] = LEVELS,
    *,
    readout: Readout = "expected",
    forced: bool = True,
    chunk: int | None = None,
) -> Ranker:
    """Rank by graded relevance in words, each level scored by its summed log-likelihood.

    Zhuang et al., NAACL 2024 (RG-3L). Read out is the expected relevance, Σ p(level) · value with p
    the softmax over the levels, scaled to 0..1; or the "peak": the best level's log-likelihood.
    """
    labels = [level.label for level in levels]
    values = [level.value for level in levels]
    choices = ", ".join(labels[:-1]) + f" or {labels[-1]}"

    def answer(replies: Sequence[Reply]) -> _Answer:
        scored = Chosen(tuple(one.logprob for one in cast("Sequence[Scored]", replies)))
        return _READOUTS[readout](scored, values), unread(scored)

    prompts = [filled(GRADE, forced, choices=choices, query=query, passage=p) for p in passages]
    asked = [tuple(Score(prompt, label) for label in labels) for prompt in prompts]
    return _ranked(asked, answer, chunk)


def rating(
    query: str,
    passages: Sequence[str],
    top: int = 4,
    *,
    readout: Readout = "expected",
    forced: bool = True,
    chunk: int | None = None,
) -> Ranker:
    """Rank by a rating from 0 to `top` (9 at most), read off the probabilities of its digits.

    Zhuang et al., NAACL 2024 (RG-S); read out as in `graded`.
    """
    labels = tuple(str(digit) for digit in range(top + 1))

    def answer(replies: Sequence[Reply]) -> _Answer:
        (chosen,) = cast("Sequence[Chosen]", replies)
        return _READOUTS[readout](chosen, range(top + 1)), unread(chosen)

    prompts = [filled(RATE, forced, top=str(top), query=query, passage=p) for p in passages]
    return _ranked([(Choose(prompt, labels),) for prompt in prompts], answer, chunk)


def _ranked(
    questions: Sequence[tuple[Request, ...]],
    answer: Callable[[Sequence[Reply]], _Answer],
    chunk: int | None,
    score: Callable[[float], float] = float,
) -> Ranker:
    """Ask the questions about each passage and rank by the answers; ties stay as they were."""
    count = len(questions)
    answers = [answer(replies) for replies in (yield from _asked(questions, chunk))]
    keys = floored(Chosen(tuple(key for key, _ in answers)))
    left = count - len(keys) if count > 1 else 0
    return Ordering(
        (*by_score(keys), *range(len(keys), count)),
        () if left else tuple(map(score, keys)),
        missing=sum(missing for _, missing in answers),
        findings={"unread": float(left)} if left else {},
    )


def _asked(
    questions: Sequence[tuple[Request, ...]], chunk: int | None
) -> Flow[list[tuple[Reply, ...]]]:
    """Return the replies by passage: all, or those of the head that was read in time."""
    if len(questions) < 2:
        return []
    read: list[tuple[Reply, ...]] = []
    size = chunk or len(questions)
    for start in range(0, len(questions), size):
        part = questions[start : start + size]
        try:
            replies = iter((yield [request for question in part for request in question]))
        except RagError:
            break
        read += [tuple(islice(replies, len(question))) for question in part]
    return read


def _log_odds(chosen: Chosen, split: int) -> float:
    """Return the log-odds of the first `split` labels together against the others together."""
    ours, theirs = _total(chosen.logprobs[:split]), _total(chosen.logprobs[split:])
    if ours is None:
        return 0.0 if theirs is None else _rest(theirs) - theirs
    return ours - (_rest(ours) if theirs is None else theirs)


def _total(logprobs: Sequence[float | None]) -> float | None:
    """Return the log of the labels' summed probability, None where none was reported."""
    observed = [p for p in logprobs if p is not None and math.isfinite(p)]
    return float(np.logaddexp.reduce(observed)) if observed else None


def _rest(logprob: float) -> float:
    """Return what to take labels for that were not reported beside one of this log-probability.

    As `floored`, but no more than what is left of the whole.
    """
    return min(logprob - 1.0, math.log(max(1e-12, 1 - math.exp(min(0.0, logprob)))))


def _probability(log_odds: float) -> float:
    return 0.5 + 0.5 * math.tanh(log_odds / 2)  # the sigmoid, which never overflows


def _expected(chosen: Chosen, values: Sequence[float]) -> float:
    """Return Σ p · value with p the softmax over the labels, scaled to 0..1."""
    logprobs = np.array(floored(chosen))
    weights = np.exp(logprobs - logprobs.max())
    scaled = (np.array(values, float) - min(values)) / ((max(values) - min(values)) or 1)
    return float(weights @ scaled / weights.sum())


def _peak(chosen: Chosen, values: Sequence[float]) -> float:
    """Return the log-probability of the best label; not a number where none was reported."""
    if unread(chosen) == len(chosen.logprobs):
        return math.nan
    return floored(chosen)[max(range(len(values)), key=values.__getitem__)]


_READOUTS: Mapping[Readout, Callable[[Chosen, Sequence[float]], float]] = {
    "expected": _expected,
    "peak": _peak,
}
