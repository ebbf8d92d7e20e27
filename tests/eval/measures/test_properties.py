"""What holds for every measure, whatever the run."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.data.run_table import RunTable
from eval.data.runs import ScoredDocument
from eval.measures import QrelsTable, condensed, evaluate, oracle, pack, parse, rbo, rbo_seen

DOCUMENTS = [f"d{i}" for i in range(20)]
GRADES = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(-1, 4), max_size=12)
RANKINGS = st.lists(st.sampled_from(DOCUMENTS), unique=True, max_size=20)
QUERIES = st.sampled_from(["q1", "q2", "q3", "q4"])
COLLECTIONS = st.dictionaries(QUERIES, GRADES, min_size=1)
RUNS = st.dictionaries(QUERIES | st.just("other"), RANKINGS)
Qrels = dict[str, dict[str, int]]
Run = dict[str, list[str]]

GAINS = [
    "nDCG@5",
    "nDCG",
    "nDCG(dcg='exp-log2')@5",
    "AP",
    "AP(rel=2)",
    "RR@3",
    "P@3",
    "R@5",
    "Rprec",
    "Success@2",
    "F1@5",
    "RBP",
    "RBP(p=0.5,rel=2)",
    "ERR@10",
]
POOLED = ["Bpref", "infAP", "Judged@5", "Unjudged@5", "RBPResidual", "nDCG(judged_only=True)@5"]
EVERY = [parse(name) for name in GAINS + POOLED]


@settings(max_examples=150, deadline=None)
@given(COLLECTIONS, RUNS)
def test_values_lie_between_0_and_1_and_are_none_without_a_relevant_document(
    qrels: Qrels, run: Run
) -> None:
    none = [max(of.values(), default=0) <= 0 for of in qrels.values()]
    for measure, values in evaluate(pack(run, qrels), EVERY).items():
        assert np.isnan(values).tolist() == none, measure
        assert ((values[~np.isnan(values)] >= 0) & (values[~np.isnan(values)] <= 1 + 1e-9)).all()


@settings(max_examples=100, deadline=None)
@given(COLLECTIONS, RUNS, st.data())
def test_a_better_document_further_up_never_costs(
    qrels: Qrels, run: Run, data: st.DataObject
) -> None:
    better = {}
    for query_id, ranking in run.items():
        of, ranking = qrels.get(query_id, {}), list(ranking)
        if len(ranking) > 1:
            i = data.draw(st.integers(0, len(ranking) - 2))
            if of.get(ranking[i], 0) < of.get(ranking[i + 1], 0):
                ranking[i], ranking[i + 1] = ranking[i + 1], ranking[i]
        better[query_id] = ranking
    gains = [parse(name) for name in GAINS]
    before, after = evaluate(pack(run, qrels), gains), evaluate(pack(better, qrels), gains)
    for measure in gains:
        assert (np.nan_to_num(after[measure] - before[measure]) >= -1e-12).all(), measure


@settings(max_examples=100, deadline=None)
@given(COLLECTIONS, RUNS)
def test_the_best_order_of_what_was_returned_is_the_most_it_can_reach(
    qrels: Qrels, run: Run
) -> None:
    gains = [parse(name) for name in GAINS]
    packed = pack(run, qrels)
    sorted_ = {q: sorted(of, key=lambda d: -qrels.get(q, {}).get(d, 0)) for q, of in run.items()}
    ideal, best = pack(sorted_, qrels), oracle(packed)
    for measure in gains:
        at_most = evaluate(best, [measure])[measure]
        assert at_most == pytest.approx(evaluate(ideal, [measure])[measure], nan_ok=True)
        assert (np.nan_to_num(at_most - evaluate(packed, [measure])[measure]) >= -1e-12).all()


@settings(max_examples=100, deadline=None)
@given(COLLECTIONS, RUNS)
def test_a_condensed_ranking_is_the_one_without_unjudged_documents(qrels: Qrels, run: Run) -> None:
    shorter = {q: [d for d in of if qrels.get(q, {}).get(d, -1) >= 0] for q, of in run.items()}
    assert condensed(pack(run, qrels)).returned.tolist() == pack(shorter, qrels).returned.tolist()
    for name in ("nDCG@5", "AP", "RBP", "ERR@3", "F1@3"):
        family, _, cut = name.partition("@")
        only = parse(f"{family}(judged_only=True)" + (f"@{cut}" if cut else ""))
        found = evaluate(pack(run, qrels), [only])[only]
        plain = evaluate(pack(shorter, qrels), [parse(name)])[parse(name)]
        assert found == pytest.approx(plain, nan_ok=True)


@settings(max_examples=50, deadline=None)
@given(COLLECTIONS, RUNS)
def test_tables_and_dictionaries_give_the_same_and_queries_do_not_depend_on_each_other(
    qrels: Qrels, run: Run
) -> None:
    table = RunTable.of(
        {q: [ScoredDocument(d, 9.0 - i) for i, d in enumerate(of)] for q, of in run.items()}
    )
    pool = QrelsTable.of(qrels)
    whole = evaluate(pack(table, pool), EVERY)
    alone = [evaluate(pack(run, {q: of}), EVERY) for q, of in qrels.items()]
    for measure in EVERY:
        assert whole[measure] == pytest.approx(
            evaluate(pack(run, qrels), EVERY)[measure], nan_ok=True
        )
        if measure.family not in {"ERR", "RBP"}:  # by the largest grade of the collection
            each = [float(found[measure][0]) for found in alone]
            assert whole[measure].tolist() == pytest.approx(each, nan_ok=True)


def test_a_large_run_is_computed_in_parts_as_in_one() -> None:
    random = np.random.default_rng(0)
    qrels = {f"q{i}": {f"d{j}": int(random.integers(-1, 4)) for j in range(30)} for i in range(50)}
    run = {q: [f"d{j}" for j in random.permutation(60)[:40]] for q in qrels}
    packed = pack(run, qrels)
    whole = evaluate(packed, EVERY)
    parts = list(packed.parts(cells=40 * 7))
    assert len(parts) == 8
    for measure in EVERY:
        for rows, part in parts:
            assert evaluate(part, [measure])[measure] == pytest.approx(
                whole[measure][rows], nan_ok=True
            )


def test_grades_of_thousands_do_not_overflow() -> None:
    packed = pack({"q": ["a", "b"]}, {"q": {"a": 9_000, "b": 10_000}})
    exp, err = parse("nDCG(dcg='exp-log2')@5"), parse("ERR")
    found = evaluate(packed, [exp, err])
    assert found[exp][0] == pytest.approx(1 / np.log2(3))
    assert found[err][0] == pytest.approx(0.5)


def by_sets(a: list[str], b: list[str], p: float) -> float:
    """Return the overlap of what is seen, from its definition."""
    depth = range(1, max(len(a), len(b)) + 1)
    return (1 - p) * sum(p ** (d - 1) * len(set(a[:d]) & set(b[:d])) / d for d in depth)


@settings(max_examples=150, deadline=None)
@given(RANKINGS, RANKINGS, st.floats(0.1, 0.99))
def test_overlap_is_symmetric_bounded_and_what_its_definition_says(
    a: list[str], b: list[str], p: float
) -> None:
    assert rbo_seen(a, b, p) == pytest.approx(by_sets(a, b, p))
    assert rbo(a, b, p) == pytest.approx(rbo(b, a, p))
    assert -1e-9 <= rbo_seen(a, b, p) <= rbo(a, b, p) + 1e-9 <= 1 + 1e-8
    assert rbo(a, a, p) == pytest.approx(1)
    assert rbo(a, [f"x{d}" for d in a], p) == pytest.approx(0 if a else 1)
