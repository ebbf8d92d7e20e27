"""Every writer over models that are really asked: in this process, and over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from rag.sections import AnswerSettings, IndexSettings, LLMSettings, StoreSettings
from rag.settings import Settings
from rag.values import Query
from rag.wiring import Engine
from tests.rag.answering.island import QUESTION, RULES, context, generator, told
from tests.rag.llms.upstream import Upstream, serving

WRITERS = ["inline", "attribute-first", "quote-first", "ensemble"]


@pytest.mark.model
@pytest.mark.anyio
@pytest.mark.parametrize("usual", WRITERS)
async def test_a_local_model_that_writes_noise_gives_sound_answers(usual: str) -> None:
    from tests.rag.llms.tiny import local_llm  # imports torch

    llm = local_llm(window=2_048)
    try:
        answer, _ = await told(generator(llm, usual), context(*RULES))
    finally:
        await llm.close()
    assert answer.trace[0].status == "ok"
    assert answer.trace[0].cost.tokens_in > 0
    if usual in {"attribute-first", "quote-first"}:
        assert all(one.support == "full" for one in answer.sentences)
        assert not answer.abstained


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with serving(Upstream()) as up:
        yield up


@pytest.mark.anyio
@pytest.mark.parametrize("usual", [*WRITERS, "extractive"])
async def test_a_model_server_is_asked_by_what_it_can_do(
    upstream: Upstream, tmp_path: Path, usual: str
) -> None:
    settings = Settings(
        store=StoreSettings(path=str(tmp_path / "store")),
        index=IndexSettings(splitter="none"),
        llm=LLMSettings(url=upstream.url, cache=str(tmp_path / "cache")),
        answer=AnswerSettings(floor=-1.0, generator=usual),  # type: ignore[arg-type]
    )
    engine = Engine(settings, HashedEncoder(), whole)
    try:
        await engine.index(RULES, "rules")
        path = await engine.collection("rules")
        answer = await path.answer(Query(QUESTION))
    finally:
        await engine.close()
    (stage,) = (one for one in answer.trace if one.name == "generate")
    # Mixing distributions is nothing that a server's protocol offers: quoting takes its place.
    assert stage.status == ("failed" if usual == "ensemble" else "ok")
    documents = {document.id: document.text for document in RULES}
    cited = [one for sentence in answer.sentences for one in sentence.citations]
    assert all(documents[one.document_id][one.start : one.end] == one.quote for one in cited)
    if usual != "inline":  # the server repeats the prompt, of which little is a sentence
        assert cited
