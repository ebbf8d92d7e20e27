"""Agreement of the orders in which two kinds of labels put systems.

A high τ says little of labels: the judges with the best one are among the most biased, and people
of other opinions reach .94 (Voorhees 2000). It is lowest where it matters, among the best systems.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from eval.agreement.contingency import Array, Grades, ratio
from eval.agreement.resampling import DRAWS, SEED, Interval, interval, resample
from eval.measures import rbo
from rag.errors import BadInput
from rag.values import Frozen

TOP = (3, 5, 10)
_DIGITS = 12  # sums in another order differ behind them


@dataclass(frozen=True, slots=True)
class Pairs(Frozen):
    """Pairs of systems, by whether people and the judge call their difference significant.

    `both` is with one sign, `opposed` with two; `human` is by people alone, `judge` by it alone: of
    these, `judge` are discoveries that people do not share.
    """

    both: int
    opposed: int
    human: int
    judge: int
    neither: int


@dataclass(frozen=True, slots=True)
class SystemAgreement(Frozen):
    """How alike people and the judge order systems, by their means over the same queries.

    `top` is τ among the best systems by people, by how many. `moved` is the most places that a
    system changes.
    """

    systems: tuple[str, ...]
    queries: int
    human: tuple[float, ...]
    judge: tuple[float, ...]
    tau: Interval
    rho: Interval
    top: Mapping[int, Interval]
    rbo: float
    moved: int
    pairs: Pairs


def compare_systems(
    systems: Sequence[str],
    human: Array,
    judge: Array,
    *,
    top: Sequence[int] = TOP,
    draws: int = DRAWS,
    seed: int = SEED,
    alpha: float = 0.05,
) -> SystemAgreement:
    """Return the agreement of two matrices of values by query and system, (q, s).

    Raises:
        BadInput: fewer than two systems, no query, or a value that is none.
    """
    q, s = human.shape
    if s < 2 or not q:
        raise BadInput(f"an order needs two systems and a query, here are {s} and {q}")
    if not (np.isfinite(human).all() and np.isfinite(judge).all()):
        raise BadInput("a value of a system is no number: leave queries without one out")
    of = resample(np.stack([human, judge], axis=1), draws, seed)  # sums, (…, 2, s)
    means = (of.whole / q).round(_DIGITS)
    by_people, by_judge = (np.argsort(-row, kind="stable") for row in means)
    places = stats.rankdata(-means, method="min", axis=1)
    return SystemAgreement(
        systems=tuple(systems),
        queries=q,
        human=tuple(means[0].tolist()),
        judge=tuple(means[1].tolist()),
        tau=interval(tau_b, of),
        rho=interval(spearman, of),
        top={t: interval(_among(by_people[:t]), of) for t in top if 1 < t < s},
        rbo=round(rbo([systems[i] for i in by_people], [systems[i] for i in by_judge]), _DIGITS),
        moved=int(np.abs(places[0] - places[1]).max()),
        pairs=_pairs(human, judge, alpha),
    )


def tau_b(rows: Array) -> Array:
    """Return Kendall's τ-b of two rows (…, 2, s); NaN where all of a row is equal.

    >>> tau_b(np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0]])).round(6).item()
    0.333333
    """
    left, right = np.triu_indices(rows.shape[-1], 1)
    signs = np.sign((rows[..., left] - rows[..., right]).round(_DIGITS))  # (…, 2, pairs)
    return _cosine(signs)


def spearman(rows: Array) -> Array:
    """Return Spearman's ρ of two rows (…, 2, s), ties at their mean rank; NaN as in `tau_b`."""
    ranks = stats.rankdata(rows.round(_DIGITS), axis=-1)
    return _cosine(ranks - ranks.mean(-1, keepdims=True))


def _among(best: Grades) -> Callable[[Array], Array]:
    return lambda rows: tau_b(rows[..., best])


def _cosine(rows: Array) -> Array:
    a, b = rows[..., 0, :], rows[..., 1, :]
    below = np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    return ratio((a * b).sum(-1), below)


def _pairs(human: Array, judge: Array, alpha: float) -> Pairs:
    """Return how significant differences agree: paired t-tests, all pairs, Benjamini-Hochberg."""
    people, model = _signs(human, alpha), _signs(judge, alpha)
    return Pairs(
        both=int((people * model == 1).sum()),
        opposed=int((people * model == -1).sum()),
        human=int(((people != 0) & (model == 0)).sum()),
        judge=int(((people == 0) & (model != 0)).sum()),
        neither=int(((people == 0) & (model == 0)).sum()),
    )


def _signs(values: Array, alpha: float) -> Array:
    """Return the sign of every significant difference of two systems, 0 of the others."""
    left, right = np.triu_indices(values.shape[1], 1)
    differences = values[:, left] - values[:, right]  # (q, pairs)
    q, mean = len(values), differences.mean(0)
    error = differences.std(0, ddof=1) / np.sqrt(q) if q > 1 else np.zeros_like(mean)
    spread = (
        error > 1e-12
    )  # where all differences are equal no t is defined: not called significant
    t = np.divide(mean, error, out=np.zeros_like(mean), where=spread)
    p = np.where(spread, 2 * stats.t.sf(np.abs(t), max(q - 1, 1)), 1.0)
    significant = stats.false_discovery_control(p) <= alpha
    return np.where(significant, np.sign(mean), 0.0)
