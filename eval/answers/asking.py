"""Cited answers end to end: index a folder, answer its queries, check every quote and citation.

Nothing is believed that an answer says of itself: quotes are looked up in the documents as they are
read once more, and what citations carry is judged anew by the verification ladder. That judge is
automatic and no NLI model; where a path verifies by the ladder, too, it marks its own work. What
other judges say, and what people know of the questions, is added by `eval.answers.scoring`.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from eval.answers.citations import CitationScores, Cited, alce, weighted_support
from eval.answers.indexing import configuration, indexed, scratch_name
from indexers.bulk import IndexReport
from indexers.reading import read_paths
from rag.citing.sentences import sentences
from rag.errors import LLMUnavailable, Unavailable
from rag.pipeline import QueryPath
from rag.seams import Encoder
from rag.sections import IndexSettings
from rag.showing import Show, silent
from rag.values import Answer, Citation, Document, Frozen, Query, Support
from rag.verify.entailment import Claimed
from rag.verify.ladder import Carries
from rag.wiring import Engine

GIVEN_UP = 5  # chosen: queries that fail before any is answered

Supports: TypeAlias = Callable[[tuple[str, ...], str], Support]
"""How far texts together carry a sentence; "unknown" where nobody could say."""


@dataclass(frozen=True, slots=True)
class Told(Frozen):
    """An answer, the id of its query, how long it took, and the passages it was written from."""

    query_id: str
    answer: Answer
    seconds: float
    passages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Misquoted(Frozen):
    """A quote that is not what stands at its span; `stands` is None where the document is gone."""

    query_id: str
    citation: Citation
    stands: str | None


@dataclass(frozen=True, slots=True)
class Checked(Frozen):
    """An answer and what became of its citations.

    `dangling` are citations that no reference stands for. `citations` are by the ladder, whose
    "full" ALCE takes for entailment.
    """

    told: Told
    quotes: int
    misquoted: tuple[Misquoted, ...]
    dangling: tuple[Citation, ...]
    citations: CitationScores

    @property
    def unsound(self) -> frozenset[Citation]:
        """Citations that carry nothing, whatever they say."""
        return frozenset({*self.dangling, *(one.citation for one in self.misquoted)})


@dataclass(frozen=True, slots=True)
class Answers(Frozen):
    """The answers to the queries of a folder, and why others failed, by query id."""

    folder: Path
    index: IndexReport
    checked: tuple[Checked, ...]
    failed: Mapping[str, str]
    configuration: Mapping[str, object]

    @property
    def sound(self) -> bool:
        """Whether every quote stands in its document and every citation has its reference."""
        return not any(one.misquoted or one.dangling for one in self.checked)

    @property
    def whole(self) -> bool:
        """Whether every document was read and every query answered, be it by an abstention."""
        return not (self.index.faults or self.failed)


async def answers(
    folder: Path,
    queries: Mapping[str, str],
    engine: Engine,
    show: Show = silent,
    name: str = "",
) -> Answers:
    """Index the documents of a BEIR folder, answer queries from them, and check the answers.

    Args:
        folder: holds the corpus.
        queries: texts by id.
        engine: answers as its settings say.
        show: told how far it is.
        name: of the collection; empty is one of the folder's own.

    Raises:
        BadCollection: there is no corpus, or no document of it can be read.
        BadQuery: a query cannot be planned.
        CollectionMismatch: the collection holds other documents, too.
        Unavailable: the engine, or none of the first queries could be answered.
    """
    report, path = await indexed(folder, name or scratch_name(folder, engine), engine, show)
    told, failed = await ask(path, queries, show)
    texts = cited_texts(folder, told, engine.settings.index)
    checked = [await check(one, texts, engine.encoder) for one in told]
    settings = await configuration(engine, path)
    return Answers(folder, report, tuple(checked), failed, settings)


async def ask(
    path: QueryPath, queries: Mapping[str, str], show: Show
) -> tuple[list[Told], dict[str, str]]:
    """Return the answers one after the other, and why others could not be had, by query id."""
    told: list[Told] = []
    failed: dict[str, str] = {}
    for done, (query_id, text) in enumerate(queries.items(), start=1):
        started = time.perf_counter()
        try:
            answer, context = await path.grounded(Query(text))
            seconds = time.perf_counter() - started
            passages = tuple(one.candidate.chunk.text for one in context.passages)
            told.append(Told(query_id, answer, seconds, passages))
        except Unavailable as error:
            if not told and done in {GIVEN_UP, len(queries)}:
                raise  # nothing at all was answered: that is no measurement
            failed[query_id] = f"{type(error).__name__}: {error}"
        show("answer queries", done, len(queries))
        await asyncio.sleep(0)  # let Ctrl-C through
    return told, failed


def cited_texts(folder: Path, told: Sequence[Told], limits: IndexSettings) -> Mapping[str, str]:
    """Return the text of every document that is cited, by its id, read once more."""
    wanted = {one.document_id for each in told for one in shown(each.answer)}
    texts: dict[str, str] = {}
    for item in read_paths([folder], limits=limits):
        if isinstance(item, Document) and item.id in wanted:
            texts.setdefault(item.id, item.text)  # of two of the same id, the first was indexed
    return texts


def shown(answer: Answer) -> tuple[Citation, ...]:
    """Return every citation that a reader is shown, those of contradictions among them."""
    cited = [one for sentence in answer.sentences for one in sentence.citations]
    against = [one for found in answer.contradictions for one in (found.one, found.other)]
    return (*cited, *against)


async def check(told: Told, texts: Mapping[str, str], encoder: Encoder) -> Checked:
    """Return an answer with what became of its citations.

    A quote that is not in its document and a citation without a reference carry nothing.

    Args:
        told: the answer.
        texts: of the cited documents, by their ids.
        encoder: for the ladder, which compares sentences and quotes by their vectors, too.
    """
    answer = told.answer
    cited = shown(answer)
    known = {(one.ref, one.document_id) for one in answer.references}
    dangling = tuple(one for one in cited if (one.ref, one.document_id) not in known)
    misquoted = tuple(_misquoted(told.query_id, cited, texts))
    carries = await _ladder(answer, texts, encoder)
    unsound = {*dangling, *(one.citation for one in misquoted)}
    by_ladder = citation_scores(answer, unsound, lambda quotes, s: carries(quotes, s).support)
    return Checked(told, len(cited), misquoted, dangling, by_ladder)


def citation_scores(
    answer: Answer, unsound: Collection[Citation], supports: Supports
) -> CitationScores:
    """Return how an answer is cited, as somebody judges what carries a sentence.

    Args:
        answer: its citations of contradictions are not judged.
        unsound: citations that carry nothing.
        supports: asked with quotes and a sentence.
    """

    def entails(quotes: Sequence[str], sentence: str) -> bool:
        support = supports(tuple(quotes), sentence)
        if support == "unknown":
            raise LLMUnavailable("the judge said nothing that can be read: ask another model")
        return support == "full"

    labels: list[list[Support]] = [
        ["none" if c in unsound else supports((c.quote,), s.text) for c in s.citations]
        for s in answer.sentences
    ]
    passages = {_id(one): one.quote for one in shown(answer) if one not in unsound}
    told_as = [Cited(s.text, tuple(map(_id, s.citations))) for s in answer.sentences]
    return CitationScores(
        alce=alce([(told_as, passages)], entails),
        first=weighted_support([[each[:1] for each in labels]]),
        every=weighted_support([labels]),
    )


def claimed(answer: Answer, unsound: Collection[Citation]) -> tuple[Claimed, ...]:
    """Return all that `citation_scores` may ask, so that a model can be asked in one batch."""
    asked: dict[Claimed, None] = {}

    def record(quotes: tuple[str, ...], sentence: str) -> Support:
        asked[quotes, sentence] = None
        # ALCE asks of the parts of what is carried together but not by one quote alone.
        return "full" if len(quotes) > 1 else "none"

    citation_scores(answer, unsound, record)
    return tuple(asked)


def _misquoted(
    query_id: str, cited: Sequence[Citation], texts: Mapping[str, str]
) -> Iterator[Misquoted]:
    for one in cited:
        text = texts.get(one.document_id)
        stands = None if text is None else text[one.start : one.end]
        if stands != one.quote or not 0 <= one.start < one.end:
            yield Misquoted(query_id, one, stands)


def _id(citation: Citation) -> str:
    """Return what two citations of the same quote share."""
    return f"{citation.ref} {citation.document_id} {citation.start} {citation.end}"


async def _ladder(answer: Answer, texts: Mapping[str, str], encoder: Encoder) -> Carries:
    """Return the judge of an answer; its words weigh as in the documents that it cites."""
    told = [one.text for one in answer.sentences]
    each = list(dict.fromkeys([*told, *(one.quote for one in shown(answer))]))
    vectors = await encoder.encode(each, "document")  # (n, h)
    documents = dict.fromkeys(one.document_id for one in shown(answer))
    packed = [
        texts[document][span.start : span.end]
        for document in documents
        if document in texts
        for span in sentences(texts[document])
    ]
    return Carries(dict(zip(each, vectors, strict=True)), packed)
