"""Questions to a Qdrant server: probes and conditions in the words of qdrant-client."""

from collections.abc import Sequence
from datetime import UTC, datetime

from qdrant_client import models

from indexers.stores.payload import (
    DENSE,
    ORDINAL,
    PRINCIPALS_FIELD,
    SPARSE,
    STATE,
    VALID_FROM,
    VALID_TO,
    is_large,
)
from rag.seams import Stretch
from rag.values import Access, Condition, FeedbackProbe, Lookup, Probe, SparseVector


def to_sparse(vector: SparseVector) -> models.SparseVector:
    """Return the vector as the client takes it."""
    return models.SparseVector(indices=list(vector.indices), values=list(vector.values))


def to_request(
    probe: Probe | FeedbackProbe, chosen: models.Filter, params: models.SearchParams | None
) -> models.QueryRequest:
    """Return the search of one probe under a filter; a dense one is searched as `params` say."""
    query: models.SparseVector | models.RelevanceFeedbackQuery | list[float]
    if isinstance(probe, FeedbackProbe):
        query = _feedback(probe)
    elif isinstance(probe.vector, SparseVector):
        query = to_sparse(probe.vector)
    else:
        query = probe.vector.tolist()
    sparse = isinstance(probe.vector, SparseVector)
    return models.QueryRequest(
        query=query,
        using=SPARSE if sparse else DENSE,
        limit=probe.depth,
        filter=chosen,
        params=None if sparse else params,
    )


def _feedback(probe: FeedbackProbe) -> models.RelevanceFeedbackQuery:
    a, b, c = probe.weights
    given = models.RelevanceFeedbackInput(
        target=probe.vector.tolist(),
        feedback=[models.FeedbackItem(example=v.tolist(), score=s) for v, s in probe.feedback],
        strategy=models.NaiveFeedbackStrategy(
            naive=models.NaiveFeedbackStrategyParams(a=a, b=b, c=c)
        ),
    )
    return models.RelevanceFeedbackQuery(relevance_feedback=given)


def to_filter(lookup: Lookup) -> models.Filter:
    """Return access, conditions and instant, all of which must hold, as one filter."""
    conditions = (*_access(lookup.access), *map(_condition, lookup.where))
    return models.Filter(must=[*conditions, *(_holding(lookup.as_of) if lookup.as_of else ())])


def _holding(as_of: str) -> list[models.Condition]:
    read = datetime.fromisoformat(as_of)
    at = read.replace(tzinfo=UTC) if read.tzinfo is None else read
    ranges = {VALID_FROM: models.DatetimeRange(lte=at), VALID_TO: models.DatetimeRange(gt=at)}
    return [
        models.Filter(
            should=[
                models.IsEmptyCondition(is_empty=models.PayloadField(key=field)),
                models.FieldCondition(key=field, range=range_),
            ]
        )
        for field, range_ in ranges.items()
    ]


def of_documents(
    tenant: str, document_ids: Sequence[str], *, chunks_only: bool = False
) -> models.Filter:
    """Return the filter of a tenant's documents: their chunks, and their records if asked for."""
    ids = models.MatchAny(any=list(document_ids))
    chosen: list[models.Condition] = [
        models.FieldCondition(key="tenant", match=models.MatchValue(value=tenant)),
        models.FieldCondition(key="document_id", match=ids),
    ]
    if chunks_only:
        chosen.append(models.IsEmptyCondition(is_empty=models.PayloadField(key=STATE)))
    return models.Filter(must=chosen)


def of_stretches(wanted: Sequence[Stretch], access: Access) -> models.Filter:
    """Return the filter of the chunks in stretches of documents that may be read."""
    stretches = [
        models.Filter(
            must=[
                models.FieldCondition(
                    key="document_id", match=models.MatchValue(value=document_id)
                ),
                models.FieldCondition(key=ORDINAL, range=models.Range(gte=first, lt=last)),
            ]
        )
        for document_id, first, last in wanted
    ]
    return models.Filter(must=[*_access(access), models.Filter(should=[*stretches])])


def of_ids(chunk_ids: Sequence[str]) -> models.Filter:
    """Return the filter of chunks; unlike a list of ids it may name some that are gone."""
    return models.Filter(must=[models.HasIdCondition(has_id=list(chunk_ids))])


def of_states(states: Sequence[str]) -> models.Filter:
    """Return the filter of records in one of these states."""
    match = models.MatchAny(any=list(states))
    return models.Filter(must=[models.FieldCondition(key=STATE, match=match)])


def _access(access: Access) -> list[models.Condition]:
    tenant = models.FieldCondition(key="tenant", match=models.MatchValue(value=access.tenant))
    if access.principals is None:
        return [tenant]
    names = models.MatchAny(any=list(access.principals))
    named = models.FieldCondition(key=PRINCIPALS_FIELD, match=names)
    unnamed = models.IsEmptyCondition(is_empty=models.PayloadField(key=PRINCIPALS_FIELD))
    return [tenant, models.Filter(should=[unnamed, named])]


def _condition(condition: Condition) -> models.FieldCondition:
    key, value = condition.field, condition.value
    if isinstance(value, tuple):
        strings = [v for v in value if isinstance(v, str)]
        integers = [v for v in value if isinstance(v, int)]
        return models.FieldCondition(key=key, match=models.MatchAny(any=strings or integers))
    if isinstance(value, bool | str) or (condition.operator == "eq" and is_large(value)):
        return models.FieldCondition(key=key, match=models.MatchValue(value=value))
    if condition.operator == "eq":  # MatchValue knows no fractions
        return models.FieldCondition(key=key, range=models.Range(gte=value, lte=value))
    return models.FieldCondition(key=key, range=models.Range(**{condition.operator: value}))
