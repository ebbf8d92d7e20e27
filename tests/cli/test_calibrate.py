"""`firstcite calibrate`: labelled questions in, a file that says when to answer."""

from pathlib import Path

import pytest

from tests.cli.outcome import Firstcite

COLLECTION = "\n\n".join(
    f"The tower number {i} was built by mason {i} of town {i}." for i in range(12)
)
QUESTIONS = "".join(
    f'{{"question": "{text}", "answerable": {label}}}\n'
    for i in range(12)
    for text, label in (
        (f"Who built the tower number {i}?", "true"),
        (f"Why do dolphins sing in year {i}?", "false"),
    )
)


def test_a_file_without_labels_is_refused_before_anything_is_loaded(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "Who?"}\n', encoding="utf-8")
    done = firstcite("calibrate", str(file))
    assert done.code == 2
    assert "questions.jsonl:1: a question and whether it can be answered are wanted" in done.error


@pytest.mark.model
def test_a_calibration_is_learnt_told_and_used(
    firstcite: Firstcite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTCITE__STORE__PATH", str(tmp_path / "store"))
    (tmp_path / "towers.md").write_text(COLLECTION, encoding="utf-8")
    (tmp_path / "questions.jsonl").write_text(QUESTIONS, encoding="utf-8")
    assert firstcite("index", str(tmp_path / "towers.md")).code == 0
    out = tmp_path / "answer.toml"
    done = firstcite("calibrate", str(tmp_path / "questions.jsonl"), "--out", str(out))
    assert done.code == 0
    assert done.out.startswith("12 answerable questions, held out ")
    assert f"{out}: set answer.calibration to it" in done.out
    monkeypatch.setenv("FIRSTCITE__ANSWER__CALIBRATION", str(out))
    asked = firstcite("ask", "Why do dolphins sing in year 7?")
    assert "what was found hardly answers the question" in asked.out + asked.err
