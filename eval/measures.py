"""Retrieval measures with trec_eval's definitions, on one de-tied ranking for all of them.

pytrec_eval does the arithmetic. It would break ties by document id, keep scores as float32, and
leave out queries that a run does not answer; so a run comes here as a *ranking*, its scores are
replaced by strictly falling integers, and every query of the qrels counts: an unanswered one 0.
Queries without a relevant document are left out of the means, and counted.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pytrec_eval

from eval.data.collection import Qrels
from rag.values import Frozen

Run = Mapping[str, Sequence[str]]
"""Query id → document ids, best first, none twice."""

MEASURES = ("nDCG@10", "R@100", "RR@10", "AP", "Judged@10")
"""In the names of ir_measures. nDCG with linear gain; RR@10 and AP are MRR@10 and MAP as means."""

LABELS = {"RR@10": "MRR@10", "AP": "MAP"}


@dataclass(frozen=True, slots=True)
class Scores(Frozen):
    """Every measure, per query and as a mean over the queries that have a relevant document."""

    means: Mapping[str, float]
    per_query: Mapping[str, Mapping[str, float]]
    unanswered: int
    without_relevant: int


def score(run: Run, qrels: Qrels) -> Scores:
    """Return the measures of a run; queries that are not in the qrels are not looked at.

    Raises:
        ValueError: a document stands twice in one ranking.

    >>> result = score({"q": ["d2", "d1"]}, {"q": {"d1": 1}, "unanswered": {"d9": 1}})
    >>> round(result.per_query["q"]["nDCG@10"], 4), result.means["RR@10"], result.unanswered
    (0.6309, 0.25, 1)
    """
    for query_id, ranking in run.items():
        if len(set(ranking)) != len(ranking):
            raise ValueError(f"query '{query_id}': a document stands twice in the ranking")
    per_query = {name: compute(run, qrels) for name, compute in _COMPUTE.items()}
    judged = {query_id for query_id, grades in qrels.items() if max(grades.values(), default=0) > 0}
    return Scores(
        means={
            name: math.fsum(values[query_id] for query_id in judged) / max(1, len(judged))
            for name, values in per_query.items()
        },
        per_query={
            query_id: {name: values[query_id] for name, values in per_query.items()}
            for query_id in qrels
        },
        unanswered=sum(not run.get(query_id) for query_id in qrels),
        without_relevant=len(qrels) - len(judged),
    )


def _trec(measure: str, depth: int | None = None) -> Callable[[Run, Qrels], dict[str, float]]:
    """Return the computation of a trec_eval measure on the first `depth` documents."""

    def compute(run: Run, qrels: Qrels) -> dict[str, float]:
        family, _, cut = measure.rpartition("_") if measure[-1].isdigit() else (measure, "", "")
        wanted = f"{family}.{cut}" if cut else measure
        # Negative grades mean "pooled, not judged": not relevant, which is what 0 says.
        grades = {q: {d: max(0, g) for d, g in docs.items()} for q, docs in qrels.items()}
        detied = {
            q: {d: float(len(run[q]) - i) for i, d in enumerate(run[q][:depth])}
            for q in qrels
            if run.get(q)
        }
        rows = pytrec_eval.RelevanceEvaluator(grades, {wanted}).evaluate(detied)
        return {q: float(rows[q][measure]) if q in rows else 0.0 for q in qrels}

    return compute


def _judged(depth: int) -> Callable[[Run, Qrels], dict[str, float]]:
    """Return the share of the first `depth` documents returned that have a judgment; 0 for none."""

    def compute(run: Run, qrels: Qrels) -> dict[str, float]:
        return {
            q: sum(d in grades for d in run.get(q, ())[:depth])
            / max(1, len(run.get(q, ())[:depth]))
            for q, grades in qrels.items()
        }

    return compute


_COMPUTE: Mapping[str, Callable[[Run, Qrels], dict[str, float]]] = {
    "nDCG@10": _trec("ndcg_cut_10"),
    "R@100": _trec("recall_100"),
    "RR@10": _trec("recip_rank", depth=10),
    "AP": _trec("map"),
    "Judged@10": _judged(10),
}
