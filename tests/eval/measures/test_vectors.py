"""Values computed elsewhere: ir_measures, pytrec_eval, by hand. `u…` is unjudged, −1 pooled."""

import numpy as np
import pytest

from eval.measures import evaluate, pack, parse, rbo, rbo_seen

QRELS = {
    "q1": {"d1": 3, "d2": 0, "d3": 1, "d4": 2, "d5": 0, "d6": 1},
    "q2": {"a": 1, "b": 0, "c": 2, "e": -1},
    "q3": {"x": 0},
    "q4": {"m": 1},
}
RUN = {
    "q1": ["d2", "d1", "u1", "d3", "d5", "d4", "u2"],
    "q2": ["u9", "c", "b", "e", "a"],
    "q3": ["x", "y"],
}


@pytest.mark.parametrize(
    ("name", "q1", "q2"),
    [
        ("nDCG@3", 0.397490, 0.479625),
        ("nDCG@5", 0.447463, 0.626665),
        ("nDCG@10", 0.584662, 0.626665),
        ("AP", 0.375, 0.45),
        ("AP(rel=2)", 0.416667, 0.5),
        ("RR", 0.5, 0.5),
        ("P@5", 0.4, 0.4),
        ("P(rel=2)@5", 0.2, 0.2),
        ("R@3", 0.25, 0.5),
        ("R@5", 0.5, 1.0),
        ("Rprec", 0.5, 0.5),
        ("Bpref", 0.25, 0.5),
        ("infAP", 0.375001, 0.5),
        ("Judged@5", 0.8, 0.8),
        ("Success@1", 0.0, 0.0),
    ],
)
def test_a_measure_of_two_queries_is_what_the_libraries_say(
    name: str, q1: float, q2: float
) -> None:
    found = evaluate(pack(RUN, QRELS), [parse(name)])[parse(name)]
    assert found[:2] == pytest.approx([q1, q2], abs=5e-7)
    assert np.isnan(found[2])
    assert found[3] == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nDCG(dcg='exp-log2')@3", 0.470202),
        ("nDCG(dcg='exp-log2')@5", 0.493429),
        ("nDCG(dcg='exp-log2')@10", 0.602212),
        ("RBP(rel=1)", 0.327936),
        ("RBP", 0.237824),
        ("RBPResidual", 0.390144),
        ("ERR", 0.448242),
        ("nDCG(judged_only=True)@5", 0.609817),
        ("Unjudged@10", 0.2),
        ("F1@5", 2 * 0.4 * 0.5 / (0.4 + 0.5)),
    ],
)
def test_a_measure_of_the_first_query_is_what_was_computed_by_hand(
    name: str, expected: float
) -> None:
    found = evaluate(pack(RUN, QRELS), [parse(name)])[parse(name)]
    assert found[0] == pytest.approx(expected, abs=5e-7)


def test_a_query_without_a_relevant_document_still_has_its_share_of_judged_ones() -> None:
    from eval.measures import score

    assert score(RUN, QRELS, ["Judged@5"]).per_query["q3"]["Judged@5"] == 1 / 2


def test_overlap_is_what_the_package_rbo_says() -> None:
    assert rbo_seen("abcde", "bacfg", 0.9) == pytest.approx(0.265041, abs=5e-7)
    assert rbo("abcde", "bacfg", 0.9) == pytest.approx(0.619335, abs=5e-7)
