"""Models are exported and checked by command, and what cannot be is an error in one line."""

from pathlib import Path

import pytest

from tests.cli.outcome import Firstcite

pytestmark = pytest.mark.model


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny model in a folder; the folder of models is another one."""
    from tests.rag.llms.tiny import model, tokenizer

    monkeypatch.setenv("FIRSTCITE__LLM__CACHE", str(tmp_path / "cache"))
    model("llama").save_pretrained(tmp_path / "tiny")
    tokenizer("bytes").save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_a_model_is_exported_verified_and_checked(firstcite: Firstcite, source: Path) -> None:
    outcome = firstcite("models", "export", str(source))
    made = source.parent / "cache" / "models" / "tiny-onnx-fp32"
    assert outcome.code == 0
    assert outcome.out.startswith(f"{made} is ready")
    assert "120 of 120 probes agree with fp32 (100.0%)" in outcome.out
    checked = firstcite("models", "check", str(source), "--precision", "fp32")
    assert (checked.code, checked.out) == (0, f"{source}: {made} is what was written\n")
    (made / "tokenizer.json").write_text("{}")
    damaged = firstcite("models", "check", str(source), "--precision", "fp32")
    assert damaged.code == 1
    assert "tokenizer.json is damaged" in damaged.err


def test_what_was_not_exported_names_the_command(firstcite: Firstcite, source: Path) -> None:
    outcome = firstcite("models", "check", "embedded", "--precision", "int8")
    assert outcome.code == 1
    assert "firstcite models export" in outcome.err
    assert source.is_dir()


def test_a_model_that_is_not_there_is_one_line(firstcite: Firstcite, source: Path) -> None:
    outcome = firstcite("models", "export", str(source / "none"))
    assert outcome.code == 1
    assert "none" in outcome.err
    assert firstcite("models", "export", "tiny", "--precision", "int3").code == 2
