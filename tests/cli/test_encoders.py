"""The encoder's runtime is a setting: collections stay, and a command says which to take."""

import re
from pathlib import Path

import pytest

from tests.cli.outcome import Firstcite

HANDBOOK = Path(__file__).parents[2] / "examples" / "handbook"


@pytest.fixture
def tiny_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.indexers.encoders.tiny import tiny

    monkeypatch.setenv("FIRSTCITE__ENCODER__MODEL", str(tiny()))
    monkeypatch.setenv("FIRSTCITE__INDEX__CHUNK_TOKENS", "60")
    monkeypatch.setenv("FIRSTCITE__LLM__CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FIRSTCITE__STORE__PATH", str(tmp_path / "store"))


@pytest.mark.model
@pytest.mark.usefixtures("tiny_encoder")
def test_what_torch_has_indexed_is_searched_with_onnx(
    firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keeper.txt").write_text("A lighthouse keeper said that spaniels are welcome.")
    assert firstcite("index", str(tmp_path / "keeper.txt")).code == 0
    question = ("search", "lighthouse keeper", "--branch", "dense")
    by_torch = firstcite(*question)
    monkeypatch.setenv("FIRSTCITE__ENCODER__RUNTIME", "onnx")
    by_onnx = firstcite(*question)
    assert (by_torch.code, by_onnx.code) == (0, 0), by_onnx.err
    assert "spaniels are welcome" in by_onnx.out
    monkeypatch.setenv("FIRSTCITE__LLM__URL", "http://127.0.0.1:9")
    assert re.search(
        r"^ok +precision +int8 on onnx: probe cosine mean ", firstcite("doctor").out, re.MULTILINE
    )


@pytest.mark.parametrize(
    ("runtime", "precision", "remedy"),
    [
        ("torch", "int8", "set encoder.runtime to onnx"),
        ("onnx", "bf16", "encoder.runtime to torch"),
    ],
)
def test_a_precision_of_the_other_runtime_is_bad_input(
    firstcite: Firstcite,
    monkeypatch: pytest.MonkeyPatch,
    runtime: str,
    precision: str,
    remedy: str,
) -> None:
    monkeypatch.setenv("FIRSTCITE__ENCODER__RUNTIME", runtime)
    monkeypatch.setenv("FIRSTCITE__ENCODER__PRECISION", precision)
    outcome = firstcite("search", "x")
    assert outcome.code == 2
    assert remedy in outcome.error


@pytest.mark.model
@pytest.mark.usefixtures("tiny_encoder")
def test_the_benchmark_prints_a_table_and_the_settings_of_the_fastest(firstcite: Firstcite) -> None:
    options = ("--texts", str(HANDBOOK), "--seconds", "0", "--rounds", "1")
    outcome = firstcite("models", "bench-encoder", *options)
    assert outcome.code == 0, outcome.err
    assert re.search(
        r"^\| torch \| fp32 \| [\d.]+ \| 1\.00 \| 1\.00000 \|", outcome.out, re.MULTILINE
    )
    assert re.search(
        r"^\| onnx \| int8 \| [\d.]+ \| [\d.]+ \| 0\.99\d+ \|", outcome.out, re.MULTILINE
    )
    assert re.search(r'\[encoder\]\nruntime = "\w+"\nprecision = "\w+"\n\Z', outcome.out)
