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
from rag.values import Answer, Frozen, Support

Entails: TypeAlias = Callable[[str, str], bool]
"""Whether a premise entails a hypothesis; raises a `RagError` where it cannot say."""

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
    `failed` counts sentences that could not be judged; they are in no mean, and an answer of
    nothing else is not either. Without any answer the means are 0.
    """

    recall: float
    precision: float
    answers: int
    empty: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class _Judged(Frozen):
    """A sentence: whether what it cites carries it, its good citations, and all of them."""

    recall: float
    good: float
    citations: int


_Answer: TypeAlias = Sequence[_Judged | None]
"""None for a sentence that could not be judged."""


def alce(answers: Iterable[tuple[Sequence[Cited], Mapping[str, str]]], entails: Entails) -> Quality:
    """Return ALCE's citation recall and precision.

    A sentence is recalled where its citations are all of known passages, at least one, and together
    entail it. A citation is good where its sentence is recalled and it entails the sentence alone,
    or the others do not without it. Of a sentence the first three different citations count.

    Args:
        answers: the sentences of each with its passages, text by id.
        entails: asked with passages joined by line breaks, and a sentence.
    """
    return _quality([[_judge(one, known, entails) for one in told] for told, known in answers])


def _judge(sentence: Cited, passages: Mapping[str, str], entails: Entails) -> _Judged | None:
    ids = list(dict.fromkeys(sentence.citations))[:MOST]
    try:
        recalled = _entailed(sentence.text, ids, passages, entails)
        good = sum(_good(sentence.text, ids, one, passages, entails) for one in ids if recalled)
    except RagError:
        return None
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
    return entails("\n".join(passages[one] for one in ids), text)


_WEIGHTS: Mapping[Support, float] = {"full": 1.0, "partial": 0.5, "none": 0.0}


def weighted_support(answers: Iterable[Sequence[Support | None]]) -> Quality:
    """Return TREC's weighted recall and precision of the first citations.

    Recall is the mean over sentences, where an uncited one has 0, precision over cited sentences.

    Args:
        answers: per sentence the support by its first citation: None without one, "unknown" where
            nobody could say.

    >>> weighted_support([["partial", "full", None]])
    Quality(recall=0.5, precision=0.75, answers=1, empty=0, failed=0)
    """
    return _quality([[_labelled(label) for label in labels] for labels in answers])


def first_supports(answer: Answer) -> tuple[Support | None, ...]:
    """Return per sentence how far its first citation carries it, None where it has none."""
    return tuple(one.citations[0].support if one.citations else None for one in answer.sentences)


def _labelled(label: Support | None) -> _Judged | None:
    if label is None:
        return _Judged(0.0, 0.0, 0)
    weight = _WEIGHTS.get(label)
    return None if weight is None else _Judged(weight, weight, 1)


def _quality(answers: Sequence[_Answer]) -> Quality:
    judged = [[one for one in answer if one is not None] for answer in answers]
    counted = [kept for kept, answer in zip(judged, answers, strict=True) if kept or not answer]
    return Quality(
        recall=_mean([_share(sum(s.recall for s in kept), len(kept)) for kept in counted]),
        precision=_mean(
            [_share(sum(s.good for s in kept), sum(s.citations for s in kept)) for kept in counted]
        ),
        answers=len(counted),
        empty=sum(not answer for answer in answers),
        failed=sum(one is None for answer in answers for one in answer),
    )


def _share(good: float, of: int) -> float:
    return good / of if of else 0.0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
