"""The benchmark of measures: its data can be read, and both sides find the same."""

from pathlib import Path

import msgspec
import pytest

from eval.benchmarks.measures import by_pytrec_eval, make, ours, whole_report


def test_both_sides_find_the_same_and_a_report_has_all_its_parts(tmp_path: Path) -> None:
    make(tmp_path, systems=3, queries=40)
    found, theirs = ours(tmp_path, 3), by_pytrec_eval(tmp_path, 1)
    assert found["runs"] == 3
    for name, value in theirs["means"].items():
        assert found["means"][name] == pytest.approx(value, abs=1e-6)
    report = whole_report(tmp_path, 3)
    assert report["draws_of_randomised_tukey"] == 10_000
    assert msgspec.json.decode(msgspec.json.encode(report)) == report
