"""Agreement with ir_measures and pytrec_eval on rankings without ties."""

from collections.abc import Mapping, Sequence

import ir_measures
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.measures import pack, parse
from eval.measures.evaluating import computed
from eval.measures.measure import FAMILIES

Qrels = Mapping[str, Mapping[str, int]]
Run = Mapping[str, Sequence[str]]

DOCUMENTS = [f"d{i}" for i in range(25)]
# −1 is pooled, not judged. Below, pytrec_eval writes where it must not and ends by a signal; for
# a query with nothing but −1 its nDCG never ends.
# Most are not relevant, as in pools: only then are there more of those than of others.
GRADES = st.dictionaries(
    st.sampled_from(DOCUMENTS),
    st.sampled_from([-1, 0, 0, 0, 0, 0, 1, 2, 4]),
    min_size=1,
    max_size=15,
).filter(lambda grades: max(grades.values()) >= 0)
RANKINGS = st.lists(st.sampled_from(DOCUMENTS), unique=True, max_size=25)
COLLECTIONS = st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), GRADES, min_size=1)
RUNS = st.dictionaries(st.sampled_from(["q1", "q2", "q3", "q4"]), RANKINGS)

RANKED = ["AP", "AP@5", "RR", "P@5", "R@5", "Rprec", "Success@3", "nDCG", "nDCG@5"]
RELS = ["AP(rel=2)", "AP(rel=3)@4", "RR(rel=2)", "P(rel=2)@3", "R(rel=2)@7", "Rprec(rel=2)"]
ONES = ["Success(rel=3)@1", "P@1", "nDCG@1", "nDCG@100", "R@100"]
CONDENSED = [
    "nDCG(judged_only=True)@5",
    "AP(judged_only=True)",
    "AP(rel=2,judged_only=True)",
    "RR(judged_only=True)",
    "P(judged_only=True)@5",
    "R(judged_only=True)@3",
    "Rprec(judged_only=True)",
    "Success(judged_only=True)@2",
]
POOLED = ["Bpref", "Bpref(rel=2)", "infAP", "infAP(rel=2)"]
BY_TREC_EVAL = [*RANKED, *RELS, *ONES, *CONDENSED, *POOLED]


def ours(names: Sequence[str], qrels: Qrels, run: Run) -> dict[str, dict[str, float]]:
    """Return our values by measure and query."""
    packed = pack(run, qrels)
    values = computed(packed, [parse(name) for name in names])
    return {
        str(measure): dict(zip(packed.queries, of.tolist(), strict=True))
        for measure, of in values.items()
    }


def scored(run: Run) -> dict[str, dict[str, float]]:
    return {q: {d: float(-i) for i, d in enumerate(of)} for q, of in run.items() if of}


@pytest.mark.parametrize("names", [RANKED, RELS, ONES, CONDENSED, POOLED])
@settings(max_examples=60, deadline=None)
@given(COLLECTIONS, RUNS)
def test_every_measure_of_trec_eval_is_ir_measures(
    names: Sequence[str], qrels: Qrels, run: Run
) -> None:
    theirs = {str(measure): measure for measure in map(ir_measures.parse_measure, names)}
    assert set(theirs) == set(names)
    found = ours(names, qrels, run)
    for name, measure in theirs.items():  # one at a time: theirs forget rel and judged_only
        evaluator = ir_measures.pytrec_eval.evaluator([measure], qrels)
        for metric in evaluator.iter_calc(scored(run)):
            assert found[name][metric.query_id] == pytest.approx(metric.value, abs=1e-9), name


@settings(max_examples=60, deadline=None)
@given(COLLECTIONS, RUNS)
def test_judged_is_ir_measures(qrels: Qrels, run: Run) -> None:
    names = ["Judged@1", "Judged@5", "Judged@50", "Judged"]
    found = ours(names, qrels, run)
    measures = [ir_measures.parse_measure(name) for name in names]
    for metric in ir_measures.judged.evaluator(measures, qrels).iter_calc(scored(run)):
        assert found[str(metric.measure)][metric.query_id] == pytest.approx(metric.value)


TREC = {
    "ndcg_cut_3": "nDCG@3",
    "ndcg": "nDCG",
    "map": "AP",
    "map_cut_7": "AP@7",
    "recip_rank": "RR",
    "P_4": "P@4",
    "recall_6": "R@6",
    "Rprec": "Rprec",
    "success_2": "Success@2",
    "bpref": "Bpref",
    "infAP": "infAP",
}


@settings(max_examples=100, deadline=None)
@given(COLLECTIONS, RUNS)
def test_every_measure_is_pytrec_evals_and_unanswered_queries_have_none(
    qrels: Qrels, run: Run
) -> None:
    asked = {
        f"{family}.{cut}" if cut.isdigit() else name
        for name in TREC
        for family, _, cut in [name.rpartition("_")]
    }
    evaluator = pytrec_eval.RelevanceEvaluator({q: dict(of) for q, of in qrels.items()}, asked)
    theirs = evaluator.evaluate(scored(run))
    for name, values in ours(list(TREC.values()), qrels, run).items():
        trec = next(trec for trec, ours_ in TREC.items() if ours_ == name)
        for query_id, value in values.items():
            expected = theirs[query_id][trec] if query_id in theirs else 0.0
            assert value == pytest.approx(expected, abs=1e-9), name


def test_a_name_that_both_have_means_the_same_and_is_written_the_same() -> None:
    names = [*BY_TREC_EVAL, "nDCG(dcg='exp-log2')@5", "RBP(p=0.9,rel=1)", "ERR@10", "Judged@3"]
    for name in names:
        assert str(parse(name)) == str(ir_measures.parse_measure(name)) == name
    shared = {name for name in FAMILIES if name not in {"F1", "RBPResidual", "Unjudged"}}
    assert shared <= set(ir_measures.measures.registry)
