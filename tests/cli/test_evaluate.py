"""`firstcite eval answers`: a folder with queries in, checked answers and a report out."""

import json
import shutil
from pathlib import Path

import pytest

from eval.answers.asking import Answers, Checked, Misquoted, Told
from eval.answers.citations import CitationScores, Quality
from eval.tables import ROOT
from indexers.bulk import IndexReport
from rag.cli.evaluating_answers import exit_code
from rag.values import Answer, Citation, Fault, Query
from tests.cli.outcome import Firstcite
from tests.eval.answers.test_comparing import written
from tests.eval.tiny import write_beir

CITATION = Citation(1, "c", "d", "a quote", 0, 7, 1.0)
GOOD = Quality(1.0, 1.0, answers=1)


def found(
    *faults: Fault, bad: bool = False, dangling: bool = False, failed: bool = False
) -> Answers:
    checked = Checked(
        Told("q", Answer(Query("q"), ""), 0.1),
        quotes=1,
        misquoted=(Misquoted("q", CITATION, "no quote"),) if bad else (),
        dangling=(CITATION,) if dangling else (),
        citations=CitationScores(GOOD, GOOD, GOOD),
    )
    index = IndexReport(1, 1, faults=faults, seconds=0.1)
    return Answers(Path(), index, (checked,), {"q2": "away"} if failed else {}, {})


FAULT = Fault("corpus.jsonl", 2, "not JSON")


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (found(), 0),
        (found(bad=True), 1),
        (found(dangling=True), 1),
        (found(FAULT, bad=True, failed=True), 1),
        (found(FAULT), 3),
        (found(failed=True), 3),
    ],
)
def test_a_quote_that_does_not_stand_is_exit_code_1_and_what_is_left_out_3(
    answers: Answers, code: int
) -> None:
    assert exit_code(sound=answers.sound, whole=answers.whole) == code


@pytest.mark.model
def test_the_handbook_is_answered_checked_and_reported(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    folder, out = tmp_path / "handbook", tmp_path / "report"
    shutil.copytree(ROOT / "examples" / "handbook", folder)
    shutil.rmtree(folder / "qrels")  # answers need no judgments
    outcome = firstcite("eval", "answers", str(folder), "--queries", "4", "--out", str(out))
    assert outcome.code == 0
    assert outcome.out.startswith("# Answers on handbook\n\n0 bad quotes of ")
    assert sorted(file.name for file in out.iterdir()) == [
        "answers.jsonl",
        "report.json",
        "report.md",
        "scores.jsonl",
    ]
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["all"]["queries"] == 4
    assert report["all"]["quotes"] > 0
    assert report["configuration"]["splitter"] == "recursive/192"
    assert str(tmp_path) not in json.dumps(report)
    assert len((out / "answers.jsonl").read_text(encoding="utf-8").splitlines()) == 4


@pytest.mark.model
def test_a_collection_that_is_named_is_kept_in_the_settings_store(
    firstcite: Firstcite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTCITE__STORE__PATH", str(tmp_path / "store"))
    folder = tmp_path / "tiny"
    folder.mkdir()
    lines = '{"_id": "d", "text": "The desk opens at nine."}\n{broken\n'
    (folder / "corpus.jsonl").write_text(lines, encoding="utf-8")
    (folder / "queries.jsonl").write_text(
        '{"_id": "q", "text": "When does the desk open?"}\n', encoding="utf-8"
    )
    options = ["--collection", "desk", "--splitter", "none", "--out", str(tmp_path / "out")]
    outcome = firstcite("eval", "answers", str(folder), *options)
    assert outcome.code == 3
    assert "corpus.jsonl:2: not JSON" in outcome.err
    assert (tmp_path / "store" / "desk@1").is_dir()
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["configuration"]["splitter"] == "none"
    assert "opens at nine" in firstcite("search", "desk", "--collection", "desk").out


def test_two_folders_of_answers_are_compared_without_a_model(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    a = written(tmp_path / "a", {"1": "Cold for 48 hours."}, {"1": {"W": 1.0, "WR all": 1.0}})
    b = written(tmp_path / "b", {"1": "Cold."}, {"1": {"W": 0.5, "WR all": 1.0}})
    out = tmp_path / "out"
    outcome = firstcite("eval", "compare-answers", str(a), str(b), "--out", str(out))
    assert outcome.code == 0
    assert outcome.out.startswith("# A (a) against B (b)\n\n1 questions that both were asked")
    report = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert report["judges"]["words"]["wins"] == 1
    assert (out / "comparison.md").read_text(encoding="utf-8") in outcome.out


def test_a_folder_without_answers_is_one_line(firstcite: Firstcite, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    outcome = firstcite("eval", "compare-answers", nowhere, nowhere, "--out", str(tmp_path))
    assert outcome.code == 2
    assert "answers.jsonl is missing: name a folder that `firstcite eval answers`" in outcome.error


def test_a_reference_to_no_query_is_one_line_before_anything_is_indexed(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    folder = write_beir(tmp_path / "tiny")
    file = tmp_path / "references.jsonl"
    file.write_text('{"_id": "q99", "answers": ["x"]}\n', encoding="utf-8")
    options = ["--references", str(file), "--out", str(tmp_path / "out")]
    outcome = firstcite("eval", "answers", str(folder), *options)
    assert outcome.code == 2
    assert "references.jsonl:1: there is no query 'q99' in queries.jsonl" in outcome.error


@pytest.mark.model
def test_the_packaged_model_prefers_none_of_two_answers_that_are_the_same(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    """Only that it runs: a model of 135M parameters cannot judge."""
    a, b = (written(tmp_path / name, {"1": "The desk opens at nine."}, {}) for name in "ab")
    options = ["--judge", "llm", "--out", str(tmp_path / "out")]
    assert firstcite("eval", "compare-answers", str(a), str(b), *options).code == 0
    report = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    (by,) = (found for name, found in report["judges"].items() if name != "words")
    assert by["wins"] == by["losses"] == 0
    assert by["ties"] + by["not_judged"] == 1


@pytest.mark.model
def test_the_packaged_model_judges_an_answer_beside_the_words(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    """Only that it runs: a model of 135M parameters cannot judge."""
    corpus = {"desk": "The desk opens at nine.", "cat": "A cat sleeps."}
    folder = write_beir(tmp_path / "tiny", corpus, {"q1": "When does the desk open?"}, {})
    file = tmp_path / "references.jsonl"
    row = {"_id": "q1", "nuggets": [{"text": "opens at nine"}], "answerable": True}
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    options = ["--references", str(file), "--judge", "llm", "--out", str(out)]
    assert firstcite("eval", "answers", str(folder), *options).code == 0
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    words, model = report["judges"].values()
    assert words["metrics"]["V_strict"]["mean"] == 1
    assert words["abstention"]["answered_answerable"] == 1
    assert model["cost"]["calls"] > 0
    for metric in model["metrics"].values():
        assert metric["answers"] + metric["without"] == 1
