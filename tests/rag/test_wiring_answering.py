"""Answers as the settings say: packed, limited, and gated by a calibration made of one's own."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import whole
from rag.answering.answering import Answering
from rag.calibration_file import write_calibration
from rag.errors import BadInput, BadSettings, LLMUnavailable
from rag.llms.scripted import ScriptedLLM
from rag.packing import Packing
from rag.seams import LLM
from rag.sections import AnswerSettings, IndexSettings, StoreSettings
from rag.settings import Settings
from rag.values import Choose, Chosen, Document, Handling, Query, Score, Scored
from rag.wiring import Engine
from rag.wiring.answering import answering, packing, window
from rag.wiring.calibrating import calibrated
from rerankers.cross_encoder import CrossEncoderScorer
from tests.rag.answering.island import RULES, context, giving, told

TOWERS = [
    Document(f"t{i}", f"The tower number {i} was built by mason {i}. It is tall and old.")
    for i in range(12)
]
LABELLED = [
    *((f"Who built the tower number {i}, was it the mason?", True) for i in range(12)),
    *((f"What do dolphins eat during winter {i}?", False) for i in range(12)),
]


def engine(folder: Path, **answer: object) -> Engine:
    """Return an engine over hashed vectors; nothing is under its floor."""
    settings = Settings(
        store=StoreSettings(path=str(folder / "store")), index=IndexSettings(splitter="none")
    )
    section = replace(AnswerSettings(floor=-1), **answer)
    return Engine(replace(settings, answer=section), HashedEncoder(), whole)


def test_every_setting_of_packing_is_packed_by() -> None:
    section = AnswerSettings(
        passages=7, tokens=900, per_document=2, passage_floor=0.5, order="middle"
    )
    assert packing(section) == Packing(7, 900, 2, 0.5, "middle")


@pytest.mark.anyio
async def test_a_calibration_decides_what_is_answered(tmp_path: Path) -> None:
    first = engine(tmp_path)
    await first.index(TOWERS, "towers")
    found = await calibrated(first, "towers", LABELLED, None)
    assert found.held_out["right"] > found.held_out["wrong"]
    file = tmp_path / "answer.toml"
    write_calibration(found, file)
    second = engine(tmp_path, calibration=str(file))
    path = await second.collection("towers")
    built = await path.answer(Query("Who built the tower number 3, was it the mason?"))
    assert (built.answerable, built.reason) == ("yes", "")
    dolphins = await path.answer(Query("What do dolphins eat during summer?"))
    assert (dolphins.answerable, dolphins.text) == ("no", "")
    assert dolphins.reason.startswith("what was found hardly answers the question")
    await second.close()


@pytest.mark.anyio
async def test_an_engine_is_closed_that_could_not_be_calibrated(tmp_path: Path) -> None:
    first = engine(tmp_path)
    await first.index(TOWERS, "towers")
    with pytest.raises(BadInput, match="20 in all are wanted"):
        await calibrated(first, "towers", LABELLED[:5], None)
    again = engine(tmp_path)  # which a locked store would refuse
    await again.collection("towers")
    await again.close()


def test_a_calibration_that_is_not_there_is_refused_when_the_engine_is_made(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="calibrate again"):
        engine(tmp_path, calibration=str(tmp_path / "none.toml"))


async def none() -> CrossEncoderScorer:
    """Give no cross-encoder."""
    raise BadSettings("rerank.model is empty")


def asking(llm: LLM, **answer: object) -> Answering:
    section = replace(AnswerSettings(floor=-1), **answer)
    return answering(section, HashedEncoder(), giving(llm), none)


@pytest.mark.anyio
async def test_query_likelihood_has_a_say_in_what_is_quoted() -> None:
    llm = ScriptedLLM(score=lambda r: Scored(-1.0 if "Ada" in r.prompt[0].content else -9.0, 3))
    answer, _ = await told(asking(llm, scorer="query-likelihood"), context(*RULES))
    assert {type(request) for request in llm.history} == {Score}
    assert answer.trace[0].cost.calls == len(llm.history) == 4


@pytest.mark.anyio
async def test_a_cross_encoder_that_is_not_there_leaves_quoting_as_it_is() -> None:
    answer, _ = await told(asking(ScriptedLLM(), scorer="cross-encoder"), context(*RULES))
    assert answer.trace[0].status == "failed"
    assert "rerank.model is empty" in answer.trace[0].detail
    assert not answer.abstained


@pytest.mark.anyio
@pytest.mark.parametrize(("verify", "kind"), [("entailment", Choose), ("reverse", Score)])
async def test_who_settles_doubts_is_a_setting(verify: str, kind: type) -> None:
    llm = ScriptedLLM(complete=lambda _: "The freezer for samples is cold in summer [1].")
    writer = asking(llm, generator="inline", verify=verify)
    answer, _ = await told(writer, context(*RULES))
    assert [type(request) for request in llm.history][1:]
    assert {type(request) for request in llm.history[1:]} == {kind}
    assert answer.trace[-1].cost.calls == len(llm.history) - 1


@pytest.mark.anyio
async def test_whether_passages_suffice_is_asked_where_it_is_set() -> None:
    llm = ScriptedLLM(choose=lambda _: Chosen((-9.0, None, -0.1, None)))
    answer, _ = await told(asking(llm, sufficient=0.5), context(*RULES))
    assert answer.abstained
    assert [stage.name for stage in answer.trace] == ["sufficient", "generate"]


def test_an_nli_model_has_a_name() -> None:
    with pytest.raises(BadSettings, match=r"answer\.nli_model names none"):
        asking(ScriptedLLM(), verify="nli")


@pytest.mark.anyio
async def test_only_what_a_model_will_read_is_bounded_by_its_window() -> None:
    llm = ScriptedLLM(context_window=900)
    usual = Packing(5)

    async def gone() -> LLM:
        raise LLMUnavailable("gone")

    bounded = window(AnswerSettings(generator="inline"), giving(llm))
    assert 0 < (await bounded(Query("q"), usual)).budget < 900 - 400
    quoting = Query("q", handling=Handling(generator="extractive"))
    assert await bounded(quoting, usual) is usual
    assert await window(AnswerSettings(generator="inline"), gone)(Query("q"), usual) is usual
    plain = window(AnswerSettings(), giving(llm))
    assert await plain(Query("q"), usual) is usual
    writing = Query("q", handling=Handling(generator="inline"))
    assert (await plain(writing, usual)).budget
