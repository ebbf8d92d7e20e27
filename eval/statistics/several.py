"""Every system with every other: Tukey's honest significant differences, queries as blocks."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from eval.statistics.arrays import Floats, blocks
from rag.values import Frozen

WORK = 200_000_000
"""Values that `randomised_tukey` moves at most: some seconds (chosen)."""

FEWEST = 30
"""Queries below which letters are not given: the tests behind them see too little."""

_LEAST = float(np.finfo(np.float64).tiny)
_SLACK = 1e-12


@dataclass(frozen=True, slots=True)
class Pairwise(Frozen):
    """p for every pair of systems, 1 on the diagonal, and by how many draws (0: by none)."""

    p: Floats  # (s, s)
    draws: int


def tukey(values: Floats) -> Floats:
    """Return p of every pair, for all pairs at once, by the studentised range.  # (n, s) → (s, s).

    What queries differ by is taken out first (two-way analysis of variance); without that almost
    nothing would be significant. For two systems it is the paired t-test.
    """
    n, s = values.shape
    gaps = _gaps(values)
    if n < 2 or s < 2:
        return np.ones((s, s))
    rest = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    df = (n - 1) * (s - 1)
    error = np.sqrt((rest**2).sum() / df / n)
    if error <= _SLACK * np.abs(values).max(initial=1.0):  # every query differs by the same
        return np.asarray(np.where(gaps > _SLACK, _LEAST, 1.0))
    upper = np.triu_indices(s, 1)
    p = np.ones((s, s))
    p[upper] = np.clip(stats.studentized_range.sf(gaps[upper] / error, s, df), _LEAST, 1.0)
    both: Floats = np.minimum(p, p.T)
    return both


def randomised_tukey(
    values: Floats, draws: int = 10_000, seed: int = 0, work: int = WORK
) -> Pairwise:
    """Return p of every pair: the share of draws with a range of means as wide (Carterette, 2012).

    In a draw each query's values are dealt to the systems by chance. As many draws are made as
    `work` allows, at least 1,000 where as many are asked for.
    """
    n, s = values.shape
    made = min(draws, max(1_000, work // max(1, values.size)))
    gaps = _gaps(values)  # (s, s)
    random = np.random.default_rng(seed)
    hits = np.zeros((s, s), np.int64)
    for b in blocks(made, n * s):
        dealt = random.permuted(np.broadcast_to(values, (b, n, s)), axis=2)
        means = dealt.mean(axis=1)  # (b, s)
        widest = np.sort(np.ptp(means, axis=1))  # (b,)
        hits += b - np.searchsorted(widest, gaps - _SLACK, side="left")
    p = (1 + hits) / (1 + made)
    np.fill_diagonal(p, 1.0)
    return Pairwise(p, made)


def _gaps(values: Floats) -> Floats:
    means = values.mean(axis=0)
    return np.asarray(np.abs(means[:, None] - means))  # (s, s)


def letters(means: Floats, p: Floats, alpha: float, queries: int) -> tuple[str, ...]:
    """Return letters for each system: those that share none differ significantly.

    The best system has an a. "" for all where there are fewer than `FEWEST` queries. By insertion
    and absorption (Piepho, 2004).

    >>> letters(np.array([0.5, 0.4]), np.array([[1, 0.01], [0.01, 1]]), 0.05, 100)
    ('a', 'b')
    """
    if queries < FEWEST:
        return ("",) * len(means)
    order = np.argsort(-np.asarray(means), kind="stable")
    groups = [frozenset(range(len(order)))]  # of places in the order: who shares a letter
    for i in range(len(order)):
        for j in range(i + 1, len(order)):
            if p[order[i], order[j]] <= alpha:
                groups = _parted(groups, i, j)
    found = [""] * len(order)
    for number, group in enumerate(sorted(groups, key=sorted)):
        for place in group:
            found[order[place]] += _letter(number)
    return tuple(found)


def _parted(groups: list[frozenset[int]], i: int, j: int) -> list[frozenset[int]]:
    """Return groups of which none holds both, and none lies in another."""
    halves = {half for g in groups for half in (({g - {i}, g - {j}}) if {i, j} <= g else {g})}
    return [g for g in halves if g and not any(g < other for other in halves)]


def _letter(number: int) -> str:
    """Return a to z, then a2 to z2, and so on.

    >>> _letter(0), _letter(27)
    ('a', 'b2')
    """
    turn, place = divmod(number, 26)
    return chr(ord("a") + place) + (str(turn + 1) if turn else "")
