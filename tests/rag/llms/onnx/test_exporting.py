"""What is exported answers as the model did, or is not there; what is damaged is said to be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rag.errors import ModelUnavailable
from rag.llms.onnx import exported as folders
from rag.llms.onnx.exporting import export
from rag.llms.onnx.loading import load_onnx
from rag.llms.onnx.probes import probes
from rag.values import Choose, Message
from tests.rag.llms.tiny import exported, local_llm, model, tokenizer

pytestmark = [pytest.mark.model, pytest.mark.anyio]

CHOOSE = Choose((Message("user", "A or B?"),), ("A", "B"))
WITHOUT_TORCH = """
import asyncio, sys
from pathlib import Path

sys.modules["torch"] = None  # importing it raises, as where it is not installed
from rag.llms.onnx.loading import load_onnx
from rag.values import Choose, Complete, Message, Score

async def main(folder):
    llm = load_onnx(Path(folder), examined=False)
    prompt = (Message("user", "A or B?"),)
    (chosen,) = await llm.choose([Choose(prompt, ("A", "B"))])
    (scored,) = await llm.score([Score(prompt, "the freezer")])
    (written,) = await llm.complete([Complete(prompt, max_tokens=5)])
    await llm.close()
    print(*chosen.logprobs, scored.tokens, written.tokens)

asyncio.run(main(sys.argv[1]))
assert not [name for name in sys.modules if name.startswith("torch.")]
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    model("qwen").save_pretrained(folder)
    tokenizer("bytes").save_pretrained(folder)
    return folder


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder of its own over the files of an exported model, to be damaged."""
    mine = tmp_path / "mine"
    mine.mkdir()
    for file in exported("llama").iterdir():
        (mine / file.name).write_bytes(file.read_bytes())
    return mine


def without_torch(folder: Path) -> str:
    """Return what an exported model says in a process that cannot import torch."""
    command = [sys.executable, "-c", WITHOUT_TORCH, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_probes_are_many_and_all_different() -> None:
    found = probes()
    assert len(found) == len(set(found)) == 152


async def test_an_exported_model_says_what_it_is_and_answers() -> None:
    llm, built = load_onnx(exported("llama"), examined=False), local_llm("llama", "bytes")
    spec = llm.spec
    assert (spec.name, spec.family, spec.context_window) == ("tiny-llama", "llama", 512)
    assert spec.template == built.spec.template
    assert spec.precision == "onnx fp32"
    assert len(spec.fingerprint) == 16
    assert spec.why.startswith("120 of 120 probes agree with fp32 (100.0%)")
    (loaded,), (known,) = await llm.choose([CHOOSE]), await built.choose([CHOOSE])
    assert loaded.logprobs == pytest.approx(known.logprobs, abs=1e-3)
    await llm.close()
    await built.close()


def test_the_manifest_lists_what_is_there() -> None:
    folder = exported("llama")
    manifest = folders.check(folder)
    there = {file.name for file in folder.iterdir()}
    assert set(manifest.files) == there - {"firstcite.json"}
    assert {"model.onnx", "model.onnx.data", "tokenizer.json"} <= there
    assert manifest.vocabulary == 1_200
    assert manifest.agreement.worst <= 1e-3
    assert manifest.agreement.probes == 120  # twenty passages are too long for the tiny window


async def test_the_smaller_window_counts() -> None:
    for asked, expected in ((0, 512), (100, 100), (9_000, 512)):
        llm = load_onnx(exported("llama"), "mine", asked, examined=False)
        assert (llm.spec.name, llm.spec.context_window) == ("mine", expected)
        await llm.close()


async def test_torch_need_not_be_there() -> None:
    a, b, scored, written = without_torch(exported("llama")).split()
    built = local_llm("llama", "bytes")
    known = (await built.choose([CHOOSE]))[0].logprobs
    await built.close()
    assert (float(a), float(b)) == pytest.approx(known, abs=1e-3)
    assert int(scored) > 0
    assert int(written) == 5


def test_what_does_not_agree_is_not_kept(source: Path, tmp_path: Path) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(ModelUnavailable, match=r"of 120 probes agree .* take int8 or fp32"):
        export(source, tmp_path / "made", "tiny", "int4", floor=1.01)
    assert {path.name for path in tmp_path.iterdir()} == before
    with pytest.raises(ModelUnavailable, match="let torch run it"):
        export(source, tmp_path / "made", "tiny", "fp32", floor=1.01)


def test_an_export_replaces_the_one_before(source: Path, tmp_path: Path) -> None:
    into = tmp_path / "made"
    into.mkdir()
    (into / "left").write_text("from before")
    export(source, into, "tiny", "fp32")
    assert not (into / "left").exists()
    assert folders.check(into).precision == "fp32"


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no-such-model"):
        export(tmp_path / "no-such-model", tmp_path / "made", "tiny", "fp32")


def test_a_folder_without_an_exported_model_names_the_command(tmp_path: Path) -> None:
    for manifest in (None, "{", json.dumps({"name": "half"})):
        if manifest is not None:
            (tmp_path / "firstcite.json").write_text(manifest)
        with pytest.raises(ModelUnavailable, match="firstcite models export"):
            load_onnx(tmp_path)


def test_a_cut_file_is_named(linked: Path) -> None:
    weights = linked / "model.onnx.data"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelUnavailable, match=r"model\.onnx\.data is damaged: delete .* export"):
        load_onnx(linked)
    weights.unlink()
    with pytest.raises(ModelUnavailable, match="damaged"):
        load_onnx(linked)


def test_a_changed_byte_is_found_by_reading_all(linked: Path) -> None:
    graph = linked / "model.onnx"
    data = graph.read_bytes()
    graph.write_bytes(bytes(len(data)))
    with pytest.raises(ModelUnavailable, match=r"model\.onnx is damaged"):
        folders.check(linked)
    with pytest.raises(ModelUnavailable, match="ONNX Runtime cannot read"):
        load_onnx(linked)


def test_without_onnxruntime_it_says_what_to_install(
    linked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rag.llms.onnx.model", None)
    with pytest.raises(ModelUnavailable, match="pip install onnxruntime"):
        load_onnx(linked)


def test_a_model_that_knows_nothing_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="things that everybody knows"):
        load_onnx(exported("llama"))
