"""Packing: the best candidates become the numbered passages an answer may cite.

Chunks are taken in rank order, as long as there is room; what touches or overlaps becomes one
passage, and what does not fit whole is cut after a sentence. The trace says what became of each.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, TypeAlias

from rag.citing.sentences import sentences
from rag.outside.size import size
from rag.values import Candidate, Chunk, Context, Frozen, Passage, Results, Stage, breaks_of

Order: TypeAlias = Literal["rank", "middle", "best-last"]
Count: TypeAlias = Callable[[str], int]
"""Tokens of a text, as whoever reads the passages counts them."""


@dataclass(frozen=True, slots=True)
class Packing(Frozen):
    """What may be packed; 0 is no limit.

    Args:
        passages: the most chunks.
        budget: the most tokens that the texts of all passages have together.
        per_document: the most chunks of one document.
        floor: the least score of a candidate, on the scale of whoever ranked last.
        order: in which passages are shown, which is how they are numbered.
        count: of the model that will read; without a tokenizer, an estimate.
    """

    passages: int
    budget: int = 0
    per_document: int = 0
    floor: float = 0.0
    order: Order = "rank"
    count: Count = size


def pack(results: Results, packing: Packing) -> Context:
    """Return the passages, numbered from 1 in the order they are shown.

    A passage's text is `document.text[start:end]`. One made of several chunks has id, score and
    ranks of the best of them, and the flags of all; one that is superseded is never merged with
    one that is not. Where the query does not tell them apart, no passage is superseded.
    """
    packed = _Packed(packing)
    for candidate in results.candidates:
        packed.offer(candidate if results.query.marks else _unmarked(candidate))
    shown = ORDERS[packing.order](packed.candidates)
    passages = tuple(Passage(ref, candidate) for ref, candidate in enumerate(shown, start=1))
    stage = Stage("pack", 0.0, detail=packed.told())
    return Context(results.query, passages, (*results.trace, stage))


def _unmarked(candidate: Candidate) -> Candidate:
    if not candidate.chunk.valid_to:
        return candidate
    return replace(candidate, chunk=replace(candidate.chunk, valid_to="", superseded_by=""))


def _middle(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [*candidates[::2], *reversed(candidates[1::2])]


ORDERS: Mapping[Order, Callable[[Sequence[Candidate]], list[Candidate]]] = {
    "rank": list,
    "middle": _middle,  # the best at both ends, the worst where models look least (2307.03172)
    "best-last": lambda candidates: list(reversed(candidates)),
}


class _Packed:
    """The passages so far, in rank order, and what became of the candidates."""

    def __init__(self, packing: Packing) -> None:
        self.candidates: list[Candidate] = []
        self._packing = packing
        self._chunks: dict[str, Chunk] = {}
        self._dropped: Counter[str] = Counter()
        self._merged = self._truncated = 0

    def offer(self, candidate: Candidate) -> None:
        """Take a candidate, whole or cut, or count why not."""
        reason = self._refusal(candidate)
        if reason:
            self._dropped[reason] += 1
            return
        for text in _prefixes(candidate.chunk.text):
            cut = _cut(candidate, text)
            grown, merged = _added(self.candidates, cut)
            if self._fits(grown):
                self.candidates = grown
                self._chunks[candidate.chunk.id] = candidate.chunk
                self._merged += merged
                self._truncated += len(text) < len(candidate.chunk.text)
                return
        self._dropped["no room"] += 1

    def told(self) -> str:
        """Return what became of the candidates, in words."""
        dropped = ", ".join(f"{count} {reason}" for reason, count in self._dropped.items())
        parts = {
            f"{len(self.candidates)} packed": True,
            f"{self._dropped.total()} dropped ({dropped})": bool(dropped),
            f"{self._merged} merged": self._merged,
            f"{self._truncated} truncated": self._truncated,
        }
        return ", ".join(part for part, there in parts.items() if there)

    def _refusal(self, candidate: Candidate) -> str:
        packing, chunk = self._packing, candidate.chunk
        of_document = sum(one.document_id == chunk.document_id for one in self._chunks.values())
        refusals = {
            "twice": chunk.id in self._chunks,
            "below the floor": packing.floor and candidate.score < packing.floor,
            "too many": len(self._chunks) >= packing.passages,
            "too many of a document": 0 < packing.per_document <= of_document,
        }
        return next((reason for reason, there in refusals.items() if there), "")

    def _fits(self, candidates: Sequence[Candidate]) -> bool:
        budget, count = self._packing.budget, self._packing.count
        return not budget or sum(count(one.chunk.text) for one in candidates) <= budget


def _prefixes(text: str) -> list[str]:
    """Return the text, and then what is left of it with ever fewer sentences."""
    ends = {span.end for span in sentences(text)} - {len(text)}
    return [text, *(text[:end] for end in sorted(ends, reverse=True))]


def _cut(candidate: Candidate, text: str) -> Candidate:
    chunk = candidate.chunk
    return replace(candidate, chunk=replace(chunk, text=text, end=chunk.start + len(text)))


def _added(candidates: Sequence[Candidate], worse: Candidate) -> tuple[list[Candidate], int]:
    """Return the candidates with one more, merged as far as can be, and how many went into others.

    One that fills a gap joins what stood on both sides of it.
    """
    grown, merged = [*candidates, worse], 0
    while pair := _joined(grown):
        place, other, both = pair
        grown[place] = both
        del grown[other]
        merged += 1
    return grown, merged


def _joined(candidates: Sequence[Candidate]) -> tuple[int, int, Candidate] | None:
    """Return the places of two candidates that can be one, the better first, and that one."""
    for (i, better), (j, worse) in combinations(enumerate(candidates), 2):
        chunk = _union(better.chunk, worse.chunk)
        if chunk is not None:
            flags = tuple(dict.fromkeys((*better.flags, *worse.flags)))
            return i, j, replace(better, chunk=chunk, flags=flags)
    return None


def _union(better: Chunk, worse: Chunk) -> Chunk | None:
    """Return the better chunk with the text of both; None where what is between is not known."""
    if (better.tenant, better.document_id) != (worse.tenant, worse.document_id):
        return None
    if better.valid_to != worse.valid_to:
        return None
    first, last = sorted((better, worse), key=lambda chunk: (chunk.start, chunk.end))
    if last.start > first.end:
        return None
    common = first.text[last.start - first.start :]
    shared = min(len(common), len(last.text))
    if common[:shared] != last.text[:shared]:  # of two versions of the document
        return None
    text = first.text + last.text[shared:]
    end, page, breaks = first.start + len(text), first.page, breaks_of([first, last])
    return replace(better, text=text, start=first.start, end=end, page=page, breaks=breaks)
