"""The encoder's benchmark recommends the fastest that is safe, and says why others are not."""

from pathlib import Path

import pytest

from eval.benchmarks.encoders import Measured, fastest, figures, made_up, shown, texts_of
from indexers.encoders.probe import Agreement
from rag.errors import BadInput

FOUND = [
    Measured(("torch", "fp32"), "", 50.0, 1.0, 800, Agreement(1.0, 1.0)),
    Measured(("torch", "bf16"), "this CPU has no native bf16"),
    Measured(("onnx", "fp32"), "", 80.0, 1.6, 500, Agreement(0.99999, 0.9999)),
    Measured(("onnx", "int8"), "its vectors differ", 120.0, 2.4, 490, Agreement(0.9, 0.8)),
]


def test_the_fastest_is_one_that_is_safe() -> None:
    assert fastest(FOUND).way == ("onnx", "fp32")


def test_the_table_ends_with_the_settings_to_write_down() -> None:
    lines = shown(FOUND).splitlines()
    assert lines[-3:] == ["[encoder]", 'runtime = "onnx"', 'precision = "fp32"']
    assert "| torch | bf16 |  |  |  |  |  | this CPU has no native bf16 |" in lines
    assert "| onnx | int8 | 120.0 | 2.40 | 0.90000 | 0.80000 | 490 | its vectors differ |" in lines


def test_figures_leave_out_what_was_not_measured_and_say_why() -> None:
    found = figures(FOUND)
    assert found["ratio_to_torch_fp32"] == {"torch fp32": 1.0, "onnx fp32": 1.6, "onnx int8": 2.4}
    assert found["ratio"] == 1.5
    assert found["left_out"]["torch bf16"] == "this CPU has no native bf16"
    assert figures(FOUND[:2])["ratio"] == ""


def test_made_up_texts_are_always_the_same_and_of_mixed_lengths() -> None:
    texts = made_up()
    assert texts == made_up()
    assert len(set(texts)) == len(texts) == 120
    words = sorted(len(text.split()) for text in texts)
    assert words[0] < 12
    assert words[-1] > 120


def test_texts_are_those_of_a_folder_and_one_without_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A lighthouse keeper.")
    assert texts_of(tmp_path) == texts_of(tmp_path, 1)
    assert "A lighthouse keeper." in texts_of(tmp_path)[0]
    (tmp_path / "a.txt").unlink()
    with pytest.raises(BadInput, match="leave --texts out"):
        texts_of(tmp_path)
