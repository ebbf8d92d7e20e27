"""The check of a judge: what is compared, what is left out, and the verdict."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.agreement.resampling import Interval
from eval.checking.comparing import FAILED, LACKING, compare
from eval.checking.gates import gates
from eval.checking.markdown import to_markdown
from eval.checking.overview import overview
from eval.checking.record import (
    Agreement,
    Failures,
    Fooled,
    JudgeCheck,
    Kept,
    Probes,
    open_check,
    open_probes,
    write,
)
from eval.checking.report import Beside, People, check
from eval.checking.sampling import draw
from eval.data.runs import ScoredDocument, write_run
from eval.experiments.record import Lineage, SystemRecord
from rag.errors import BadCollection, BadInput
from tests.eval.checking.judges import judged, labels

PEOPLE, GOOD = labels(right=0.9)
_, BAD = labels(right=0.1)
QWEN = Lineage("judge", "qwen", "Qwen3-8B", "p")


def probes(same: float | None = 1.0, fooled: float | None = 0.0) -> Probes:
    return Probes(
        "j",
        None,
        0,
        3,
        2,
        100,
        0,
        (Kept("retest", "again", 40, 0, same, 0.0), Kept("order", "else", 40, 0, 0.1, 0.0)),
        (
            Fooled("irrelevant", "control", False, 40, 0, 1.0, 1.0),
            Fooled("query", "an attack", True, 40, 0, 0.5, fooled),
            Fooled("instruction", "an attack", True, 40, 0, 0.0, 0.0),
        ),
    )


def one(labels_: Mapping[tuple[str, str], int] = PEOPLE, name: str = "ann") -> People:
    return People({name: labels_})


def test_a_good_judge_with_good_probes_is_go_and_a_bad_one_is_not() -> None:
    found = check(one(), judged(GOOD), Beside(probes()))
    assert found.verdict == "GO"
    assert all(gate.passed for gate in found.gates)
    assert "**GO.** All 5 gates are passed." in to_markdown(found)
    bad = check(one(), judged(BAD), Beside(probes()))
    assert bad.verdict == "NO-GO"
    assert [gate.name for gate in bad.gates if not gate.passed] == ["agreement"]
    assert "**NO-GO.** Do not use this judge's labels: it fails agreement." in to_markdown(bad)


def test_what_was_not_computed_is_no_pass_and_says_so() -> None:
    found = check(one(), judged(GOOD, tells=False))
    assert found.verdict == "NO-GO"
    assert {g.name: g.known for g in found.gates} == {
        "agreement": True,
        "bias": True,
        "failures": False,
        "retest": False,
        "gullibility": False,
    }
    text = to_markdown(found)
    assert "failures, retest and gullibility could not be computed, which is no pass" in text
    assert "name the judge's JSON lines" in text
    assert found.missing["alt_test"].endswith("here are 1")
    assert found.missing["systems"] == "no runs were named: give --run or --experiment"


AGREEMENT = check(one(), judged(GOOD)).agreement


def of(kappa: float = 0.5, low: float = 0.3, bias: float = 0.0) -> Agreement:
    return replace(
        AGREEMENT,
        kappa_binary=Interval(kappa, low, 0.9, "BCa"),
        bias=Interval(bias, bias, bias, "BCa"),
    )


NONE = Failures(0.0, 0, 1000)


@pytest.mark.parametrize(
    ("agreement", "failures", "probed", "failed"),
    [
        (of(), NONE, probes(), []),
        (of(kappa=0.35, low=0.2, bias=0.25), Failures(0.01, 1, 100), probes(0.95, 0.05), []),
        (of(kappa=0.349), NONE, probes(), ["agreement"]),
        (of(low=0.199), NONE, probes(), ["agreement"]),
        (of(bias=0.26), NONE, probes(), ["bias"]),
        (of(bias=-0.26), NONE, probes(), ["bias"]),
        (of(), Failures(0.011, 11, 1000), probes(), ["failures"]),
        (of(), NONE, probes(same=0.94), ["retest"]),
        (of(), NONE, probes(fooled=0.06), ["gullibility"]),
        (of(), NONE, probes(None, None), ["retest", "gullibility"]),
    ],
)
def test_every_gate_stands_where_it_is_said_to(
    agreement: Agreement, failures: Failures, probed: Probes, failed: list[str]
) -> None:
    found = gates(agreement, failures, probed)
    assert [gate.name for gate in found if not gate.passed] == failed


def test_an_undefined_kappa_passes_nothing() -> None:
    """People found nothing relevant and neither did the judge."""
    zero = dict.fromkeys(PEOPLE, 0)
    found = check(one(zero), judged(zero), Beside(probes()))
    assert found.agreement.kappa.value is None
    assert [gate.name for gate in found.gates if not gate.known] == ["agreement"]
    assert "not defined" in to_markdown(found)


def test_a_judge_without_any_valid_grade_is_no_go_and_the_check_says_why(tmp_path: Path) -> None:
    silent = judged({}, *PEOPLE)
    found = check(
        People({"nist": PEOPLE}, whole=True), silent, Beside(probes(None, None), runs(tmp_path))
    )
    assert (found.verdict, found.pairs, found.queries) == ("NO-GO", 0, 0)
    assert found.left_out == {FAILED: len(PEOPLE)}
    assert found.failures == Failures(1.0, len(PEOPLE), len(PEOPLE))
    assert {gate.name: gate.known for gate in found.gates} == {
        **dict.fromkeys(("agreement", "bias", "retest", "gullibility"), False),
        "failures": True,
    }
    assert found.agreement.table == ((0,) * 4,) * 4
    assert all(one.people == 0 for one in found.agreement.grades)
    assert {"alt_test", "estimates", "systems"} <= found.missing.keys()
    text = to_markdown(found)
    assert "it fails failures; agreement, bias, retest and gullibility could not be" in text
    assert "0 pairs of 0 queries" in text
    write(found, tmp_path / "judge-check.json")
    assert open_check(tmp_path / "judge-check.json") == found
    assert overview([found])
    with pytest.raises(BadCollection, match="no pair was labelled by people and by the judge"):
        check(one(), judged({("other", "d"): 1}, ("another", "d")))


def test_pairs_without_two_labels_are_counted_by_reason() -> None:
    some = {pair: grade for pair, grade in GOOD.items() if pair[0] not in {"q00", "q01"}}
    failed = tuple(pair for pair in GOOD if pair[0] == "q01")
    found = compare(PEOPLE, judged(some, *failed))
    assert found.left_out == {LACKING: 10, FAILED: 10}
    assert len(found.pairs) == len(PEOPLE) - 20
    assert "10: the judge gave no valid grade" in to_markdown(check(one(), judged(some, *failed)))


def test_labels_of_two_collections_are_refused_with_an_example_of_both() -> None:
    with pytest.raises(BadCollection, match=r"people labelled e\.g\. 'x y', the judge 'q00 d00-0'"):
        check(one({("x", "y"): 1}), judged(GOOD))


@pytest.mark.parametrize("cut", [0, 4])
def test_a_cut_outside_the_scale_is_refused(cut: int) -> None:
    with pytest.raises(BadInput, match=f"--cut {cut} parts no scale of 0 to 3"):
        check(one(), judged(GOOD), cut=cut)


def test_a_sample_by_grade_is_weighed_back_to_the_whole() -> None:
    """The judge calls 9 in 10 irrelevant; the sample takes as many of each."""
    chance = np.random.default_rng(4)
    pairs = [(f"q{q:03}", f"d{d}") for q in range(200) for d in range(20)]
    people = {pair: 3 * int(chance.random() < 0.1) for pair in pairs}
    judge = {p: g if chance.random() < 0.9 else 3 - g for p, g in people.items()}
    whole = check(one(people), judged(judge)).agreement
    sample = draw(judged(judge).qrels, "judge", top=3, pairs=800)
    drawn = {(pair.query_id, pair.document_id) for pair in sample.pairs}
    part = {pair: grade for pair, grade in people.items() if pair in drawn}
    weighed = check(People({"ann": part}, sample=sample), judged(judge)).agreement
    plain = check(one(part), judged(judge)).agreement
    assert weighed.weighted
    assert weighed.kappa.value == pytest.approx(whole.kappa.value, abs=0.08)
    assert plain.kappa.value != pytest.approx(whole.kappa.value, abs=0.08)
    assert weighed.kappa.low is not None
    assert weighed.kappa.high is not None
    assert whole.kappa.value is not None
    assert weighed.kappa.low <= whole.kappa.value <= weighed.kappa.high
    estimate = check(People({"ann": part}, sample=sample), judged(judge)).estimates["relevant"]
    assert estimate.low <= np.mean([g > 1 for g in people.values()]) <= estimate.high


def test_two_annotators_are_compared_and_the_judge_may_stand_in_for_them() -> None:
    _, second = labels(right=0.8, seed=1)
    both = People({"ann": PEOPLE, "bob": dict(second)})
    found = check(both, judged(GOOD), epsilon=0.2)
    assert found.alt_test is not None
    assert found.alt_test.passed
    assert found.among_people is not None
    assert [each.name for each in found.annotators] == ["ann", "bob"]
    text = to_markdown(found)
    assert "winning rate ω 1.00 (passed" in text
    assert "one annotator" not in text


def test_someone_with_no_pair_in_common_has_no_figures_and_is_still_named() -> None:
    found = check(People({"ann": PEOPLE, "bob": {("x", "y"): 1}}), judged(GOOD))
    assert found.annotators[1].kappa.method == "no pair in common"


def runs(tmp_path: Path) -> dict[str, Path]:
    """Four systems, from one that ranks by people's grades to one that does the contrary."""
    found = {}
    for number, trust in enumerate([1.0, 0.6, 0.3, -1.0]):
        chance = np.random.default_rng(number)
        ranked = {}
        for q in range(40):
            documents = [pair for pair in PEOPLE if pair[0] == f"q{q:02}"]
            noise = chance.normal(0, 1, len(documents))
            order = sorted(
                range(len(documents)), key=lambda i: -(trust * PEOPLE[documents[i]] + noise[i] / 5)
            )
            ranked[f"q{q:02}"] = [
                ScoredDocument(documents[i][1], float(-place)) for place, i in enumerate(order)
            ]
        found[f"s{number}"] = tmp_path / f"s{number}.trec"
        write_run(found[f"s{number}"], ranked, "s")
    return found


