from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.compare import compare
from eval.experiments.record import Analysis, Lineage
from eval.gate import Outcome, Rule, decide, gate, overall
from eval.reports.building import build
from eval.reports.comparing import paired
from eval.reports.schema import Compared, Report, encode
from rag.errors import BadInput
from tests.cli.conftest import firstcite  # noqa: F401 - a fixture
from tests.cli.outcome import Firstcite
from tests.eval.reports.records import record

RULE = Rule(margin=0.03, floors={})


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return build(record(tmp_path_factory.mktemp("record"), judged=False))


def moved(report: Report, by: float, noise: float = 0.0, system: str = "bm25") -> Report:
    """The report with a system's values of the primary measure moved."""
    rng = np.random.default_rng(1)
    (tiny,) = report.collections
    given = np.array(tiny.values[report.primary][system], dtype=float)
    changed = given + by + rng.normal(0, noise, len(given)) if noise else given + by
    values = {
        **tiny.values,
        report.primary: {**tiny.values[report.primary], system: tuple(changed.tolist())},
    }
    return replace(report, collections=(replace(tiny, values=values),))


def outcome(baseline: Report, candidate: Report, rule: Rule = RULE) -> Outcome:
    return overall(gate(baseline, candidate, rule))


def test_the_same_report_passes(baseline: Report) -> None:
    assert outcome(baseline, baseline) is Outcome.PASS


def test_a_loss_that_is_shown_is_a_regression(baseline: Report) -> None:
    assert outcome(baseline, moved(baseline, -0.1, 0.05)) is Outcome.REGRESSION


def test_a_loss_that_is_surely_below_the_margin_passes_though_it_is_significant(
    baseline: Report,
) -> None:
    candidate = moved(baseline, -0.01, 0.005)
    (found,) = compare(baseline, candidate, systems=["bm25"])
    assert found.compared[0].p < 0.01
    assert outcome(baseline, candidate) is Outcome.PASS


def test_noise_that_hides_a_loss_of_the_margin_is_inconclusive(baseline: Report) -> None:
    lines = gate(baseline, moved(baseline, 0.0, 0.4), RULE)
    assert overall(lines) is Outcome.INCONCLUSIVE
    (text,) = (line.text for line in lines if line.outcome is Outcome.INCONCLUSIVE)
    assert "can be seen" in text


def test_a_gate_looks_only_at_the_systems_that_it_is_told(baseline: Report) -> None:
    candidate = moved(baseline, -0.3)
    assert outcome(baseline, candidate, replace(RULE, systems=("fused",))) is Outcome.PASS
    assert outcome(baseline, candidate, replace(RULE, systems=("bm25",))) is Outcome.REGRESSION


@pytest.mark.parametrize(
    ("low", "difference", "adjusted", "wanted"),
    [
        (-0.02, -0.01, 0.001, Outcome.PASS),
        (-0.05, -0.04, 0.001, Outcome.REGRESSION),
        (-0.05, -0.04, 0.2, Outcome.INCONCLUSIVE),
        (-0.05, 0.01, 0.9, Outcome.INCONCLUSIVE),
        (-0.03, -0.02, 0.04, Outcome.REGRESSION),
    ],
)
def test_the_rule_is_that_of_the_documentation(
    low: float, difference: float, adjusted: float, wanted: Outcome
) -> None:
    found = Compared("AP", "b", "a", 99, difference, low, 0.0, 0.1, adjusted, -1, 1, 1, 1, 0.1, "t")
    assert decide(found, 0.03, 0.05) is wanted


def test_a_floor_that_is_surely_missed_is_a_regression(baseline: Report) -> None:
    (tiny,) = baseline.collections
    mean = tiny.systems[0].means["AP"]
    for floor, wanted in (
        (mean.mean - 0.001, Outcome.PASS),
        ((mean.mean + mean.high) / 2, Outcome.INCONCLUSIVE),
        (mean.high + 0.001, Outcome.REGRESSION),
    ):
        rule = replace(RULE, floors={"AP": floor}, systems=("bm25",))
        assert outcome(baseline, baseline, rule) is wanted


def test_a_judge_that_fails_too_often_is_an_outcome_of_its_own(baseline: Report) -> None:
    failing = replace(baseline, judge_failures={"small": 0.02})
    assert outcome(baseline, failing) is Outcome.JUDGE_FAILURES
    assert outcome(baseline, failing, replace(RULE, judge_failures=0.03)) is Outcome.PASS


