"""trec_eval's measures: vectors checked elsewhere, and agreement with ir_measures."""

import math
from collections.abc import Mapping, Sequence

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import AP, RR, Judged, R, nDCG

from eval.measures import LABELS, MEASURES, score

Qrels = dict[str, dict[str, int]]
Run = dict[str, list[str]]

# Executed with ir_measures and pytrec_eval; `u…` is unjudged, −1 is pooled and not relevant.
QRELS: Qrels = {
    "q1": {"d1": 3, "d2": 0, "d3": 1, "d4": 2, "d5": 0, "d6": 1},
    "q2": {"a": 1, "b": 0, "c": 2, "e": -1},
    "q3": {"x": 0},
    "q4": {"m": 1},
}
RUN: Run = {
    "q1": ["d2", "d1", "u1", "d3", "d5", "d4", "u2"],
    "q2": ["u9", "c", "b", "e", "a"],
    "q3": ["x", "y"],
}


@pytest.mark.parametrize(
    ("query_id", "expected"),
    [
        (
            "q1",
            {"nDCG@10": 0.584662, "R@100": 3 / 4, "RR@10": 1 / 2, "AP": 0.375, "Judged@10": 5 / 7},
        ),
        (
            "q2",
            {"nDCG@10": 0.626665, "R@100": 2 / 2, "RR@10": 1 / 2, "AP": 0.45, "Judged@10": 4 / 5},
        ),
        ("q3", {"nDCG@10": 0.0, "R@100": 0.0, "RR@10": 0.0, "AP": 0.0, "Judged@10": 1 / 2}),
        ("q4", {"nDCG@10": 0.0, "R@100": 0.0, "RR@10": 0.0, "AP": 0.0, "Judged@10": 0.0}),
    ],
)
def test_every_measure_of_a_query_is_what_trec_eval_says(
    query_id: str, expected: Mapping[str, float]
) -> None:
    assert score(RUN, QRELS).per_query[query_id] == pytest.approx(expected, abs=5e-7)


def test_gain_is_linear_and_discounted_by_the_logarithm_of_the_rank() -> None:
    # d1 (grade 3) at rank 2, d3 (1) at rank 4, d4 (2) at rank 6; ideal 3, 2, 1, 1.
    found = 3 / math.log2(3) + 1 / math.log2(5) + 2 / math.log2(7)
    ideal = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)
    assert score(RUN, QRELS).per_query["q1"]["nDCG@10"] == pytest.approx(found / ideal)


def test_average_precision_divides_by_all_relevant_documents_found_or_not() -> None:
    assert score(RUN, QRELS).per_query["q1"]["AP"] == pytest.approx((1 / 2 + 2 / 4 + 3 / 6) / 4)


def test_a_query_that_was_not_answered_counts_zero_in_every_mean() -> None:
    means = score(RUN, QRELS).means
    assert means["RR@10"] == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    assert means["AP"] == pytest.approx((0.375 + 0.45 + 0) / 3)
    assert means["Judged@10"] == pytest.approx((5 / 7 + 4 / 5 + 0) / 3)


def test_silence_about_a_hard_query_does_not_help() -> None:
    silent = {"q1": RUN["q1"]}
    assert score(silent, QRELS).means["AP"] < score(RUN, QRELS).means["AP"]


def test_queries_without_a_relevant_document_are_left_out_of_the_means_and_counted() -> None:
    result = score(RUN, QRELS)
    without = {query_id: grades for query_id, grades in QRELS.items() if query_id != "q3"}
    assert result.without_relevant == 1
    assert result.means == score(RUN, without).means
    assert set(result.per_query) == {"q1", "q2", "q3", "q4"}


def test_unanswered_queries_are_counted() -> None:
    assert score(RUN, QRELS).unanswered == 1
    assert score({**RUN, "q1": []}, QRELS).unanswered == 2
    assert score({}, QRELS).unanswered == 4


def test_an_empty_run_scores_zero() -> None:
    assert score({}, QRELS).means == dict.fromkeys(MEASURES, 0.0)


def test_qrels_without_any_relevant_document_score_zero() -> None:
    result = score({"q": ["x"]}, {"q": {"x": 0}})
    assert (result.means["nDCG@10"], result.without_relevant) == (0.0, 1)


def test_a_query_with_no_judgment_at_all_is_one_without_a_relevant_document() -> None:
    result = score({"q": ["x"]}, {"q": {}})
    assert (result.without_relevant, result.per_query["q"]["Judged@10"]) == (1, 0.0)


def test_queries_outside_the_qrels_are_not_looked_at() -> None:
    assert score({**RUN, "other": ["d1"]}, QRELS) == score(RUN, QRELS)


def test_a_document_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="query 'q1': a document stands twice"):
        score({"q1": ["d1", "d2", "d1"]}, QRELS)


def test_the_order_of_the_ranking_counts_and_not_the_names_of_the_documents() -> None:
    # trec_eval breaks ties by name; with a ranking there is no tie to break.
    qrels = {"q": {"a": 1}}
    assert score({"q": ["z", "a"]}, qrels).means["RR@10"] == 1 / 2
    assert score({"q": ["a", "z"]}, qrels).means["RR@10"] == 1


