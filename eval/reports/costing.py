"""What a system's queries cost: latency by stage, calls, tokens, and their price."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from eval.experiments.record import Price, Row, StageCost, SystemRecord
from eval.reports.schema import Cost, Latency

P99_QUERIES = 1_000  # ten lie above the percentile
TOTAL = "total"
_PER_MILLION = 1e-6
_PRICED = 1_000


def costs(rows: Iterable[Row], system: SystemRecord, prices: Mapping[str, Price]) -> Cost | None:
    """Return what queries cost in the mean; None where nothing is known.

    A query that a cache answered in part is in no latency, one that failed in no figure.
    """
    asked = [row.stages for row in rows if row.stages and not row.error]
    if not asked:
        return None
    every = [stage for stages in asked for stage in stages]
    calls, cached = sum(s.calls for s in every), sum(s.cached for s in every)
    priced = [price_of(stage, system, prices) for stage in every]
    known = [price for price in priced if price is not None]
    return Cost(
        latency=latencies(asked),
        calls=round(calls / len(asked), 3),
        tokens_in=round(sum(s.tokens_in for s in every) / len(asked), 1),
        tokens_out=round(sum(s.tokens_out for s in every) / len(asked), 1),
        cached=round(cached / calls, 4) if calls else 0.0,
        price=sum(known) / len(asked) * _PRICED if len(known) == len(priced) else None,
        currency=next((price.currency for price in prices.values()), "USD"),
    )


def latencies(asked: Sequence[Sequence[StageCost]]) -> tuple[Latency, ...]:
    """Return the percentiles of the total, then of each stage in the order of their first query."""
    taken: dict[str, list[float]] = {TOTAL: []}
    for stages in asked:
        for stage in stages:
            taken.setdefault(stage.name, [])
        if any(stage.cached for stage in stages):
            continue
        taken[TOTAL].append(sum(stage.ms for stage in stages))
        for stage in stages:
            taken[stage.name].append(stage.ms)
    return tuple(_latency(name, values) for name, values in taken.items())


def _latency(stage: str, values: Sequence[float]) -> Latency:
    if not values:
        return Latency(stage, 0)
    p50, p90, p95, p99 = np.percentile(values, (50, 90, 95, 99)).round(3).tolist()
    return Latency(stage, len(values), p50, p90, p95, p99 if len(values) >= P99_QUERIES else None)


def price_of(stage: StageCost, system: SystemRecord, prices: Mapping[str, Price]) -> float | None:
    """Return what a stage's tokens cost; None where it read any and its price is not known.

    A stage that does not name its model has the system's, where it is made of only one.
    """
    if not (stage.tokens_in or stage.tokens_out):
        return 0.0
    models = {lineage.model for lineage in system.lineage}
    model = stage.model or (next(iter(models)) if len(models) == 1 else "")
    price = prices.get(model)
    if price is None:
        return None
    return (stage.tokens_in * price.tokens_in + stage.tokens_out * price.tokens_out) * _PER_MILLION
