"""Fitting when to answer: labelled questions in, a calibration out, and its file."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from rag.abstain import Calibration
from rag.calibrate import Fact, auc, calibrate, held_out, read_labelled
from rag.calibration_file import read_calibration, write_calibration
from rag.errors import BadInput, BadSettings

DAY = date(2026, 11, 22)
CHANCE = np.random.default_rng(7)
FACTS: list[Fact] = [
    ({"sentence": 0.3 * label + float(CHANCE.normal(0.4, 0.1)), "gap": 0.1}, bool(label))
    for label in (0, 1) * 60
]


def calibrated(wrong_at_most: float | None = None) -> Calibration:
    """Return the calibration of the facts."""
    return calibrate(FACTS, "hashed", DAY, wrong_at_most)


def test_what_tells_the_questions_apart_is_learnt() -> None:
    found = calibrated()
    assert found.counts == {"answerable": 60, "unanswerable": 60}
    assert found.model.terms["sentence"].weight > 1
    assert found.held_out["auc"] > 0.95
    assert found.held_out["right"] > 0.85
    assert found.held_out["wrong"] < 0.15


def test_the_share_of_wrong_answers_is_kept_under_its_limit() -> None:
    strict, lax = calibrated(0.02), calibrated(0.5)
    assert strict.held_out["wrong"] <= 0.02
    assert lax.held_out["wrong"] <= 0.5
    assert lax.held_out["right"] > strict.held_out["right"]


def test_a_question_is_held_out_of_the_model_that_judges_it() -> None:
    # Labels by chance, of a feature that knows each question: learnt by heart, they would be told.
    facts: list[Fact] = [
        ({f"q{i}": float(i == n) for i in range(40)}, n % 2 == 0) for n in range(40)
    ]
    likely = held_out(facts, DAY)
    labels = np.array([label for _, label in facts])
    assert auc(likely[labels], likely[~labels]) <= 0.5


def test_the_same_questions_give_the_same_calibration() -> None:
    assert calibrated() == calibrated()


@pytest.mark.parametrize("facts", [FACTS[:19], FACTS[::2] + FACTS[1:8:2]])
def test_too_few_questions_are_refused(facts: list[Fact]) -> None:
    with pytest.raises(BadInput, match=r"20 in all are wanted, and 5 of each kind"):
        calibrate(facts, "hashed", DAY)


def test_questions_are_read_from_json_lines_and_from_beir_queries(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(
        '{"question": "Who sleeps?", "answerable": true}\n\n'
        '{"_id": "7", "text": "Who sings?", "metadata": {"answerable": false}}\n',
        encoding="utf-8",
    )
    assert read_labelled(file) == (("Who sleeps?", True), ("Who sings?", False))


@pytest.mark.parametrize(
    "line", ["[]", '{"question": "Who?"}', '{"answerable": true}', "{", '{"text": "  "}']
)
def test_a_line_without_question_or_label_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(f'{{"question": "Who?", "answerable": true}}\n{line}\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"questions.jsonl:2: "):
        read_labelled(file)
    with pytest.raises(BadInput, match="name a readable file"):
        read_labelled(tmp_path / "none.jsonl")


def test_a_calibration_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "answer.toml"
    write_calibration(calibrated(), file)
    assert read_calibration(file, "hashed") == calibrated()


def test_a_calibration_of_another_encoder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "answer.toml"
    write_calibration(replace(calibrated(), encoder='odd "name"\n'), file)
    assert read_calibration(file, 'odd "name"\n').encoder == 'odd "name"\n'
    with pytest.raises(BadSettings, match=r"not with hashed: calibrate again"):
        read_calibration(file, "hashed")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("threshold = ", "threshold = 7"),
        ("scale = ", "scale = -"),
        ("bias = ", "bias = nan # "),
        ("features.gap", "features.luck"),
        ('kind = "calibration"', 'kind = "classifier"'),
        ("format", "= ="),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, old: str, new: str) -> None:
    file = tmp_path / "answer.toml"
    write_calibration(calibrated(), file)
    file.write_text(file.read_text("utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(BadSettings, match="calibrate again"):
        read_calibration(file, "hashed")
    with pytest.raises(BadSettings, match="calibrate again"):
        read_calibration(tmp_path / "none.toml", "hashed")
