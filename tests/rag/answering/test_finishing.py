"""A draft is verified, gated, and held against other sources."""

from typing import Literal

import pytest

from rag.abstain import Gate, Verdict
from rag.answering.answering import Answering
from rag.answering.finishing import Checking
from rag.answering.gates import sufficient
from rag.answering.model import Model
from rag.errors import LLMUnavailable
from rag.flows import Budget
from rag.llms.scripted import ScriptedLLM
from rag.quoting.choosing import Limits
from rag.quoting.lines import Read
from rag.seams import LLM
from rag.values import Choose, Chosen, Context, Document
from rag.verify.doubts import by_flow
from rag.verify.entailment import entailed
from tests.rag.answering.island import (
    COLD,
    FREEZER,
    PIER,
    RULES,
    context,
    generator,
    giving,
    told,
    writing,
)

NEAR = "The freezer for samples is cold in summer and winter."
OTHER = Document("other", "The sample freezer stays cold for 30 hours without power.")


async def gone() -> LLM:
    """Give no model."""
    raise LLMUnavailable("the server is gone")


@pytest.mark.anyio
async def test_a_model_settles_what_facts_and_overlap_leave_in_doubt() -> None:
    for logprobs, expected in (((-0.01, None, -9.0, None), NEAR), ((-9.0, None, -0.01, None), "")):
        judge = ScriptedLLM(choose=lambda _, p=logprobs: Chosen(p))  # type: ignore[misc]
        checking = Checking(ask=by_flow(entailed, giving(judge), Budget()))
        answer, _ = await told(
            generator(writing(f"{NEAR} [1]"), checking=checking), context(*RULES)
        )
        assert answer.text == expected
        assert answer.trace[-1].cost.calls == 1


@pytest.mark.anyio
async def test_without_the_model_that_was_to_be_asked_overlap_decides() -> None:
    checking = Checking(ask=by_flow(entailed, gone, Budget()))
    answer, _ = await told(generator(writing(f"{NEAR} [1]"), checking=checking), context(*RULES))
    assert answer.text == NEAR
    assert answer.sentences[0].support == "partial"
    stage = answer.trace[-1]
    assert (stage.name, stage.status) == ("verify", "failed")
    assert "the server is gone" in stage.detail


@pytest.mark.anyio
async def test_what_another_source_says_against_a_quote_is_shown() -> None:
    for usual in ("extractive", "inline"):
        answer, _ = await told(
            generator(writing(f"{COLD} [1]"), usual, sentences=1), context(FREEZER, PIER, OTHER)
        )
        (pair,) = answer.contradictions
        assert pair.kind == "number"
        assert {pair.one.document_id, pair.other.document_id} == {"freezer", "other"}
        assert {r.document_id for r in answer.references} == {"freezer", "other"}


@pytest.mark.anyio
async def test_sources_that_agree_contradict_nothing() -> None:
    again = Document("other", f"{COLD} It is white.")
    answer, _ = await told(generator(writing(f"{COLD} [1][2]")), context(FREEZER, again))
    assert answer.contradictions == ()


def asked_first(logprobs: tuple[float | None, ...] | None) -> tuple[Answering, ScriptedLLM]:
    """Return a generator that asks a model first whether the passages suffice."""
    llm = ScriptedLLM(
        choose=lambda _: Chosen(logprobs or (None,) * 4), complete=lambda _: f"{COLD} [1]"
    )
    model = Model(giving(llm) if logprobs else gone, 60, 5.0, Limits(5))
    return generator(llm, gates=[sufficient(model, 0.5)]), llm


@pytest.mark.anyio
async def test_passages_that_do_not_suffice_are_an_abstention() -> None:
    writer, llm = asked_first((-3.0, None, -0.1, None))
    answer, _ = await told(writer, context(*RULES))
    assert answer.abstained
    assert "do not hold all that is needed" in answer.reason
    assert all(isinstance(request, Choose) for request in llm.history)
    assert [(stage.name, stage.cost.calls) for stage in answer.trace] == [
        ("sufficient", 1),
        ("generate", 0),
    ]


@pytest.mark.anyio
async def test_passages_that_suffice_are_answered_from() -> None:
    writer, _ = asked_first((-0.1, None, -3.0, None))
    answer, _ = await told(writer, context(*RULES))
    assert (answer.text, answer.answerable) == (COLD, "yes")


@pytest.mark.anyio
async def test_where_nobody_knows_whether_they_suffice_the_answer_says_so() -> None:
    writer, _ = asked_first(None)
    answer, _ = await told(writer, context(*RULES))
    assert (answer.text, answer.answerable) == (COLD, "partial")
    assert "is not known: the server is gone" in answer.reason


@pytest.mark.anyio
async def test_the_first_gate_that_says_no_is_the_last_one_asked() -> None:
    asked: list[str] = []

    def gate(name: str, answerable: Literal["yes", "partial", "no"]) -> Gate:
        async def judged(_context: Context, _found: Read) -> Verdict:
            asked.append(name)
            return Verdict(answerable, f"{name} says {answerable}")

        return judged

    gates = [gate("a", "partial"), gate("b", "no"), gate("c", "yes")]
    answer, _ = await told(generator(writing("x"), gates=gates), context(*RULES))
    assert (asked, answer.reason) == (["a", "b"], "b says no")
    gates[1] = gate("d", "partial")
    answer, _ = await told(generator(writing(f"{COLD} [1]"), gates=gates), context(*RULES))
    assert (answer.answerable, answer.reason) == ("partial", "a says partial; d says partial")