def test_reports_of_other_qrels_documents_or_judges_are_not_compared(baseline: Report) -> None:
    (tiny,) = baseline.collections
    other = replace(baseline, collections=(replace(tiny, qrels={"human": "0" * 64}),))
    with pytest.raises(BadInput, match="graded differently"):
        compare(baseline, other)
    other = replace(baseline, collections=(replace(tiny, fingerprint="0" * 64),))
    with pytest.raises(BadInput, match="different documents"):
        compare(baseline, other)
    ours = replace(baseline, judges={"j": Lineage("judge", "a", "a-1")})
    theirs = replace(baseline, judges={"j": Lineage("judge", "a", "a-2")})
    with pytest.raises(BadInput, match="judge the baseline anew"):
        compare(ours, theirs)
    with pytest.raises(BadInput, match="no collection in common"):
        compare(baseline, replace(baseline, collections=(replace(tiny, name="other"),)))


def test_what_stands_in_one_report_alone_is_said(baseline: Report) -> None:
    (tiny,) = baseline.collections
    fewer = replace(
        tiny,
        systems=tiny.systems[:2],
        queries=tiny.queries[:-2],
        values={
            m: {s: v[:-2] for s, v in list(of.items())[:2]}
            for m, of in tiny.values.items()
            if m != "AP"
        },
    )
    candidate = replace(baseline, collections=(fewer,))
    (found,) = compare(baseline, candidate)
    assert found.only_baseline == ("system fused+first", "measure AP", "2 queries, such as 'q33'")
    assert found.only_candidate == ()
    assert [c.n for c in found.compared] == [33, 33]
    with pytest.raises(BadInput, match="lacks 2 queries"):
        gate(baseline, candidate, RULE)


def test_queries_are_paired_by_id_whatever_their_order(baseline: Report) -> None:
    (tiny,) = baseline.collections
    turned = replace(
        tiny,
        queries=tiny.queries[::-1],
        values={m: {s: v[::-1] for s, v in of.items()} for m, of in tiny.values.items()},
    )
    (found,) = compare(baseline, replace(baseline, collections=(turned,)))
    assert all((c.difference, c.wins, c.losses) == (0, 0, 0) for c in found.compared)


def test_a_measure_without_a_value_is_paired_where_it_has_one() -> None:
    a = np.array([0.1, np.nan, 0.3, 0.5])
    b = np.array([0.2, np.nan, 0.3, 0.5])
    (found,) = paired([(a, b)], [("AP(rel=2)", "b", "a")], Analysis(test="t"))
    assert (found.n, found.wins, found.ties) == (3, 1, 2)


@pytest.fixture
def files(baseline: Report, tmp_path: Path) -> Path:
    for name, report in (
        ("before", baseline),
        ("worse", moved(baseline, -0.2, 0.02)),
        ("noisy", moved(baseline, 0.0, 0.4)),
        ("failing", replace(baseline, judge_failures={"small": 0.5})),
    ):
        (tmp_path / f"{name}.json").write_bytes(encode(report))
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("candidate", "options", "code"),
    [
        ("before", [], 0),
        ("worse", [], 1),
        ("noisy", [], 0),
        ("noisy", ["--strict"], 2),
        ("broken", [], 3),
        ("absent", [], 3),
        ("before", ["--system", "nobody"], 3),
        ("before", ["--floor", "P@7=.1"], 3),
        ("failing", [], 4),
        ("before", ["--floor", "nDCG@10"], 2),
        ("before", ["--floor", "nDCG@10=.99"], 1),
    ],
)
def test_the_gate_ends_with_the_exit_code_of_its_outcome(
    firstcite: Firstcite,  # noqa: F811
    files: Path,
    candidate: str,
    options: list[str],
    code: int,
) -> None:
    both = [str(files / "before.json"), str(files / f"{candidate}.json")]
    done = firstcite("eval", "gate", *both, "--margin", "0.03", *options)
    assert done.code == code, done
    if candidate == "noisy":
        assert "gate: inconclusive" in done.out
    if code == 3:
        assert done.err.startswith("bad data: ")


def test_compare_prints_a_verdict_for_every_system(firstcite: Firstcite, files: Path) -> None:  # noqa: F811
    done = firstcite("eval", "compare", str(files / "before.json"), str(files / "worse.json"))
    assert done.code == 0
    assert "bm25 is worse than bm25 before by −." in done.out
    assert "No difference shown between fused and fused before" in done.out


def test_report_writes_all_three_files(firstcite: Firstcite, tmp_path: Path) -> None:  # noqa: F811
    made = record(tmp_path / "record")
    done = firstcite("eval", "report", str(made.folder), "--out", str(tmp_path / "out"))
    assert done.code == 0
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
    ]
    assert "\nfused+first beats bm25" in done.out
    assert "\nred: " in done.out


def test_a_folder_without_a_record_is_refused(firstcite: Firstcite, tmp_path: Path) -> None:  # noqa: F811
    done = firstcite("eval", "report", str(tmp_path))
    assert done.code == 2
    assert "firstcite eval run" in done.err
