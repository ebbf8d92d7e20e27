"""Models load from folders, choose their precision, and are refused when they know nothing."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelUnavailable
from rag.llms.batching import Row
from rag.llms.loading import NEAR, compare, load, stops
from rag.llms.packing import PackedLinear, halved
from rag.llms.torch_model import TorchModel
from rag.values import Choose, Message
from tests.rag.llms.tiny import local_llm, model, tokenizer

pytestmark = pytest.mark.model

ROWS = [Row(tuple(range(5, 40 + n)), ((1, 2, 3),)) for n in range(5)]
CHOOSE = Choose((Message("user", "A or B?"),), ("A", "B"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model("llama").save_pretrained(tmp_path / "tiny")
    tokenizer("bytes").save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_a_folder_is_a_model_that_says_what_it_is(folder: Path) -> None:
    llm, built = load(folder, precision="fp32", examine=False), local_llm("llama", "bytes")
    assert (llm.spec.name, llm.spec.family, llm.spec.context_window) == ("tiny", "llama", 512)
    assert (llm.spec.precision, llm.spec.why) == ("fp32", "set")
    assert llm.spec.template == built.spec.template
    loaded, known = (asyncio.run(one.choose([CHOOSE]))[0].logprobs for one in (llm, built))
    assert loaded == pytest.approx(known, abs=1e-5)
    asyncio.run(llm.close())
    asyncio.run(built.close())


def test_bf16_is_near_and_leaves_the_exact_model_as_it_was() -> None:
    tiny = model("llama")
    exact = TorchModel(tiny).read(ROWS)
    twin = halved(tiny)
    assert any(isinstance(layer, PackedLinear) for layer in twin.modules())
    assert twin.get_input_embeddings().weight is tiny.get_input_embeddings().weight
    assert 0 < compare(exact, TorchModel(twin).read(ROWS)).error <= NEAR
    again = TorchModel(tiny).read(ROWS)
    assert all(np.array_equal(a, b) for a, b in zip(exact, again, strict=True))


def test_the_precision_in_effect_has_a_reason(folder: Path) -> None:
    llm = load(folder, examine=False)
    assert llm.spec.precision in {"fp32", "bf16"}
    assert any(word in llm.spec.why for word in ("native bf16", "near enough"))
    asyncio.run(llm.close())


def test_a_model_that_knows_nothing_is_refused(folder: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"knows \d of 8"):
        load(folder)


@pytest.mark.parametrize("damage", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_damaged_folder_is_refused_by_its_setting(folder: Path, damage: str) -> None:
    (folder / damage).write_bytes(b"{")
    with pytest.raises(ModelUnavailable, match=r"llm\.model"):
        load(folder, examine=False)


def test_no_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"llm\.model"):
        load(tmp_path / "nothing", examine=False)


def test_a_text_ends_where_the_tokenizer_or_the_model_says() -> None:
    tiny = model("llama")
    assert stops(tiny, 7) >= {7}
    assert None not in stops(tiny, None)