@pytest.mark.parametrize(("rank", "expected"), [(1, 1.0), (10, 1 / 10), (11, 0.0)])
def test_reciprocal_rank_looks_at_the_first_ten(rank: int, expected: float) -> None:
    ranking = [f"u{i}" for i in range(1, rank)] + ["d"]
    assert score({"q": ranking}, {"q": {"d": 1}}).means["RR@10"] == pytest.approx(expected)


@pytest.mark.parametrize(("rank", "expected"), [(100, 1.0), (101, 0.0)])
def test_recall_looks_at_the_first_hundred(rank: int, expected: float) -> None:
    ranking = [f"u{i}" for i in range(1, rank)] + ["d"]
    assert score({"q": ranking}, {"q": {"d": 1}}).means["R@100"] == expected


def test_average_precision_looks_at_the_whole_ranking() -> None:
    ranking = [f"u{i}" for i in range(1_999)] + ["d"]
    assert score({"q": ranking}, {"q": {"d": 1}}).means["AP"] == pytest.approx(1 / 2_000)


def test_judged_divides_by_what_was_returned_up_to_ten() -> None:
    qrels = {"q": {f"d{i}": 0 for i in range(20)} | {"r": 1}}
    assert score({"q": ["d1", "u"]}, qrels).means["Judged@10"] == 1 / 2
    twelve = [f"d{i}" for i in range(9)] + ["u", "d10", "d11"]
    assert score({"q": twelve}, qrels).means["Judged@10"] == 9 / 10


def test_a_negative_grade_is_a_judgment_of_not_relevant() -> None:
    pooled = {"q": {"a": 1, "b": -1, "c": -2, "d": 2}}
    judged = {"q": {"a": 1, "b": 0, "c": 0, "d": 2}}
    for ranking in (["b", "a", "c", "d"], ["c", "b"], ["d", "b", "a"]):
        assert score({"q": ranking}, pooled) == score({"q": ranking}, judged)
    assert score({"q": ["b"]}, {"q": {"b": -1}}).without_relevant == 1


def test_every_label_names_a_measure() -> None:
    assert set(LABELS) <= set(MEASURES)
    assert tuple(score({}, QRELS).means) == MEASURES


DOCUMENTS = [f"d{i}" for i in range(30)]
GRADES = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(0, 3), min_size=1, max_size=12)
RANKINGS = st.lists(st.sampled_from(DOCUMENTS), unique=True, max_size=30)
COLLECTIONS = st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), GRADES, min_size=1)
RUNS = st.dictionaries(st.sampled_from(["q1", "q2", "q3", "q4"]), RANKINGS)
THEIRS = {
    "nDCG@10": nDCG @ 10,
    "R@100": R @ 100,
    "RR@10": RR @ 10,
    "AP": AP,
    "Judged@10": Judged @ 10,
}


@settings(max_examples=100, deadline=None)
@given(COLLECTIONS, RUNS)
def test_every_query_scores_as_in_ir_measures(
    qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Sequence[str]]
) -> None:
    judgments = [
        ir_measures.Qrel(q, d, grade) for q, grades in qrels.items() for d, grade in grades.items()
    ]
    scored = [
        ir_measures.ScoredDoc(q, d, -float(rank))
        for q, ranking in run.items()
        for rank, d in enumerate(ranking)
    ]
    names = {measure: name for name, measure in THEIRS.items()}
    ours = score(run, qrels).per_query
    seen = 0
    for metric in ir_measures.iter_calc(list(THEIRS.values()), judgments, scored):
        assert ours[metric.query_id][names[metric.measure]] == pytest.approx(metric.value)
        seen += 1
    assert seen == len(MEASURES) * len(qrels)


@settings(max_examples=100, deadline=None)
@given(COLLECTIONS, RUNS)
def test_the_mean_is_ir_measures_over_the_queries_with_a_relevant_document(
    qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Sequence[str]]
) -> None:
    relevant = {q: grades for q, grades in qrels.items() if max(grades.values()) > 0}
    judgments = {q: dict(grades) for q, grades in relevant.items()}
    # ir_measures divides by zero where a run holds a query without documents.
    scored = {q: {d: -float(i) for i, d in enumerate(docs)} for q, docs in run.items() if docs}
    ours = score(run, qrels).means
    if not relevant:
        assert set(ours.values()) == {0.0}
        return
    theirs = ir_measures.calc_aggregate(list(THEIRS.values()), judgments, scored)
    assert ours == pytest.approx({name: theirs[measure] for name, measure in THEIRS.items()})


@settings(max_examples=100, deadline=None)
@given(COLLECTIONS, RUNS)
def test_every_measure_stays_between_zero_and_one(
    qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Sequence[str]]
) -> None:
    result = score(run, qrels)
    for values in (result.means, *result.per_query.values()):
        assert all(0 <= value <= 1 + 1e-12 for value in values.values())


@settings(max_examples=50, deadline=None)
@given(GRADES)
def test_the_ideal_ranking_scores_one(grades: Mapping[str, int]) -> None:
    ideal = sorted(grades, key=lambda d: -grades[d])
    values = score({"q": ideal}, {"q": grades}).per_query["q"]
    expected = 1.0 if max(grades.values()) > 0 else 0.0
    for name in ("nDCG@10", "R@100", "RR@10", "AP"):
        assert values[name] == pytest.approx(expected)
