"""When to say nothing: the gates before an answer.

The first asks whether anything is about the question: the cosine of the nearest sentence has to
reach a floor. The second asks whether it suffices: a logistic regression over a few features,
fitted on questions of which it is known whether they can be answered (`firstcite calibrate`).
"""

import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

import numpy as np

from rag.logistic import Logistic
from rag.outside.words import content, shared
from rag.quoting.lines import Read, ranked
from rag.seams import Encoder
from rag.values import Context, Frozen, Trace


@dataclass(frozen=True, slots=True)
class Verdict(Frozen):
    """Whether what was found can answer the question; `reason` says why not, or what is missing.

    `trace` is what a model was asked to find that out.
    """

    answerable: Literal["yes", "partial", "no"]
    reason: str = ""
    trace: Trace = ()


Gate: TypeAlias = Callable[[Context, Read], Awaitable[Verdict]]
"""Judges what was read, of which there is at least one line."""

FEATURES: Mapping[str, str] = {
    "sentence": "cosine of the question and the nearest sentence",
    "passage": "cosine of the question and the best passage",
    "gap": "how far the nearest sentence of any other document is behind",
    "document": "mean cosine of the sentences in the nearest one's document",
    "covered": "share of the question's content words that the best passage has",
    "titled": "share of them in title and headings of the nearest sentence's passage",
    "terms": "ln(1 + number of content words)",
    "documents": "share of the passages that are of different documents",
}
"""What every feature is, by name."""

_NUMBER = re.compile(r"\d[\d.,]*\d|\d")


@dataclass(frozen=True, slots=True)
class Calibration(Frozen):
    """When to answer, as fitted on labelled questions.

    Args:
        model: how likely a question can be answered, over `FEATURES`.
        threshold: the least probability that is answered.
        encoder: fingerprint of the encoder whose cosines it knows.
        made: when.
        counts: questions by "answerable" and "unanswerable".
        held_out: "auc", and the shares of answerable ("right") and unanswerable ("wrong") questions
            that were answered, of questions that were not fitted.
    """

    model: Logistic
    threshold: float
    encoder: str
    made: date
    counts: Mapping[str, int]
    held_out: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Floor(Frozen):
    """The first gate alone."""

    floor: float

    async def __call__(self, context: Context, read: Read) -> Verdict:
        """Judge by the nearest sentence."""
        best = max(line.cosine for line in read.lines)
        if best >= self.floor:
            return _whole(context)
        return Verdict(
            "no",
            f"no sentence of the {len(context.passages)} best passages is close enough to the "
            f"question: the best has {best:.2f}, the floor is {self.floor:.2f}",
        )


class Calibrated:
    """The second gate, which takes the place of the first: it knows what the floor knows."""

    def __init__(self, calibration: Calibration, encoder: Encoder) -> None:
        self._calibration = calibration
        self._encoder = encoder

    async def __call__(self, context: Context, read: Read) -> Verdict:
        """Judge by the probability that the passages hold the answer."""
        found = await evidence(context, read, self._encoder)
        likely, least = self._calibration.model.probability(found), self._calibration.threshold
        if likely >= least:
            return _whole(context)
        return Verdict(
            "no",
            f"what was found hardly answers the question: with probability {likely:.2f}, less than "
            f"{least:.2f}",
        )


async def evidence(context: Context, read: Read, encoder: Encoder) -> Mapping[str, float]:
    """Return the features of a question and what was found for it, by name."""
    best = ranked(context)[0].candidate.chunk.indexed_text
    (vector,) = await encoder.encode([best], "document")
    nearest = max(read.lines, key=lambda line: line.cosine)
    mine = [line.cosine for line in read.lines if line.document == nearest.document]
    others = [line.cosine for line in read.lines if line.document != nearest.document]
    chunk = nearest.passage.candidate.chunk
    terms = content(context.query.text)
    documents = {passage.candidate.chunk.document_id for passage in context.passages}
    return {
        "sentence": nearest.cosine,
        "passage": float(np.dot(vector, read.query)),
        "gap": nearest.cosine - max(others, default=0.0),
        "document": math.fsum(mine) / len(mine),
        "covered": _share(terms, best),
        "titled": _share(terms, f"{chunk.title}\n{chunk.context}"),
        "terms": math.log1p(len(terms)),
        "documents": len(documents) / len(context.passages),
    }


def _share(terms: frozenset[str], text: str) -> float:
    return shared(terms, content(text)) / max(1, len(terms))


def _whole(context: Context) -> Verdict:
    """Return yes, or that it is only in part: no passage has a number that the question has."""
    told = "\n".join(passage.candidate.chunk.indexed_text for passage in context.passages)
    there = set(_numbers(told))
    missing = [number for number in _numbers(context.query.text) if number not in there]
    if missing:
        return Verdict("partial", f"no passage has {', '.join(missing)}")
    return Verdict("yes")


def _numbers(text: str) -> list[str]:
    """Return the numbers of a text, none twice, without commas: 1,000 is 1000."""
    return list(dict.fromkeys(number.replace(",", "") for number in _NUMBER.findall(text)))
