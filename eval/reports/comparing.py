"""Systems compared: means with intervals, the baseline, all pairs, the ladder, the fronts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from eval import statistics
from eval.experiments.record import Analysis
from eval.reports.schema import Compared, Cost, Mean, Pairs, Point
from eval.reports.wording import FEW

Values = npt.NDArray[np.float64]
MOST_PERMUTED = 30_000_000  # values permuted by label: beyond, the blocked test, which agrees there

Named = Mapping[str, Mapping[str, Values]]
"""System → measure → a value for each query."""


def means(
    values: Named, measures: Sequence[str], analysis: Analysis
) -> Mapping[str, Mapping[str, Mean]]:
    """Return every system's mean and interval by measure; all share their resamples.

    A measure that asks for a high grade has no value (NaN) where there are only lower ones.
    """
    found: dict[str, dict[str, Mean]] = {name: {} for name in values}
    for known, alike in _by_known(values, measures):
        columns = [(name, measure) for name in values for measure in alike]
        table = np.stack([values[name][measure][known] for name, measure in columns], axis=1)
        low, high = statistics.intervals(
            table, draws=analysis.draws, seed=analysis.seed, alpha=analysis.alpha
        )
        for i, (name, measure) in enumerate(columns):
            mean = table[:, i].mean()
            found[name][measure] = Mean(_round(mean), _round(low[i]), _round(high[i]))
    return {name: {m: row[m] for m in measures} for name, row in found.items()}


def _by_known(
    values: Named, measures: Sequence[str]
) -> Iterator[tuple[npt.NDArray[np.bool_], list[str]]]:
    """Yield the queries in which measures have a value, with the measures that have it there."""
    first = next(iter(values.values()))
    groups: dict[bytes, list[str]] = {}
    for measure in measures:
        groups.setdefault((~np.isnan(first[measure])).tobytes(), []).append(measure)
    for known, alike in groups.items():
        yield np.frombuffer(known, dtype=np.bool_), alike


def against(
    values: Named, baseline: str, measures: Sequence[str], analysis: Analysis
) -> list[Compared]:
    """Return all other systems beside the baseline, p corrected within each measure."""
    found: list[Compared] = []
    for measure in measures:
        pairs = [(name, baseline) for name in values if name != baseline]
        found += corrected([pair(values, a, b, measure, analysis) for a, b in pairs], analysis)
    return found


def steps(values: Named, measure: str, analysis: Analysis) -> list[Compared]:
    """Return each system beside the one before it, p corrected over the steps."""
    names = list(values)
    pairs = zip(names[1:], names, strict=False)
    return corrected([pair(values, a, b, measure, analysis) for a, b in pairs], analysis)


def pair(values: Named, system: str, other: str, measure: str, analysis: Analysis) -> Compared:
    """Return a system beside another on a measure; `adjusted` is p still."""
    return paired(
        values[other][measure], values[system][measure], (measure, system, other), analysis
    )


def paired(a: Values, b: Values, names: tuple[str, str, str], analysis: Analysis) -> Compared:
    """Return b − a, paired by query; `names` are the measure, what b is, and what a is."""
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    found = statistics.compare(
        a, b, test=analysis.test, draws=analysis.draws, seed=analysis.seed, alpha=analysis.alpha
    )
    return Compared(
        measure=names[0],
        system=names[1],
        against=names[2],
        n=found.n,
        difference=_round(found.difference),
        low=_round(found.low),
        high=_round(found.high),
        p=float(found.p),
        adjusted=float(found.p),
        d_z=_finite(found.d_z),
        wins=found.wins,
        ties=found.ties,
        losses=found.losses,
        mde=_round(found.mde),
        test=found.test,
    )


def corrected(found: Sequence[Compared], analysis: Analysis) -> list[Compared]:
    """Return comparisons with p adjusted for all of them."""
    ps = statistics.adjusted([c.p for c in found], analysis.correction)
    return [replace(c, adjusted=float(p)) for c, p in zip(found, ps, strict=True)]


def pairs(values: Named, measure: str, analysis: Analysis) -> Pairs | None:
    """Return p of all pairs at once; None under 30 queries or two systems."""
    table = np.stack([of[measure] for of in values.values()], axis=1)  # (q, s)
    table = table[~np.isnan(table).any(axis=1)]
    if len(table) < FEW or len(values) < 2:
        return None
    if analysis.test == "randomisation" and table.size * analysis.draws <= MOST_PERMUTED * 20:
        method = "randomised Tukey test"
        p = statistics.randomised_tukey(table, draws=analysis.draws, seed=analysis.seed)
    else:
        method, p = "Tukey test, blocked by query", statistics.tukey(table)
    return Pairs(method, tuple(tuple(float(v) for v in row) for row in p))


def front(quality: Mapping[str, Mean], spent: Mapping[str, float]) -> tuple[Point, ...]:
    """Return systems by quality and what they cost; () where fewer than two are known."""
    if len(spent) < 2:
        return ()
    return tuple(
        Point(name, quality[name], cost, _dominated(name, quality, spent))
        for name, cost in spent.items()
    )


def _dominated(name: str, quality: Mapping[str, Mean], spent: Mapping[str, float]) -> bool:
    mean, cost = quality[name].mean, spent[name]
    return any(
        quality[other].mean >= mean
        and spent[other] <= cost
        and (quality[other].mean > mean or spent[other] < cost)
        for other in spent
    )


def p95(cost: Cost | None) -> float | None:
    """Return the 95th percentile of the total latency, where one is known."""
    return cost.latency[0].p95 if cost is not None and cost.latency[0].n else None


def _round(value: float) -> float:
    return round(float(value), 6)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
