"""The settings say which reranker there is; its models are opened when they are needed."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from indexers.encoders.hashed import HashedEncoder
from rag.errors import BadSettings, LLMUnavailable
from rag.llms.scripted import ScriptedLLM
from rag.seams import LLM, LLMSpec
from rag.sections import RerankSettings
from rag.settings import Settings
from rag.values import Chosen, Scored
from rag.wiring import Rerankers, rerank
from rag.wiring.reranking import candidates, parse_method
from rerankers.unchanged import Unchanged

TEXTS = ["one", "two words", "three words here"]


def set_to(**values: object) -> Settings:
    section = msgspec.convert(values, RerankSettings, strict=False)
    return Settings(rerank=section)


def longest_is_best() -> ScriptedLLM:
    def score(request: object) -> Scored:
        return Scored(float(len(str(request))) / 100, 1)

    return ScriptedLLM(score=score, choose=lambda r: Chosen((-1.0,) * len(r.labels)))


async def order(settings: Settings, llm: LLM, collection: str = "") -> tuple[list[str], str, str]:
    async def give() -> LLM:
        return llm

    rerankers = Rerankers(settings, give, HashedEncoder)
    found = await rerankers.get(collection).rerank("which?", candidates(TEXTS))
    await rerankers.close()
    return [c.chunk.id for c in found.candidates], found.status, found.stage.detail


def test_without_a_method_nothing_changes() -> None:
    assert isinstance(Rerankers(Settings()).get(), Unchanged)


def test_a_method_is_made_as_the_settings_say() -> None:
    settings = set_to(method="query-likelihood", guard="none")
    ids, status, detail = asyncio.run(order(settings, longest_is_best()))
    assert (ids, status) == (["2", "1", "0"], "ok")
    assert detail == "query-likelihood, no guard"


def test_the_guard_is_on_unless_the_collection_has_none() -> None:
    settings = set_to(method="query-likelihood", unguarded="wild, other")
    for collection, told in (("", "guard pool 0.7"), ("wild", "no guard"), ("tame", "guard pool")):
        _, _, detail = asyncio.run(order(settings, longest_is_best(), collection))
        assert told in detail
    assert (
        "guard rrf 0.2"
        in asyncio.run(
            order(set_to(method="first", guard="rrf", guard_weight=0.2), longest_is_best())
        )[2]
    )


def test_several_methods_are_a_cascade() -> None:
    settings = set_to(method="late-interaction:3, first:2", guard="none")
    _, status, detail = asyncio.run(order(settings, longest_is_best()))
    assert status == "ok"
    assert detail == "late-interaction:3 → first:2, no guard"


def test_a_server_that_cannot_continue_a_turn_is_asked_for_the_bare_label() -> None:
    class Strict(ScriptedLLM):
        @property
        def spec(self) -> LLMSpec:
            return LLMSpec("strict", "strict", 4_096, continues=False)

    llm = Strict()
    asyncio.run(order(set_to(method="first"), llm))
    asyncio.run(order(set_to(method="pairwise"), llm))
    assert llm.history
    assert all(request.prompt[-1].role == "user" for request in llm.history)


def test_a_model_that_cannot_be_opened_leaves_the_order_and_is_tried_again() -> None:
    tries = 0

    async def fails() -> LLM:
        nonlocal tries
        tries += 1
        raise LLMUnavailable("no server at that address")

    async def ask() -> None:
        reranker = Rerankers(set_to(method="first"), fails).get()
        for _ in range(2):
            found = await reranker.rerank("which?", candidates(TEXTS))
            assert [c.chunk.id for c in found.candidates] == ["0", "1", "2"]
            assert (found.status, found.stage.status) == ("degraded", "failed")
            assert "no server at that address" in found.stage.detail

    asyncio.run(ask())
    assert tries == 2


def test_a_cross_encoder_without_a_model_says_what_to_set() -> None:
    found = asyncio.run(rerank("q", TEXTS, set_to(), "cross-encoder"))
    assert found.status == "degraded"
    assert "rerank.model is empty" in found.stage.detail


def test_a_missing_cross_encoder_is_told(tmp_path: Path) -> None:
    settings = set_to(method="cross-encoder", model=str(tmp_path / "none"))
    found = asyncio.run(rerank("q", TEXTS, settings))
    assert found.status == "degraded"
    assert "none" in found.stage.detail


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("frist", "rerank.method is 'frist', which is none. Known: first, "),
        ("first:ten", "rerank.method says 'first:ten': write a number"),
        ("first:0", "write a number"),
        ("first, nothing:5", "'nothing'"),
    ],
)
def test_a_method_that_is_none_is_refused(method: str, said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        Rerankers(set_to(method=method))


def test_a_schedule_that_the_method_lacks_is_refused() -> None:
    with pytest.raises(BadSettings, match="but the method has sliding, head"):
        parse_method(RerankSettings(method="first", schedule="heap"))


def test_the_budget_is_the_settings() -> None:
    for values in ({"calls": 2}, {"tokens": 9}):
        settings = set_to(method="query-likelihood", **values)
        _, status, detail = asyncio.run(order(settings, longest_is_best()))
        assert status == "degraded"
        assert "its budget is" in detail
