"""Questions to a Qdrant server: probes and conditions in the words of qdrant-client."""

from qdrant_client import models

from indexers.stores.payload import DENSE, PRINCIPALS_FIELD, SPARSE, is_large
from rag.values import Access, Condition, FeedbackProbe, Lookup, Probe, SparseVector


def to_sparse(vector: SparseVector) -> models.SparseVector:
    """Return the vector as the client takes it."""
    return models.SparseVector(indices=list(vector.indices), values=list(vector.values))


def to_request(probe: Probe | FeedbackProbe, chosen: models.Filter) -> models.QueryRequest:
    """Return the search of one probe under a filter."""
    query: models.SparseVector | models.RelevanceFeedbackQuery | list[float]
    if isinstance(probe, FeedbackProbe):
        query = _feedback(probe)
    elif isinstance(probe.vector, SparseVector):
        query = to_sparse(probe.vector)
    else:
        query = probe.vector.tolist()
    using = SPARSE if isinstance(probe.vector, SparseVector) else DENSE
    return models.QueryRequest(query=query, using=using, limit=probe.depth, filter=chosen)


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
    """Return access and conditions, all of which must hold, as one filter."""
    return models.Filter(must=[*_access(lookup.access), *map(_condition, lookup.where)])


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
