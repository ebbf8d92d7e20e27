from dataclasses import replace
from pathlib import Path

import pytest

from eval.checking.record import JudgeCheck, write
from eval.experiments.record import Record
from eval.reports.blocks import Figure, Section, Table
from eval.reports.html import page
from eval.reports.schema import read_report
from eval.reports.sections.judging import judging
from eval.reports.writing import write_report
from rag.errors import BadCollection
from tests.eval.checking.test_report import everything
from tests.eval.reports.records import record


@pytest.fixture
def made(tmp_path: Path) -> Record:
    return record(tmp_path / "record")


@pytest.fixture
def check(tmp_path: Path) -> JudgeCheck:
    return everything(tmp_path)


@pytest.fixture
def parts(made: Record, check: JudgeCheck, tmp_path: Path) -> list[Section]:
    write(check, tmp_path / "judge-check.json")
    write_report(made, tmp_path / "out", tmp_path / "judge-check.json")
    report = read_report(tmp_path / "out" / "report.json")
    assert report.judge_check == check
    return list(judging(report))


def test_a_check_is_embedded_whole_and_shown(parts: list[Section], check: JudgeCheck) -> None:
    text = page("judge", "", parts)
    assert check.verdict in text
    for gate in check.gates:
        assert gate.name in text
    for title in ("Agreement with people", "Whom it can stand for", "Probes"):
        assert title in [part.title for part in parts]


def test_the_heat_map_and_the_plot_of_differences_have_their_tables(
    parts: list[Section], check: JudgeCheck
) -> None:
    figures = [block for part in parts for block in part.blocks if isinstance(block, Figure)]
    assert len(figures) == 2
    assert all(isinstance(figure.table, Table) for figure in figures)
    heat = figures[0].table
    assert [list(row[1:]) for row in heat.rows] == [
        [f"{n:,}" for n in row] for row in check.agreement.table
    ]


def test_a_file_that_is_no_check_is_refused(made: Record, tmp_path: Path) -> None:
    file = tmp_path / "judge-check.json"
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(BadCollection, match="judge-check"):
        write_report(made, tmp_path / "out", file)


def test_a_report_without_judges_has_no_page_of_them(made: Record) -> None:
    alone = replace(made.experiment, judges={}, judge_failures={})
    report = write_report(Record(made.folder, alone), made.folder)
    assert list(judging(report)) == []
