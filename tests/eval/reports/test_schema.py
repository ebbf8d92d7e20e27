from pathlib import Path

import pytest

from eval.reports.building import build
from eval.reports.schema import SCHEMA, Report, encode, read_report
from rag.errors import BadInput
from tests.eval.reports.records import record


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return build(record(tmp_path_factory.mktemp("record")))


def test_a_report_that_was_written_is_the_report_that_is_read(
    report: Report, tmp_path: Path
) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(encode(report))
    assert encode(read_report(file)) == encode(report)


def test_another_version_is_refused_by_its_name(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(encode(report).replace(SCHEMA.encode(), b"firstcite-report/9"))
    with pytest.raises(BadInput, match=r"firstcite-report/9.*reads firstcite-report/1"):
        read_report(file)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"schema": "firstcite-report/1"}', b"[" * 9999]
)
def test_a_damaged_report_is_refused_with_the_remedy(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(content)
    with pytest.raises(BadInput, match="firstcite eval report"):
        read_report(file)


def test_a_missing_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_report(tmp_path / "none.json")
