"""The ladder: facts, then overlap, then a model where both leave a doubt.

A number, date, unit, quoted span or "not" that the evidence lacks settles the matter, whatever any
model says. Models are asked only about what is neither clearly carried nor clearly not: a small one
answers few of these questions well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag.values import Frozen, Support, Vector
from rag.verify.facts import SOFT, Lack, missing
from rag.verify.overlap import Packed, contained, mixed

FULL, PARTIAL = 0.60, 0.28
"""Least scores of "full" and "partial", chosen on SciFact's train claims (`eval.studies`).

At .60 pass 1 % of the sentences beside the rationale in its abstract; .28 parts rationale and other
sentences best (Youden's J).
"""

MODEL = 0.5
"""The weight of a model's probability beside the overlap; chosen."""

RANK: Mapping[Support, int] = {"unknown": 0, "none": 1, "partial": 2, "full": 3}
"""Supports in the order of their strength."""


@dataclass(frozen=True, slots=True)
class Verdict(Frozen):
    """How far evidence carries a sentence.

    `score` in [0, 1] says how much of the sentence the evidence talks about; `faults` what it does
    not hold. A sentence can be close and still "none": for a "not", for a figure.
    """

    support: Support
    score: float
    method: str
    faults: tuple[str, ...] = ()

    @property
    def strength(self) -> tuple[int, float]:
        """What verdicts are compared by: support, then score."""
        return RANK[self.support], self.score


def judged(sentence: str, evidence: Sequence[str], score: float) -> Verdict:
    """Return the verdict of facts and overlap.

    Args:
        sentence: of an answer.
        evidence: the cited texts; none carry nothing.
        score: of their overlap (`rag.verify.overlap.mixed`).

    >>> judged("It holds 36 litres.", ["It holds 30 litres."], 0.9).faults
    ('number 36',)
    """
    if not evidence:
        return Verdict("none", 0.0, "facts", ("no evidence",))
    lacks = missing(sentence, evidence)
    faults = tuple(map(str, lacks))
    if any(lack.kind not in SOFT for lack in lacks):
        return Verdict("none", score, "facts", faults)
    return Verdict(_support(score, lacks), score, "overlap", faults)


def _support(score: float, lacks: Sequence[Lack]) -> Support:
    """Return what a score says; without a name or denial it is "partial" at most."""
    if score < PARTIAL:
        return "none"
    return "full" if score >= FULL and not lacks else "partial"


class Carries:
    """Judges whether evidence carries a sentence; what it was asked before it knows.

    Args:
        vectors: text → unit vector, (h,), of all sentences and evidence it is asked about.
        packed: all sentences that the answer was written from.
    """

    def __init__(self, vectors: Mapping[str, Vector], packed: Sequence[str]) -> None:
        self._vectors = vectors
        self._packed = Packed(packed)
        self._scores: dict[tuple[tuple[str, ...], str], float] = {}
        self._verdicts: dict[tuple[tuple[str, ...], str], Verdict] = {}

    def __call__(self, evidence: Sequence[str], sentence: str) -> Verdict:
        """Return the verdict of facts and overlap."""
        key = (tuple(evidence), sentence)
        if key not in self._verdicts:
            self._verdicts[key] = judged(sentence, evidence, self.score(evidence, sentence))
        return self._verdicts[key]

    def score(self, evidence: Sequence[str], sentence: str) -> float:
        """Return the score of the verdict, without looking at facts."""
        key = (tuple(evidence), sentence)
        if key not in self._scores:
            wanted = self._vectors[sentence]
            cosine = max((float(self._vectors[text] @ wanted) for text in evidence), default=0.0)
            self._scores[key] = mixed(contained(sentence, evidence, self._packed), cosine)
        return self._scores[key]

    def strongest(self, evidence: Sequence[str], sentence: str) -> int:
        """Return the place of the text that carries most, of equals the first.

        No verdict is stronger than its score allows: they are looked at in the order of their
        scores until none that is left can be.
        """
        scores = [self.score((text,), sentence) for text in evidence]
        best, place = (-1, 0.0), 0
        for i in sorted(range(len(evidence)), key=lambda i: (-scores[i], i)):
            if (RANK[_support(scores[i], ())], scores[i]) <= best:
                break
            found = self((evidence[i],), sentence).strength
            if found > best:
                best, place = found, i
        return place


def heard(verdict: Verdict, probability: float) -> Verdict:
    """Return a verdict in doubt as a model's probability settles it.

    A model's "no" makes it "none", its "yes" makes it "full" where no fault stands against that.

    >>> heard(Verdict("partial", 0.5, "overlap"), 0.9).support
    'full'
    >>> heard(Verdict("partial", 0.5, "overlap", ("name Ada",)), 0.9).support
    'partial'
    >>> heard(Verdict("partial", 0.4, "overlap"), 0.1).support
    'none'
    """
    score = (1 - MODEL) * verdict.score + MODEL * probability
    support: Support = "full" if score >= FULL and not verdict.faults else "partial"
    return replace(
        verdict,
        support="none" if score < PARTIAL else support,
        score=score,
        method=f"{verdict.method}+model",
    )
