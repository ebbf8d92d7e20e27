"""What becomes of a reranker's order where it is given its documents in other orders."""

from collections.abc import Mapping, Sequence

import numpy as np

from eval.experiments.record import Row
from eval.measures import QrelsTable, evaluate, pack, parse, rbo
from eval.reports.diagnoses import Shuffled
from eval.reports.reordering import PERSISTENCE


def shuffled(
    system: str,
    rows: Sequence[Row],
    usual: Mapping[str, float],
    tops: Mapping[str, Sequence[str]],
    judged: QrelsTable,
    measure: str,
) -> Shuffled | None:
    """Return how much a reranker depends on the order that it is given; None where not asked.

    Args:
        system: its name.
        rows: of all its queries.
        usual: what the measure says of the usual rankings, by query.
        tops: the first documents of those.
        judged: grades.
        measure: an ir_measures name.
    """
    orders = max((len(row.shuffled) for row in rows), default=0)
    kept = [row for row in rows if len(row.shuffled) == orders and row.query_id in usual]
    if not orders or not kept:
        return None
    ids = [row.query_id for row in kept]
    means = [
        _mean({row.query_id: row.shuffled[i] for row in kept}, ids, judged, measure)
        for i in range(orders)
    ]
    overlaps = [
        rbo(tops[row.query_id], order[: len(tops[row.query_id])], PERSISTENCE)
        for row in kept
        for order in row.shuffled
    ]
    return Shuffled(
        system=system,
        orders=orders,
        queries=len(kept),
        usual=round(float(np.mean([usual[query_id] for query_id in ids])), 6),
        mean=round(float(np.mean(means)), 6),
        deviation=round(float(np.std(means, ddof=1)), 6) if orders > 1 else None,
        overlap=round(float(np.mean(overlaps)), 4),
    )


def _mean(
    run: Mapping[str, Sequence[str]], ids: Sequence[str], judged: QrelsTable, measure: str
) -> float:
    packed = pack(run, judged)
    parsed = parse(measure)
    values = dict(zip(packed.queries, evaluate(packed, [parsed])[parsed].tolist(), strict=True))
    return float(np.mean([values[query_id] for query_id in ids]))
