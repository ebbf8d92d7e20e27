"""Questions to Qdrant Edge: probes, documents and conditions in the words of its binding."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import qdrant_edge as qe

from indexers.stores.payload import (
    DENSE,
    ORDINAL,
    PRINCIPALS_FIELD,
    SPARSE,
    STATE,
    VALID_FROM,
    VALID_TO,
    grouped,
    is_large,
)
from rag.seams import Stretch
from rag.values import Access, Condition, FeedbackProbe, Lookup, Probe, SparseVector, Validity


def to_sparse(vector: SparseVector) -> qe.SparseVector:
    """Return the vector as the engine takes it."""
    return qe.SparseVector(list(vector.indices), list(vector.values))


def to_request(
    probe: Probe | FeedbackProbe, chosen: qe.Filter, params: qe.SearchParams | None
) -> qe.QueryRequest:
    """Return the search of one probe under a filter; a dense one is searched as `params` say."""
    if isinstance(probe, FeedbackProbe):
        items = [qe.FeedbackItem(vector.tolist(), score) for vector, score in probe.feedback]
        strategy = qe.NaiveFeedbackStrategy(*probe.weights)
        feedback = qe.FeedbackNaiveQuery(probe.vector.tolist(), items, strategy)
        query = qe.Query.FeedbackNaive(feedback, using=DENSE)
    elif isinstance(probe.vector, SparseVector):
        query = qe.Query.Nearest(to_sparse(probe.vector), using=SPARSE)
    else:
        query = qe.Query.Nearest(probe.vector.tolist(), using=DENSE)
    sparse = isinstance(probe.vector, SparseVector)
    return qe.QueryRequest(
        limit=probe.depth, query=query, filter=chosen, params=None if sparse else params
    )


def to_operations(marks: Mapping[str, Validity]) -> Iterator[qe.UpdateOperation]:
    """Yield the operations that replace the validity of chunks."""
    for ids, told, lost in grouped(marks):
        chosen = qe.Filter(must=[qe.HasIdCondition({*ids})])  # by id, one that is gone is an error
        if told:
            yield qe.UpdateOperation.set_payload_by_filter(chosen, told)
        if lost:
            yield qe.UpdateOperation.delete_payload_by_filter(chosen, lost)


def of_documents(
    tenant: str, document_ids: Sequence[str], *, chunks_only: bool = False
) -> qe.Filter:
    """Return the filter of a tenant's documents: their chunks, and their records if asked for."""
    chosen = [
        qe.FieldCondition("tenant", match=qe.MatchValue(tenant)),
        qe.FieldCondition("document_id", match=qe.MatchAny(list(document_ids))),
    ]
    return qe.Filter(must=[*chosen, *([qe.IsEmptyCondition(STATE)] if chunks_only else [])])


def of_stretches(wanted: Sequence[Stretch], access: Access) -> qe.Filter:
    """Return the filter of the chunks in stretches of documents that may be read."""
    stretches = [
        qe.Filter(
            must=[
                qe.FieldCondition("document_id", match=qe.MatchValue(document_id)),
                qe.FieldCondition(ORDINAL, range=qe.RangeFloat(gte=first, lt=last)),
            ]
        )
        for document_id, first, last in wanted
    ]
    return qe.Filter(must=[*_access(access), qe.Filter(should=[*stretches])])


def of_states(states: Sequence[str]) -> qe.Filter:
    """Return the filter of records in one of these states."""
    return qe.Filter(must=[qe.FieldCondition(STATE, match=qe.MatchAny(list(states)))])


def to_filter(lookup: Lookup) -> qe.Filter:
    """Return access, conditions and instant, all of which must hold, as one filter."""
    conditions = (*_access(lookup.access), *map(_condition, lookup.where))
    return qe.Filter(must=[*conditions, *(_holding(lookup.as_of) if lookup.as_of else ())])


def _holding(at: str) -> list[qe.Filter]:
    begun = qe.FieldCondition(VALID_FROM, range=qe.RangeDateTime(lte=at))
    open_ = qe.FieldCondition(VALID_TO, range=qe.RangeDateTime(gt=at))
    return [
        qe.Filter(should=[qe.IsEmptyCondition(VALID_FROM), begun]),
        qe.Filter(should=[qe.IsEmptyCondition(VALID_TO), open_]),
    ]


def _access(access: Access) -> list[qe.FieldCondition | qe.Filter]:
    tenant = qe.FieldCondition("tenant", match=qe.MatchValue(access.tenant))
    if access.principals is None:
        return [tenant]
    named = qe.FieldCondition(PRINCIPALS_FIELD, match=qe.MatchAny(list(access.principals)))
    return [tenant, qe.Filter(should=[qe.IsEmptyCondition(PRINCIPALS_FIELD), named])]


def _condition(condition: Condition) -> qe.FieldCondition:
    value = condition.value
    if isinstance(value, tuple):
        strings = [v for v in value if isinstance(v, str)]
        integers = [v for v in value if isinstance(v, int)]
        return qe.FieldCondition(condition.field, match=qe.MatchAny(strings or integers))
    if isinstance(value, bool):  # the engine's binding takes Python's own bool for an integer
        match = qe.MatchValue(np.bool_(value))  # type: ignore[arg-type]
        return qe.FieldCondition(condition.field, match=match)
    if isinstance(value, str) or (condition.operator == "eq" and is_large(value)):
        return qe.FieldCondition(condition.field, match=qe.MatchValue(value))
    if condition.operator == "eq":  # MatchValue knows no fractions
        return qe.FieldCondition(condition.field, range=qe.RangeFloat(gte=value, lte=value))
    return qe.FieldCondition(
        condition.field, range=qe.RangeFloat(**{condition.operator: float(value)})
    )