def test_systems_are_ordered_by_both_and_estimated_from_both(tmp_path: Path) -> None:
    known = {pair: grade for pair, grade in PEOPLE.items() if pair[0] < "q30"}
    found = check(
        People({"nist": known}, whole=True), judged(GOOD), Beside(probes(), runs(tmp_path))
    )
    assert found.systems is not None
    agreed = found.systems.agreement
    assert agreed.queries == 30
    assert agreed.tau.value == 1
    assert agreed.systems == ("s0", "s1", "s2", "s3")
    assert [each.estimate.unlabelled for each in found.systems.estimates] == [10] * 4
    assert "a system moves 0 places" in to_markdown(found)


def test_a_sample_of_pairs_does_not_order_systems(tmp_path: Path) -> None:
    found = check(one(), judged(GOOD), Beside(probes(), runs(tmp_path)))
    assert found.systems is None
    assert "a sample of pairs does not order systems" in found.missing["systems"]


def test_a_judge_of_its_own_kind_is_said_in_red() -> None:
    reranked = SystemRecord("fused+llm", lineage=(replace(QWEN, role="reranker"),))
    found = check(one(), judged(GOOD), Beside(probes(), {}, (reranked,), QWEN))
    assert "> **RED**: the reranker of fused+llm is the judge's own model" in to_markdown(found)


