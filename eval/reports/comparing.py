"""Systems compared: means with intervals, the baseline, all pairs, the ladder, the fronts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from eval import statistics
from eval.experiments.record import Analysis
from eval.reports.figures import count
from eval.reports.schema import Compared, Cost, Mean, Pairs, Point
from eval.reports.wording import FEW

Values = npt.NDArray[np.float64]

Named = Mapping[str, Mapping[str, Values]]
"""System → measure → a value for each query; NaN where the measure has none."""

Trio = tuple[str, str, str]
"""A measure, a system, and what it is held against."""


def means(
    values: Named, measures: Sequence[str], analysis: Analysis
) -> Mapping[str, Mapping[str, Mean]]:
    """Return every system's mean and interval by measure; all share their resamples."""
    found: dict[str, dict[str, Mean]] = {name: {} for name in values}
    columns = [(name, measure) for name in values for measure in measures]
    for known, at, table in _by_known([values[name][measure] for name, measure in columns]):
        del known
        low, high = statistics.intervals(table, analysis.draws, analysis.seed, analysis.alpha)
        for i, (place, mean) in enumerate(zip(at, table.mean(axis=0), strict=True)):
            name, measure = columns[place]
            found[name][measure] = Mean(_round(mean), _round(low[i]), _round(high[i]))
    return {name: {m: row[m] for m in measures} for name, row in found.items()}


def against(
    values: Named, baseline: str, measures: Sequence[str], analysis: Analysis
) -> list[Compared]:
    """Return all other systems beside the baseline, p corrected within each measure."""
    trios = [(m, name, baseline) for m in measures for name in values if name != baseline]
    found = compared(values, trios, analysis)
    return [
        each
        for measure in measures
        for each in corrected([c for c in found if c.measure == measure], analysis)
    ]


def steps(values: Named, measure: str, analysis: Analysis) -> list[Compared]:
    """Return each system beside the one before it, p corrected over the steps."""
    names = list(values)
    trios = [(measure, b, a) for a, b in pairwise(names)]
    return corrected(compared(values, trios, analysis), analysis)


def compared(values: Named, trios: Sequence[Trio], analysis: Analysis) -> list[Compared]:
    """Return systems beside others, paired by query; `adjusted` is p still."""
    return paired([(values[b][m], values[a][m]) for m, a, b in trios], trios, analysis)


def paired(
    columns: Sequence[tuple[Values, Values]], trios: Sequence[Trio], analysis: Analysis
) -> list[Compared]:
    """Return b − a of each pair of columns (a, b), by the same draws for all."""
    found: dict[int, Compared] = {}
    for known, at, table in _by_known([b - a for a, b in columns]):
        every = statistics.compare_all(
            np.zeros(int(known.sum())),
            table,
            analysis.test,
            analysis.draws,
            analysis.seed,
            analysis.alpha,
        )
        found |= {i: _compared(trios[i], each) for i, each in zip(at, every, strict=True)}
    return [found[i] for i in range(len(columns))]


def _by_known(
    columns: Sequence[Values],
) -> Iterator[tuple[npt.NDArray[np.bool_], list[int], Values]]:
    """Yield the queries that columns have a value for, which columns, and their values there.

    A measure that asks for a high grade has none where there are only lower ones.
    """
    groups: dict[bytes, list[int]] = {}
    for i, column in enumerate(columns):
        groups.setdefault((~np.isnan(column)).tobytes(), []).append(i)
    for key, at in groups.items():
        known = np.frombuffer(key, dtype=np.bool_)
        yield known, at, np.stack([columns[i][known] for i in at], axis=1)


def _compared(trio: Trio, found: statistics.Comparison) -> Compared:
    measure, system, other = trio
    return Compared(
        measure=measure,
        system=system,
        against=other,
        n=found.n,
        difference=_round(found.difference),
        low=_round(found.low),
        high=_round(found.high),
        p=found.p,
        adjusted=found.p,
        d_z=_round(found.d_z),
        wins=found.wins,
        ties=found.ties,
        losses=found.losses,
        mde=_round(found.mde) if np.isfinite(found.mde) else None,
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
    if analysis.test == "randomisation":
        found = statistics.randomised_tukey(table, analysis.draws, analysis.seed)
        p, method = found.p, f"randomised Tukey test, {count(found.draws)} draws"
    else:
        p, method = statistics.tukey(table), "Tukey test, blocked by query"
    letters = statistics.letters(table.mean(axis=0), p, analysis.alpha, len(table))
    return Pairs(method, tuple(map(tuple, p.tolist())), letters)


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
