"""`firstcite eval tune`: a file in, a report out."""

from pathlib import Path

import pytest

pytest.importorskip("optuna", reason="tuning is not installed: pip install 'firstcite[tune]'")

from eval.tables import ROOT
from tests.cli.outcome import Firstcite

EXAMPLE = ROOT / "examples" / "tune.toml"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("search.rrf_k", "search.rrfk", "[search] search.rrfk: unknown setting. Known: "),
        ("trials = 20", "trials = 0", "Expected `int` >= 1"),
        ('"convex"', '"sum"', "Invalid enum value 'sum'"),
        ('"handbook"', '"nowhere"', "nowhere"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_and_exit_code_2(
    firstcite: Firstcite, tmp_path: Path, before: str, after: str, message: str
) -> None:
    file = tmp_path / "tune.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")
    outcome = firstcite("eval", "tune", str(file), "--out", str(tmp_path / "out"))
    assert outcome.code == 2
    assert message in outcome.error
