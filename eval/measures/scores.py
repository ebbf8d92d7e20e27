"""The measures of one run by name: for callers that have their rankings in a dictionary."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.data.collection import Qrels
from eval.measures.evaluating import computed, possible
from eval.measures.measure import parse
from eval.measures.packed import Run, pack
from rag.values import Frozen

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


def score(run: Run, qrels: Qrels, measures: Sequence[str] = MEASURES) -> Scores:
    """Return the measures of a run; queries that are not in the qrels are not looked at.

    Raises:
        ValueError: a document stands twice in one ranking.
        BadInput: an unknown measure.

    >>> result = score({"q": ["d2", "d1"]}, {"q": {"d1": 1}, "unanswered": {"d9": 1}})
    >>> round(result.per_query["q"]["nDCG@10"], 4), result.means["RR@10"], result.unanswered
    (0.6309, 0.25, 1)
    """
    packed = pack(run, qrels)
    parsed = [parse(name) for name in measures]
    values, counted = computed(packed, parsed), possible(packed)
    n = int(counted.sum())
    rows = np.stack([values[measure] for measure in parsed], axis=1).tolist()
    return Scores(
        means={
            name: math.fsum(values[measure][counted]) / max(1, n)
            for name, measure in zip(measures, parsed, strict=True)
        },
        per_query={
            query_id: dict(zip(measures, row, strict=True))
            for query_id, row in zip(packed.queries, rows, strict=True)
        },
        unanswered=packed.unanswered,
        without_relevant=len(counted) - n,
    )
