"""Retrieval measures with trec_eval's definitions, all on one de-tied ranking.

`pack` joins a run to qrels once; `evaluate` computes measures, which `parse` reads by the names of
ir_measures. Every query of the qrels counts: an unanswered one 0. Queries without a relevant
document are left out of means, and counted.
"""

from eval.measures.evaluating import evaluate
from eval.measures.judged import UNJUDGED, QrelsTable
from eval.measures.measure import FAMILIES, Measure, parse
from eval.measures.overlap import rbo, rbo_seen
from eval.measures.packed import Packed, Run, condensed, oracle, pack
from eval.measures.scores import LABELS, MEASURES, Scores, score

__all__ = [
    "FAMILIES",
    "LABELS",
    "MEASURES",
    "UNJUDGED",
    "Measure",
    "Packed",
    "QrelsTable",
    "Run",
    "Scores",
    "condensed",
    "evaluate",
    "oracle",
    "pack",
    "parse",
    "rbo",
    "rbo_seen",
    "score",
]