def test_few_queries_are_warned_of() -> None:
    few = {pair: grade for pair, grade in PEOPLE.items() if pair[0] < "q10"}
    found = check(one(few), judged(GOOD), Beside(probes()))
    assert "10 queries: under 30" in found.warnings[0]
    assert found.agreement.kappa.method == "percentile"


def everything(tmp_path: Path) -> JudgeCheck:
    known = {pair: grade for pair, grade in PEOPLE.items() if pair[0] < "q30"}
    reranked = SystemRecord("s0", lineage=(replace(QWEN, role="reranker"),))
    return check(
        People({"a": known, "b": known}, whole=True),
        judged(GOOD),
        Beside(probes(), runs(tmp_path), (reranked,), QWEN),
    )


def test_a_check_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = everything(tmp_path)
    write(found, tmp_path / "judge-check.json")
    again = open_check(tmp_path / "judge-check.json")
    assert to_markdown(again) == to_markdown(found)
    assert again == found
    write(probes(), tmp_path / "probes.json")
    assert open_probes(tmp_path / "probes.json") == probes()


@pytest.mark.parametrize("text", ["", "{}", "nonsense"])
def test_files_that_are_none_are_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "probes.json"
    file.write_text(text)
    with pytest.raises(BadCollection, match=r"probes\.json cannot be read"):
        open_probes(file)
    with pytest.raises(BadCollection, match=r"probes\.json cannot be read"):
        open_check(file)


def test_a_check_of_another_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "judge-check.json"
    write(replace(everything(tmp_path), schema="firstcite-judge-check/9"), file)
    with pytest.raises(BadCollection, match="is firstcite-judge-check/9"):
        open_check(file)


def test_judges_stand_in_one_table_with_what_each_gate_found(tmp_path: Path) -> None:
    found = everything(tmp_path)
    unprobed = replace(found, judge="other", probes=None, systems=None)
    head, _, *rows = overview([found, unprobed])
    assert head == (
        "| judge |  | agreement | bias | failures | retest | gullibility | κ, quadratic "
        "| τ of systems |"
    )
    assert [row.split(" | ")[0] for row in rows] == [f"| {found.judge}", "| other"]
    assert found.gates[0].found in rows[0]
    assert rows[1].endswith("| – |")
