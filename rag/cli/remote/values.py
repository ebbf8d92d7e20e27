"""What a server sent, as the values that it was made of; what never leaves it stays empty."""

from collections.abc import Iterable

from api.collections import Details, Listed
from api.replies import (
    AnswerResponse,
    CitationBody,
    Result,
    SearchResponse,
    StageReport,
)
from rag.seams import CollectionSpec
from rag.values import (
    Answer,
    Candidate,
    Chunk,
    Citation,
    Contradiction,
    Cost,
    Query,
    Reference,
    Results,
    Sentence,
    Stage,
    Trace,
)
from rag.wiring import inspecting


def results_of(told: SearchResponse, query: Query) -> Results:
    """Return what was found for a query."""
    return Results(query, tuple(map(_candidate, told.results)), _trace(told.trace))


def answer_of(told: AnswerResponse, query: Query) -> Answer:
    """Return the answer to a query."""
    return Answer(
        query,
        told.answer,
        tuple(
            Sentence(
                one.text,
                one.span.start,
                one.span.end,
                tuple(map(_citation, one.citations)),
                one.support,
                tuple(one.faults),
            )
            for one in told.sentences
        ),
        tuple(Reference(of.ref, of.document_id, of.title, of.source) for of in told.references),
        told.reason,
        _trace(told.trace),
        told.answerable,
        tuple(
            Contradiction(pair.kind, _citation(pair.one), _citation(pair.other))
            for pair in told.contradictions
        ),
    )


def listed_of(told: Listed) -> inspecting.Listed:
    """Return a row of the list of collections."""
    of = told.details
    if not of:
        return inspecting.Listed(told.name, told.name)
    return inspecting.Listed(
        told.name,
        of.physical,
        of.chunks,
        of.documents,
        of.encoder,
        of.splitter,
        of.settled,
        of.problem,
    )


def described_of(told: Details) -> inspecting.Described:
    """Return everything about a collection."""
    of = told.spec
    spec = CollectionSpec(
        of.encoder,
        of.encoder_fingerprint,
        of.dimension,
        of.sparse_fingerprint,
        of.splitter,
        of.mean_length,
        of.chunks,
        of.terms,
        of.settled,
        of.schema_version,
    )
    return inspecting.Described(
        told.name, told.physical, spec, told.chunks, told.documents, told.bytes
    )


def _candidate(of: Result) -> Candidate:
    chunk = Chunk(
        of.chunk_id,
        of.document_id,
        of.text,
        of.span.start,
        of.span.end,
        of.title,
        of.context,
        of.source,
        of.metadata,
        page=of.page,
        valid_from=of.valid_from,
        valid_to=of.valid_to,
        superseded_by=of.superseded_by,
    )
    return Candidate(chunk, of.score, of.ranks, tuple(of.flags))


def _citation(of: CitationBody) -> Citation:
    return Citation(
        of.ref,
        of.chunk_id,
        of.document_id,
        of.quote,
        of.span.start,
        of.span.end,
        of.score,
        of.support,
        of.method,
        of.superseded,
        of.page,
    )


def _trace(reports: Iterable[StageReport]) -> Trace:
    return tuple(
        Stage(
            of.name,
            of.ms,
            of.status,
            of.detail,
            Cost(
                of.cost.calls,
                0,
                of.cost.tokens_in,
                of.cost.tokens_out,
                of.cost.cached,
                of.cost.searches,
            ),
        )
        for of in reports
    )
