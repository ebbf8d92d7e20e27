"""What a model writes as a draft: sentences, each with the passages it cites, told as they end."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.citing.holding import Holding
from rag.citing.sentences import written
from rag.values import Citation, Cut, Frozen, Passage, Reference

MOST = 3  # ALCE and the TREC tracks look at three citations per sentence
_WORD = re.compile(r"(?<=\s)\S")
_END = re.compile(r"[.!?…。！？][\"'”’»」』)\]*_]*$")


@dataclass(frozen=True, slots=True)
class Claim(Frozen):
    """A sentence of a draft: `draft.text[start:end] == text`, and what it cites, as in the text.

    `quotes` are its evidence where that was known before it was written. It is not `whole` where
    the writing ended before the sentence did.
    """

    text: str
    start: int
    end: int
    passages: tuple[Passage, ...] = ()
    quotes: tuple[Citation, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Draft(Frozen):
    """A text without markers and its sentences in order.

    `dropped` counts what was cited that the request does not know.
    """

    text: str
    claims: tuple[Claim, ...] = ()
    dropped: int = 0


def references(passages: Iterable[Passage]) -> Mapping[str, Reference]:
    """Return the documents of passages by id, numbered from 1 in the order of the passages.

    A reference keeps this number in every event of an answer, whatever the answer cites in the end.
    """
    found: dict[str, Reference] = {}
    for passage in passages:
        chunk = passage.candidate.chunk
        number = len(found) + 1
        new = Reference(number, chunk.document_id, chunk.title, chunk.source)
        found.setdefault(chunk.document_id, new)
    return found


def cut(claim: Claim, known: Mapping[str, Reference]) -> Cut:
    """Return a claim as it is told, with the numbers of the documents it cites."""
    cited = [passage.candidate.chunk.document_id for passage in claim.passages]
    cited += [quote.document_id for quote in claim.quotes]
    return Cut(claim.start, claim.end, tuple(dict.fromkeys(known[id_].ref for id_ in cited)))


class Structuring:
    """Takes a text as it is written; gives back what may be shown of it, and what is complete.

    A sentence is complete as soon as the next one has a word and another begins: by then it is
    known that "Dr." did not end it, and which markers stand behind it. What is told depends on the
    text alone, not on how it was cut.

    A marker belongs to the sentence that it stands in or behind: also where it stands alone, or at
    the beginning of the next sentence. Only what begins a list item, or the text, belongs to what
    follows.

    >>> writing = Structuring(())
    >>> [list(writing.feed(piece)) for piece in ("It lasts. It", " hums so", "ftly.")]
    [['It lasts. It'], [' hums so', Cut(start=0, end=9, refs=(), support='unknown')], ['ftly.']]
    """

    def __init__(
        self,
        passages: Iterable[Passage],
        most: int = MOST,
        language: str = "en",
        known: Mapping[str, Reference] | None = None,
    ) -> None:
        """Start a text.

        Args:
            passages: those that may be cited, under their numbers.
            most: passages per sentence, the first ones; none counts twice.
            language: whose abbreviations end no sentence.
            known: the numbers of documents, where more than these passages are packed.
        """
        self._known = {passage.ref: passage for passage in passages}
        self._references = known or references(self._known.values())
        self._holding = Holding(self._known)
        self._most = most
        self._language = language
        self._text = ""
        self._read = 0  # up to where beginnings of words were looked for
        self._marks = 0  # that belong to complete sentences
        self._claims: list[Claim] = []

    @property
    def draft(self) -> Draft:
        """What is complete so far."""
        return Draft(self._text, tuple(self._claims), self._holding.dropped)

    def feed(self, piece: str) -> Iterator[str | Cut]:
        """Yield what may be shown now that this is written, too, and the sentences it completes."""
        yield from self._take(self._holding.feed(piece))

    def close(self, ended: bool = True) -> Iterator[str | Cut]:
        """Yield the rest: nothing more will be written.

        Text in which nothing is a sentence, such as a heading, is one as a whole.

        Args:
            ended: whether the text came to its end; else its last sentence may be half a one.
        """
        yield from self._take(self._holding.close())
        complete = len(self._claims)
        yield from self._complete(self._spans(len(self._text)))
        if not self._claims and self._text.strip():
            start = len(self._text) - len(self._text.lstrip())
            yield from self._complete([(start, len(self._text.rstrip()))])
        if self._claims:
            last = self._claims.pop()
            refs = [*(passage.ref for passage in last.passages), *self._cited(len(self._text))]
            whole = ended or len(self._claims) < complete or bool(_END.search(last.text))
            self._claims.append(replace(last, passages=self._passages(refs), whole=whole))

    def _take(self, shown: str) -> Iterator[str | Cut]:
        if not shown:
            return
        self._text += shown
        yield shown
        for word in _WORD.finditer(self._text, max(0, self._read - 1)):
            if word.start() >= self._read:
                yield from self._complete(self._spans(word.start())[:-1])
        self._read = len(self._text)

    def _spans(self, end: int) -> Sequence[tuple[int, int]]:
        """Return the spans of sentences in the text up to `end` that are not complete yet."""
        done = self._claims[-1].end if self._claims else 0
        base = self._text.rfind("\n", 0, done) + 1  # what a line is is seen from its beginning
        spans = []
        for span in written(self._text[base:end], self._language):
            start = max(base + span.start, done)
            start += len(self._text[start:end]) - len(self._text[start:end].lstrip())
            if start < base + span.end:
                spans.append((start, base + span.end))
        return spans

    def _complete(self, spans: Iterable[tuple[int, int]]) -> Iterator[Cut]:
        for start, end in spans:
            claim = Claim(self._text[start:end], start, end, self._passages(self._cited(end)))
            self._claims.append(claim)
            yield cut(claim, self._references)

    def _cited(self, end: int) -> list[int]:
        """Return what the next markers cite up to `end`."""
        marks = self._holding.marks[self._marks :]
        mine = [mark.refs for mark in marks if mark.at <= end]
        self._marks += len(mine)
        return [ref for refs in mine for ref in refs]

    def _passages(self, refs: Iterable[int]) -> tuple[Passage, ...]:
        return tuple(self._known[ref] for ref in list(dict.fromkeys(refs))[: self._most])


def structure(
    answer: str, passages: Iterable[Passage], most: int = MOST, language: str = "en"
) -> Draft:
    """Return what a model wrote, with markers, as a draft: what `Structuring` makes of it."""
    writing = Structuring(passages, most, language)
    for _ in (*writing.feed(answer), *writing.close()):
        pass
    return writing.draft
