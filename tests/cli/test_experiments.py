"""`firstcite eval run`: a file in, a record and a report out."""

import shutil
from pathlib import Path

import pytest

from eval.experiments.record import open_record
from eval.reports.schema import read_report
from eval.tables import ROOT
from tests.cli.outcome import Firstcite

EXAMPLE = ROOT / "examples" / "experiment.toml"


@pytest.mark.model
def test_the_example_is_run_and_run_again_without_work(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    outcome = firstcite("eval", "run", str(EXAMPLE), "--out", str(out))
    assert outcome.code == 0
    assert "find dense" in outcome.err
    record = open_record(out)
    systems = [system.name for system in record.experiment.systems]
    assert len(systems) >= 4
    rows = [line.split(" | ")[0][2:] for line in outcome.out.splitlines() if line[:2] == "| "]
    assert rows == ["system", *systems]
    assert "bm25" in read_report(out / "report.json").collections[0].verdicts[0]
    assert (out / "report.html").is_file()
    assert str(out / "report.html") in outcome.out
    again = firstcite("eval", "run", str(EXAMPLE), "--out", str(out))
    assert again.code == 0
    assert again.out == outcome.out
    assert "find" not in again.err


def test_a_dry_run_says_what_would_be_run_and_does_nothing(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    outcome = firstcite("eval", "run", str(EXAMPLE), "--out", str(out), "--dry-run")
    assert outcome.code == 0
    assert "| handbook | test | 30 |" in outcome.out
    assert "find bm25+dense → expand rocchio → fuse dbsf" in outcome.out
    assert not out.exists()


def test_a_file_that_cannot_be_used_is_one_line_and_exit_code_2(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    file = tmp_path / "experiment.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    file.write_text(text.replace("branches", "brunches"), encoding="utf-8")
    outcome = firstcite("eval", "run", str(file), "--out", str(tmp_path / "out"))
    assert outcome.code == 2
    assert "unknown key 'brunches' of [systems]" in outcome.error


def test_a_collection_that_is_not_there_is_exit_code_2(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    file = tmp_path / "experiment.toml"
    shutil.copy(EXAMPLE, file)
    outcome = firstcite("eval", "run", str(file), "--out", str(tmp_path / "out"))
    assert outcome.code == 2
    assert "handbook" in outcome.error
