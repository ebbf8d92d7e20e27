"""What is answered over the wire: values as they are, problems, and how the server is."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from api.explaining import Explanation
from rag.values import Answer, Citation, Results, Support


class Span(Struct, frozen=True):
    """A half-open span in Unicode code points of the document's text."""

    start: int
    end: int


class Result(Struct, frozen=True):
    """A chunk that was found."""

    chunk_id: str
    document_id: str
    title: str
    context: Annotated[str, Meta(description="What stands above it in the document.")]
    text: str
    span: Span
    page: Annotated[int, Meta(description="On which it starts; 0 where there are no pages.")]
    source: str
    metadata: dict[str, Any]
    score: float
    ranks: Annotated[dict[str, int], Meta(description="Rank from 1 in every branch that found it.")]
    flags: Annotated[list[str], Meta(description="What the reranker found suspicious in the text.")]
    valid_from: Annotated[str, Meta(description="From when it holds; empty is unknown.")]
    valid_to: Annotated[str, Meta(description="From when another chunk says otherwise, if any.")]
    superseded_by: Annotated[str, Meta(description="The id of that chunk.")]


class CostReport(Struct, frozen=True):
    """What a stage asked of a language model and, for that, of the store."""

    calls: int
    tokens_in: int
    tokens_out: int
    cached: int
    searches: int


class StageReport(Struct, frozen=True):
    """What one stage did."""

    name: str
    ms: float
    status: Literal["ok", "skipped", "cut short", "failed"]
    detail: str
    cost: CostReport


class SearchResponse(Struct, frozen=True):
    """The chunks found, best first."""

    results: list[Result]
    trace: list[StageReport]
    explanation: Explanation | UnsetType = UNSET


class CitationBody(Struct, frozen=True):
    """Evidence: `quote` stands verbatim at `span` of the document."""

    ref: int
    chunk_id: str
    document_id: str
    quote: str
    span: Span
    score: float
    support: Annotated[Support, Meta(description="How far the quote alone carries the sentence.")]
    method: Annotated[str, Meta(description="Who found that: verbatim, facts, overlap, ….")]
    superseded: Annotated[
        str, Meta(description="From when another document says otherwise; empty where none does.")
    ]
    page: Annotated[int, Meta(description="On which the quote starts; 0 where there are none.")]


class SentenceBody(Struct, frozen=True):
    """A sentence; `span` is its place in `answer`."""

    text: str
    span: Span
    citations: list[CitationBody]
    support: Annotated[Support, Meta(description="How far all citations together carry it.")]
    faults: Annotated[
        list[str], Meta(description="What they do not hold.", examples=[["number 36"]])
    ]


class ContradictionBody(Struct, frozen=True):
    """Two quotes that cannot both be true, and in what they differ: number or negation."""

    kind: str
    one: CitationBody
    other: CitationBody


class ReferenceBody(Struct, frozen=True):
    """A source under its number."""

    ref: int
    document_id: str
    title: str
    source: str


class AnswerResponse(Struct, frozen=True):
    """A cited answer; when `abstained`, `answer` is empty and `reason` says why."""

    answer: str
    answerable: Annotated[
        Literal["yes", "partial", "no"],
        Meta(description="partial: something asked or written could not be verified; see reason."),
    ]
    abstained: bool
    reason: str
    sentences: list[SentenceBody]
    references: list[ReferenceBody]
    contradictions: Annotated[
        list[ContradictionBody], Meta(description="What sources say against what is cited.")
    ]
    trace: list[StageReport]


class Health(Struct, frozen=True):
    """The process is alive."""

    status: str = "ok"


class Ready(Struct, frozen=True):
    """The models are loaded and the store answers."""

    status: str
    collection: str
    encoder: str
    precision: str


class FieldProblem(Struct, frozen=True):
    """What is wrong with one field of a request."""

    message: str
    key: str
    source: str


class Problem(Struct, frozen=True):
    """An error (RFC 9457); `type` names its class, `detail` the value at fault and the remedy."""

    status: Annotated[int, Meta(examples=[404])]
    type: Annotated[str, Meta(examples=["urn:firstcite:error:CollectionNotFound"])]
    title: Annotated[str, Meta(examples=["No collection of that name: index something first"])]
    detail: Annotated[
        str, Meta(examples=["no collection 'x': firstcite index PATH --collection x"])
    ]
    extra: Annotated[
        list[FieldProblem] | UnsetType, Meta(description="The fields that were refused.")
    ] = UNSET


def search_response(results: Results) -> SearchResponse:
    """Return the wire form of search results."""
    found = [
        Result(
            chunk_id=candidate.chunk.id,
            document_id=candidate.chunk.document_id,
            title=candidate.chunk.title,
            context=candidate.chunk.context,
            text=candidate.chunk.text,
            span=Span(candidate.chunk.start, candidate.chunk.end),
            page=candidate.chunk.page,
            source=candidate.chunk.source,
            metadata=dict(candidate.chunk.metadata),
            score=candidate.score,
            ranks=dict(candidate.ranks),
            flags=list(candidate.flags),
            valid_from=candidate.chunk.valid_from,
            valid_to=candidate.chunk.valid_to,
            superseded_by=candidate.chunk.superseded_by,
        )
        for candidate in results.candidates
    ]
    return SearchResponse(found, _trace(results))


def answer_response(answer: Answer) -> AnswerResponse:
    """Return the wire form of an answer."""
    sentences = [
        SentenceBody(
            sentence.text,
            Span(sentence.start, sentence.end),
            [_citation(one) for one in sentence.citations],
            sentence.support,
            list(sentence.faults),
        )
        for sentence in answer.sentences
    ]
    opposed = [
        ContradictionBody(pair.kind, _citation(pair.one), _citation(pair.other))
        for pair in answer.contradictions
    ]
    references = [ReferenceBody(r.ref, r.document_id, r.title, r.source) for r in answer.references]
    return AnswerResponse(
        answer.text,
        answer.answerable,
        answer.abstained,
        answer.reason,
        sentences,
        references,
        opposed,
        _trace(answer),
    )


def _citation(one: Citation) -> CitationBody:
    return CitationBody(
        one.ref,
        one.chunk_id,
        one.document_id,
        one.quote,
        Span(one.start, one.end),
        one.score,
        one.support,
        one.method,
        one.superseded,
        one.page,
    )


def _trace(value: Results | Answer) -> list[StageReport]:
    return msgspec.convert(value.trace, list[StageReport], from_attributes=True)
