"""Do citations carry what they are put to? ALCE's recall and precision, TREC's weighted support.

ALCE: Gao et al., EMNLP 2023, as the paper defines it; of its code these faults are not here: [0]
does not mean the last document, a repeated citation counts once, an empty answer counts 0, and a
citation of nothing counts as a bad one. TREC: Thakur et al., 2025 (arXiv 2504.15205).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag.errors import RagError
from rag.values import Frozen, Support

Entails: TypeAlias = Callable[[Sequence[str], str], bool]
"""Whether passages together entail a sentence; raises a `RagError` where it cannot say."""

MOST = 3  # ALCE's at_most_citations


@dataclass(frozen=True, slots=True)
class Cited(Frozen):
    """A sentence without markers, and the ids it cites, legal or not, in order."""

    text: str
    citations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quality(Frozen):
    """Recall and precision of citations, as means over answers.

    `answers` counts those in the means, `empty` those of them without a sentence, which count 0.
    `failed` counts what could not be judged, sentences or citations; it is in no mean, and neither
    is an answer of nothing else. Without any answer the means are 0.
    """

    recall: float
    precision: float
    answers: int
    empty: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class CitationScores(Frozen):
    """How an answer is cited: ALCE's measures, TREC's by each sentence's first citation, by all."""

    alce: Quality
    first: Quality
    every: Quality


@dataclass(frozen=True, slots=True)
class _Judged(Frozen):
    """A sentence: how far it is carried, and its good citations, out of those that were judged."""

    recall: float
    good: float
    citations: int
    failed: int = 0

    @property
    def counts(self) -> bool:
        return not self.failed or self.citations > 0


def pooled(qualities: Iterable[Quality]) -> Quality:
    """Return the quality of several sets of answers together, every answer weighing the same.

    >>> pooled([Quality(1.0, 1.0, answers=3), Quality(0.0, 0.0, answers=1, empty=1)])
    Quality(recall=0.75, precision=0.75, answers=4, empty=1, failed=0)
    """
    each = list(qualities)
    answers = sum(one.answers for one in each)
    return Quality(
        recall=_share(math.fsum(one.recall * one.answers for one in each), answers),
        precision=_share(math.fsum(one.precision * one.answers for one in each), answers),
        answers=answers,
        empty=sum(one.empty for one in each),
        failed=sum(one.failed for one in each),
    )


def alce(answers: Iterable[tuple[Sequence[Cited], Mapping[str, str]]], entails: Entails) -> Quality:
    """Return ALCE's citation recall and precision.

    A sentence is recalled where its citations are all of known passages, at least one, and together
    entail it. A citation is good where its sentence is recalled and it entails the sentence alone,
    or the others do not without it. Of a sentence the first three different citations count.

    Args:
        answers: the sentences of each with its passages, text by id.
        entails: asked with the cited passages, in order, and a sentence.
    """
    return pooled(
        _quality([_judge(one, known, entails) for one in told]) for told, known in answers
    )


def _judge(sentence: Cited, passages: Mapping[str, str], entails: Entails) -> _Judged:
    ids = list(dict.fromkeys(sentence.citations))[:MOST]
    try:
        recalled = _entailed(sentence.text, ids, passages, entails)
        good = sum(_good(sentence.text, ids, one, passages, entails) for one in ids if recalled)
    except RagError:
        return _Judged(0.0, 0.0, 0, failed=1)
    return _Judged(float(recalled), good, len(ids))


def _good(
    text: str, ids: Sequence[str], one: str, passages: Mapping[str, str], entails: Entails
) -> bool:
    others = [each for each in ids if each != one]
    if not others or _entailed(text, [one], passages, entails):
        return True
    return not _entailed(text, others, passages, entails)


def _entailed(text: str, ids: Sequence[str], passages: Mapping[str, str], entails: Entails) -> bool:
    if not ids or not all(one in passages for one in ids):
        return False
    return entails([passages[one] for one in ids], text)


_WEIGHTS: Mapping[Support, float] = {"full": 1.0, "partial": 0.5, "none": 0.0}


def weighted_support(answers: Iterable[Sequence[Sequence[Support]]]) -> Quality:
    """Return TREC's weighted recall and precision.

    Recall is the mean over sentences of what their citations weigh on the mean, 0 for an uncited
    one; precision is the mean over citations. Full support weighs 1, partial .5, none 0.

    Args:
        answers: per sentence the support by each citation that counts, "unknown" where nobody could
            say: in 2024 that was the first one alone, `[:1]`.

    >>> weighted_support([[["partial"], ["full"], []]])
    Quality(recall=0.5, precision=0.75, answers=1, empty=0, failed=0)
    """
    return pooled(_quality([_labelled(labels) for labels in answer]) for answer in answers)


def _labelled(labels: Sequence[Support]) -> _Judged:
    weights = [_WEIGHTS[label] for label in labels if label in _WEIGHTS]
    good, judged = math.fsum(weights), len(weights)
    return _Judged(_share(good, judged), good, judged, failed=len(labels) - judged)


def _quality(answer: Sequence[_Judged]) -> Quality:
    """Return the quality of one answer."""
    kept = [one for one in answer if one.counts]
    return Quality(
        recall=_share(math.fsum(one.recall for one in kept), len(kept)),
        precision=_share(math.fsum(one.good for one in kept), sum(one.citations for one in kept)),
        answers=int(bool(kept) or not answer),
        empty=int(not answer),
        failed=sum(one.failed for one in answer),
    )


def _share(good: float, of: int) -> float:
    return good / of if of else 0.0
