"""The language model of the settings: opened once, its replies kept, and refused with a remedy."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from rag.errors import BadSettings, LLMUnavailable, ModelUnavailable
from rag.ledger import keeping
from rag.llms import embedded
from rag.sections import LLMSettings, StoreSettings
from rag.settings import Settings, models_folder, replies_folder
from rag.values import Choose, Complete, Message
from rag.wiring import Engine, open_llm
from tests.rag.llms.upstream import Upstream, serving

pytestmark = pytest.mark.anyio

ASK = Complete((Message("user", "one two three"),), max_tokens=2)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with serving(Upstream()) as up:
        yield up


def using(folder: Path, **llm: object) -> Settings:
    return Settings(
        store=StoreSettings(path=str(folder / "store")),
        llm=LLMSettings(cache=str(folder / "cache"), **llm),  # type: ignore[arg-type]
    )


async def test_a_server_is_asked_once_for_the_same(upstream: Upstream, tmp_path: Path) -> None:
    for cached in (0, 1):
        llm = await open_llm(using(tmp_path, url=upstream.url))
        upstream.asked.clear()
        with keeping() as ledger:
            (reply,) = await llm.complete([ASK])
        assert reply.text == "one two"
        assert ledger.entries[0].cached == cached
        assert len(upstream.asked) == 1 - cached
        await llm.close()


async def test_no_megabytes_are_no_cache(upstream: Upstream, tmp_path: Path) -> None:
    settings = using(tmp_path, url=upstream.url, replies_mb=0)
    llm = await open_llm(settings)
    upstream.asked.clear()
    await llm.complete([ASK])
    await llm.complete([ASK])
    assert len(upstream.asked) == 2
    assert not replies_folder(settings).exists()
    await llm.close()


async def test_the_settings_of_the_connection_are_used(upstream: Upstream, tmp_path: Path) -> None:
    upstream.key = "secret"
    llm = await open_llm(using(tmp_path, url=upstream.url, api_key="secret", context_window=99))
    assert llm.spec.context_window == 99
    await llm.close()


async def test_the_engine_opens_its_model_once_and_closes_it(
    upstream: Upstream, tmp_path: Path
) -> None:
    engine = Engine(using(tmp_path, url=upstream.url), HashedEncoder(), whole)
    models = await asyncio.gather(*(engine.llm() for _ in range(20)))
    assert all(model is models[0] for model in models)
    await engine.close()


async def test_a_server_that_is_not_there_leaves_nothing_open(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    with pytest.raises(LLMUnavailable, match=r"llm\.url"):
        await open_llm(using(tmp_path, url="http://127.0.0.1:9", retries=0))
    assert asyncio.all_tasks() == before


async def test_a_model_that_is_not_converted_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=embedded.FETCH):
        await open_llm(using(tmp_path))


@pytest.mark.parametrize(
    ("runtime", "precision", "says"),
    [("torch", "int8", "runtime to onnx"), ("onnx", "bf16", "runtime to torch")],
)
async def test_a_precision_of_the_other_runtime_is_refused(
    tmp_path: Path, runtime: str, precision: str, says: str
) -> None:
    with pytest.raises(BadSettings, match=says):
        await open_llm(using(tmp_path, runtime=runtime, precision=precision))


async def test_a_model_that_is_not_exported_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"SmolLM2-135M-Instruct-onnx-fp32.*models export"):
        await open_llm(using(tmp_path, runtime="onnx"))


@pytest.mark.model
async def test_the_embedded_model_is_the_default() -> None:
    settings = Settings(llm=LLMSettings(replies_mb=0))
    try:
        embedded.converted(models_folder(settings))
    except ModelUnavailable as error:
        pytest.skip(str(error))
    llm = await open_llm(settings)
    with keeping() as ledger:
        (chosen,) = await llm.choose([Choose((Message("user", "Is water wet?"),), ("Yes", "No"))])
    assert chosen.missing == 0
    assert ledger.tokens_in > 10
    assert (llm.spec.name, llm.spec.family) == (embedded.NAME, "smollm")
    await llm.close()


@pytest.mark.model
async def test_a_folder_is_a_local_model(tmp_path: Path) -> None:
    from tests.rag.llms.tiny import model, tokenizer

    model("llama").save_pretrained(tmp_path / "tiny")
    tokenizer("bytes").save_pretrained(tmp_path / "tiny")
    with pytest.raises(ModelUnavailable, match="everybody knows"):
        await open_llm(using(tmp_path, model=str(tmp_path / "tiny")))
