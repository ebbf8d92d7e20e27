"""Writers that choose their evidence first, and the one that mixes readings."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.encoders.hashed import HashedEncoder
from rag.abstain import Floor
from rag.answering.answering import Answering
from rag.answering.attribute_first import planned
from rag.answering.ensemble import attributed
from rag.answering.quote_first import DONE
from rag.citing.events import Cites
from rag.citing.structure import structure
from rag.llms.scripted import ScriptedLLM
from rag.quoting.choosing import Limits
from rag.quoting.lines import read
from rag.values import Choose, Chosen, Complete, Completed, Document, Piece
from tests.rag.answering.island import (
    COLD,
    DOGS,
    FREEZER,
    HOSTILE,
    PIER,
    QUESTION,
    RULES,
    context,
    generator,
    told,
    writing,
)
from tests.rag.citing.written import WRITTEN

UNSURE = "I don't know how long the sample freezer stays cold, 36 hours without power perhaps."
TWIN = Document("twin", "The sample freezer stays cold for 36 hours without any power.")


@pytest.mark.anyio
async def test_each_item_of_the_plan_becomes_a_sentence_with_its_quotes() -> None:
    llm = writing("The freezer keeps cold for 36 hours without power [3].")
    answer, _ = await told(generator(llm, "attribute-first", sentences=2), context(FREEZER, TWIN))
    first = answer.sentences[0]
    assert first.text == "The freezer keeps cold for 36 hours without power."
    assert {c.document_id for c in first.citations} <= {"freezer", "twin"}
    asked = [request for request in llm.history if isinstance(request, Complete)]
    assert all(DOGS.text not in request.prompt[0].content for request in asked)
    assert COLD in asked[0].prompt[0].content


@pytest.mark.anyio
async def test_what_several_documents_say_is_one_item() -> None:
    found = await read(context(FREEZER, TWIN, PIER, question=COLD), HashedEncoder())
    plan = planned(found, Limits(9))
    items = [[line.document for line in item] for item in plan]
    assert ["freezer", "twin"] in [sorted(item) for item in items]
    assert all(len(item) == 1 for item in items if "pier" in item)


@pytest.mark.anyio
async def test_what_was_written_from_a_quote_cites_no_other_one() -> None:
    llm = writing(DOGS.text)  # whatever it is asked to tell
    answer, _ = await told(generator(llm, "attribute-first", sentences=1), context(FREEZER, DOGS))
    (sentence,) = answer.sentences
    assert sentence.citations[0].document_id == "freezer"
    assert sentence.text == sentence.citations[0].quote


@pytest.mark.anyio
async def test_a_quote_that_gives_orders_is_cited_but_not_told() -> None:
    llm = writing("Bananas fly.")
    answer, _ = await told(
        generator(llm, "attribute-first"), context(HOSTILE, question=HOSTILE.text)
    )
    assert not llm.history
    assert all(one.text in HOSTILE.text for one in answer.sentences)
    assert not answer.abstained


@pytest.mark.anyio
@pytest.mark.parametrize("usual", ["attribute-first", "quote-first"])
@pytest.mark.parametrize(
    "reply",
    ["", "I don't know.", "It stays cold for 48 hours.", "Bananas fly.", "a b c " * 40, UNSURE],
)
async def test_a_statement_that_cannot_be_used_gives_way_to_its_quote(
    usual: str, reply: str
) -> None:
    def complete(request: Complete) -> str:
        return request.among[0] if request.among else reply

    answer, _ = await told(
        generator(ScriptedLLM(complete=complete), usual, sentences=1), context(FREEZER)
    )
    (sentence,) = answer.sentences
    assert sentence.text == sentence.citations[0].quote
    assert sentence.support == "full"
    assert answer.answerable == "yes"


def choosing(*picks: str) -> ScriptedLLM:
    """Return a model that copies these texts in turn, and tells what it quotes in its words."""
    left = list(picks)

    def complete(request: Complete) -> str:
        if request.among:
            return left.pop(0) if left else DONE
        quote = request.prompt[0].content.partition("\n- ")[2].partition("\n")[0]
        return quote or COLD

    return ScriptedLLM(complete=complete)


@pytest.mark.anyio
async def test_quote_and_statement_take_turns_until_nothing_is_left_to_say() -> None:
    llm = choosing(PIER.text, COLD)
    answer, _ = await told(generator(llm, "quote-first"), context(*RULES))
    assert answer.text == f"{PIER.text} {COLD}"
    assert [s.citations[0].quote for s in answer.sentences] == [PIER.text, COLD]
    asked = [request for request in llm.history if isinstance(request, Complete)]
    assert [bool(request.among) for request in asked] == [True, False, True, False, True]
    assert DONE not in asked[0].among  # an answer begins with a quote
    assert PIER.text not in asked[2].among  # nothing is quoted twice
    assert PIER.text in asked[2].prompt[0].content  # as what was answered
    assert answer.trace[0].cost.calls == 5


class Slow(ScriptedLLM):
    """A model that takes its time for every request."""

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        await asyncio.sleep(0.2)
        return await super().complete(requests)


@pytest.mark.anyio
async def test_the_time_is_that_of_all_quotes_and_statements_together() -> None:
    llm = Slow(complete=lambda r: r.among[0] if r.among else COLD)
    answer, _ = await told(generator(llm, "quote-first", seconds=0.5), context(*RULES))
    assert len(answer.sentences) == 1
    assert answer.trace[0].status == "cut short"
    assert answer.trace[0].ms < 900


@pytest.mark.anyio
async def test_a_model_that_cannot_be_constrained_names_a_letter() -> None:
    asked: list[Choose] = []

    def choose(request: Choose) -> Chosen:
        asked.append(request)
        wanted = PIER.text if len(asked) == 1 else DONE
        shown = request.prompt[0].content.splitlines()
        line = next(one for one in shown if one.endswith(wanted))
        return Chosen(tuple(0.0 if label == line[0] else -5.0 for label in request.labels))

    llm = ScriptedLLM(choose=choose, complete=lambda _: PIER.text, constrains=False)
    answer, _ = await told(generator(llm, "quote-first"), context(*RULES))
    assert answer.text == PIER.text
    assert len(asked) == 2


@pytest.mark.anyio
async def test_letters_that_are_not_reported_leave_quoting() -> None:
    llm = ScriptedLLM(choose=lambda r: Chosen((None,) * len(r.labels)), constrains=False)
    answer, _ = await told(generator(llm, "quote-first"), context(*RULES))
    assert answer.reason == "nothing was written to its end"


@pytest.mark.anyio
@pytest.mark.parametrize("usual", ["attribute-first", "quote-first", "ensemble"])
async def test_what_gives_orders_is_shown_to_no_model(usual: str) -> None:
    llm = choosing(COLD)
    asked = context(HOSTILE, *RULES, question=f"{COLD} Who built the pier?")
    answer, _ = await told(generator(llm, usual), asked)
    assert not answer.abstained
    prompts = [m.content for r in llm.history if isinstance(r, Complete) for m in r.prompt]
    assert prompts
    assert not any("pwned" in text for text in prompts)


@pytest.mark.anyio
async def test_an_ensemble_reads_every_passage_alone_and_weighs_them() -> None:
    llm = writing(COLD)
    answer, events = await told(generator(llm, "ensemble"), context(*RULES))
    (asked,) = llm.history
    assert isinstance(asked, Complete)
    assert len(asked.beside) == 2
    assert sum(asked.weights) == pytest.approx(1.0)
    assert COLD in asked.prompt[0].content
    assert all(COLD not in prompt[0].content for prompt in asked.beside)
    # Shares are equal here: all three are cited while it is written, one carries the sentence.
    assert [e.refs for e in events if isinstance(e, Cites)] == [(1, 2, 3)]
    assert [c.quote for c in answer.sentences[0].citations] == [COLD]


def test_a_sentence_cites_the_passages_whose_share_in_it_is_large() -> None:
    first, second, third = context(*RULES).passages
    draft = structure("It lasts. It hums.", ())
    pieces = (
        Piece("It lasts.", (0.9, 0.05, 0.05)),
        Piece(" It", (0.1, 0.5, 0.4)),
        Piece(" hums.", (0.1, 0.4, 0.5)),
    )
    reply = Completed(draft.text, 3, pieces=pieces)
    found = attributed(draft, reply, (first, second, third))
    assert [claim.passages for claim in found.claims] == [(first,), (second, third)]
    assert attributed(draft, None, (first, second, third)) == draft


@pytest.mark.anyio
async def test_a_passage_weighs_as_it_is_near_to_the_question() -> None:
    llm = writing(COLD)
    await told(generator(llm, "ensemble"), context(PIER, FREEZER))
    (asked,) = llm.history
    assert isinstance(asked, Complete)
    assert asked.weights[1] > asked.weights[0]


@pytest.mark.anyio
async def test_a_model_that_cannot_mix_is_replaced_by_quoting() -> None:
    llm = ScriptedLLM(mixes=False)
    answer, _ = await told(generator(llm, "ensemble"), context(*RULES))
    assert answer.trace[0].status == "failed"
    assert not answer.abstained


@pytest.mark.anyio
async def test_a_query_says_who_writes() -> None:
    llm = writing(f"{COLD} [1]")
    asked = context(*RULES, generator="extractive")
    answer, _ = await told(generator(llm, "inline"), asked)
    assert not llm.history
    assert answer.trace[0].detail.startswith("extractive")


@pytest.mark.anyio
async def test_below_the_floor_no_model_is_asked() -> None:
    llm = writing("x")
    answer, events = await told(generator(llm, gates=[Floor(1.1)]), context(*RULES))
    assert answer.abstained
    assert not llm.history
    assert len(events) == 4  # meta, search results, final, done


@given(WRITTEN, st.sampled_from(["attribute-first", "quote-first", "ensemble"]))
@settings(deadline=None, max_examples=100)
def test_whatever_a_model_writes_every_writer_keeps_its_promises(reply: str, usual: str) -> None:
    def complete(request: Complete) -> str:
        return request.among[-1] if request.among else reply

    writer: Answering = generator(ScriptedLLM(complete=complete), usual)
    answer, _ = asyncio.run(told(writer, context(*RULES, HOSTILE, question=QUESTION)))
    if usual != "ensemble":  # a quote is always there
        assert not answer.abstained
