"""People's labels beside a judge's: which pairs both graded, and how far they agree."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from eval.agreement.coincidence import MISSING, alpha, coincidences, of_two
from eval.agreement.contingency import (
    Array,
    Grades,
    absolute_error,
    bias,
    binary,
    exact,
    kappa,
    limits,
    precision,
    prevalence,
    recall,
    tables,
)
from eval.agreement.resampling import DRAWS, SEED, Interval, Resamples, interval, resample
from eval.checking.judged import Judged
from eval.checking.labelled import Pair
from eval.checking.record import Agreement, GradeFigures
from eval.checking.sampling import Sample
from rag.errors import BadCollection
from rag.values import Frozen

Labels = Mapping[Pair, int]
FAILED = "the judge gave no valid grade"
LACKING = "the judge's file does not have the pair"


@dataclass(frozen=True, slots=True)
class Compared(Frozen):
    """Pairs that people and the judge graded; arrays are (n,).

    `queries` numbers the pairs' queries from 0. `weights` are how many pairs each stands for.
    """

    pairs: tuple[Pair, ...]
    human: Grades
    judge: Grades
    queries: Grades
    weights: Array | None
    left_out: Mapping[str, int]

    @property
    def query_count(self) -> int:
        """How many queries the pairs are of."""
        return int(self.queries.max(initial=-1)) + 1


def consensus(people: Mapping[str, Labels]) -> dict[Pair, int]:
    """Return the median grade of every pair that anybody graded, the lower of two.

    >>> consensus({"a": {("q", "d"): 1}, "b": {("q", "d"): 2}, "c": {("q", "e"): 3}})
    {('q', 'd'): 1, ('q', 'e'): 3}
    """
    given: dict[Pair, list[int]] = {}
    for labels in people.values():
        for pair, grade in labels.items():
            given.setdefault(pair, []).append(grade)
    return {pair: sorted(grades)[(len(grades) - 1) // 2] for pair, grades in given.items()}


def compare(labels: Labels, judged: Judged, sample: Sample | None = None) -> Compared:
    """Return the pairs that both graded, weighed back where they were drawn by grade.

    There may be none, where the judge failed on all that people labelled.

    Raises:
        BadCollection: the judge was asked about none of them.
    """
    both = sorted(pair for pair in labels if pair in judged.grades)
    if not both and judged.failed.isdisjoint(labels):
        mine, its = (next(iter(sorted(of)), ("", "")) for of in (labels, judged.grades))
        raise BadCollection(
            f"{judged.name}: no pair was labelled by people and by the judge; people labelled "
            f"e.g. '{mine[0]} {mine[1]}', the judge '{its[0]} {its[1]}': name labels of one "
            "collection"
        )
    numbers = {query: n for n, query in enumerate(sorted({query for query, _ in both}))}
    left_out = Counter(
        FAILED if pair in judged.failed else LACKING for pair in labels if pair not in judged.grades
    )
    return Compared(
        tuple(both),
        np.array([labels[pair] for pair in both], np.int64),
        np.array([judged.grades[pair] for pair in both], np.int64),
        np.array([numbers[query] for query, _ in both], np.int64),
        None if sample is None else _weights(both, sample),
        dict(left_out),
    )


def _weights(pairs: list[Pair], sample: Sample) -> Array:
    """Return how many pairs each one stands for: its stratum's size / how many of it are here."""
    stratum = {(pair.query_id, pair.document_id): pair.grade for pair in sample.pairs}
    here = Counter(stratum[pair] for pair in pairs)
    size = {each.grade: each.size for each in sample.strata}
    return np.array([size[stratum[pair]] / here[stratum[pair]] for pair in pairs])


def agreement(
    of: Compared, *, top: int, cut: int, draws: int = DRAWS, seed: int = SEED
) -> Agreement:
    """Return every figure with its interval over queries."""
    k, n = top + 1, len(of.pairs)
    weights = None if of.weights is None or not n else of.weights * n / of.weights.sum()
    by_query = tables(of.human, of.judge, k, of.queries, weights)
    # Of no pair, no figure is defined: one query that adds nothing says so.
    drawn = resample(by_query if n else np.zeros((1, k, k)), draws, seed)

    def figure(measure: Callable[[Array], Array]) -> Interval:
        return interval(measure, drawn)

    counts = tables(of.human, of.judge, k).sum(0).astype(int)
    return Agreement(
        kappa=figure(kappa),
        kappa_binary=figure(lambda table: kappa(binary(table, cut))),
        kappa_linear=figure(lambda table: kappa(table, "linear")),
        kappa_quadratic=figure(lambda table: kappa(table, "quadratic")),
        alpha_ordinal=figure(lambda table: alpha(of_two(table))),
        bias=figure(bias),
        absolute_error=figure(absolute_error),
        exact=figure(exact),
        limits=(
            figure(lambda table: limits(table)[..., 0]),
            figure(lambda table: limits(table)[..., 1]),
        ),
        grades=_by_grade(drawn, k),
        table=tuple(tuple(row) for row in counts.tolist()),
        weighted=of.weights is not None,
    )


def _by_grade(drawn: Resamples, k: int) -> tuple[GradeFigures, ...]:
    people, judge = np.nan_to_num(prevalence(drawn.whole))

    def at(measure: Callable[[Array], Array], grade: int) -> Interval:
        return interval(lambda table: measure(table)[..., grade], drawn)

    return tuple(
        GradeFigures(g, float(people[g]), float(judge[g]), at(precision, g), at(recall, g))
        for g in range(k)
    )


def kappas(of: Compared, *, top: int, cut: int) -> tuple[Interval, Interval]:
    """Return κ and binary κ of unweighted pairs, with intervals."""
    drawn = resample(tables(of.human, of.judge, top + 1, of.queries))
    return interval(kappa, drawn), interval(lambda table: kappa(binary(table, cut)), drawn)


def among(people: Mapping[str, Labels], top: int) -> Interval:
    """Return people's ordinal α with each other, over the pairs that two or more graded."""
    pairs = sorted({pair for labels in people.values() for pair in labels})
    numbers = {query: n for n, query in enumerate(sorted({query for query, _ in pairs}))}
    ratings = np.array([[by.get(pair, MISSING) for pair in pairs] for by in people.values()])
    queries = np.array([numbers[query] for query, _ in pairs])
    return interval(alpha, resample(coincidences(ratings, top + 1, queries)))
