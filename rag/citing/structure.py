"""What a model wrote as a draft: sentences, each with the passages it cites."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.citing.markers import read
from rag.citing.removing import Mark
from rag.citing.sentences import Span, written
from rag.values import Frozen, Passage, Reference

MOST = 3  # ALCE and the TREC tracks look at three citations per sentence


@dataclass(frozen=True, slots=True)
class Claim(Frozen):
    """A sentence of a draft: `draft.text[start:end] == text`, and what it cites, as in the text."""

    text: str
    start: int
    end: int
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft(Frozen):
    """A text without markers, its sentences in order, and its sources.

    `references` are the cited documents, numbered as they first appear. `dropped` counts what was
    cited that the request does not know.
    """

    text: str
    claims: tuple[Claim, ...] = ()
    references: tuple[Reference, ...] = ()
    dropped: int = 0

    def ref(self, passage: Passage) -> int:
        """Return the number of a passage's document; it is that of no other.

        Raises:
            KeyError: no sentence cites the document.
        """
        numbers = {reference.document_id: reference.ref for reference in self.references}
        return numbers[passage.candidate.chunk.document_id]


def structure(
    answer: str, passages: Iterable[Passage], most: int = MOST, language: str = "en"
) -> Draft:
    """Return what a model wrote as a draft.

    A marker belongs to the sentence that it stands in or behind: also where it stands alone, or at
    the beginning of the next sentence. Only what begins a list item, or the text, belongs to what
    follows.

    Args:
        answer: as it was written, with markers.
        passages: those that may be cited, under their numbers.
        most: passages per sentence, the first ones; none counts twice.
        language: whose abbreviations end no sentence.
    """
    known = {passage.ref: passage for passage in passages}
    marked = read(answer, known)
    spans = written(marked.text, language)
    cited: list[dict[int, None]] = [{} for _ in spans]
    for mark in marked.marks:
        if spans:
            cited[_sentence(spans, mark)].update(dict.fromkeys(mark.refs))
    claims = tuple(
        Claim(
            marked.text[span.start : span.end],
            span.start,
            span.end,
            tuple(known[ref] for ref in list(refs)[:most]),
        )
        for span, refs in zip(spans, cited, strict=True)
    )
    return Draft(marked.text, claims, numbered(claims), marked.dropped)


def _sentence(spans: Sequence[Span], mark: Mark) -> int:
    """Return the sentence that a marker belongs to."""
    before = bisect_left(spans, mark.at, key=lambda span: span.start) - 1
    within = before >= 0 and mark.at <= spans[before].end
    return before if within else min(before + 1, len(spans) - 1)


def numbered(claims: Iterable[Claim]) -> tuple[Reference, ...]:
    """Return the cited documents, numbered from 1 in the order of their first appearance."""
    chunks = [passage.candidate.chunk for claim in claims for passage in claim.passages]
    first = {chunk.document_id: chunk for chunk in reversed(chunks)}
    order = dict.fromkeys(chunk.document_id for chunk in chunks)
    return tuple(
        Reference(ref, document_id, first[document_id].title, first[document_id].source)
        for ref, document_id in enumerate(order, 1)
    )
