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
