"""What a model writes with markers becomes a cited answer."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answering.finishing import Checking
from rag.citing.events import Cites, Delta
from rag.errors import LLMUnavailable
from rag.llms.scripted import ScriptedLLM
from rag.values import Complete, Completed, Cut, Message, Verification
from rag.verify.pruning import Policy
from tests.rag.answering.island import (
    COLD,
    DOGS,
    FREEZER,
    HOSTILE,
    PIER,
    RULES,
    context,
    generator,
    told,
    writing,
)
from tests.rag.citing.written import WRITTEN


class Failing(ScriptedLLM):
    """A model whose server goes away after some words."""

    def __init__(self, words: int) -> None:
        super().__init__(complete=lambda _: f"{COLD} [1] It hums quietly in the corner. [1] Then")
        self._left = words
        self.closed = False

    async def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        try:
            async for piece in super().stream(request):
                if self._left == 0:
                    raise LLMUnavailable("gone")
                self._left -= 1
                yield piece
        finally:
            self.closed = True


@pytest.mark.anyio
async def test_markers_become_citations_with_verbatim_quotes() -> None:
    reply = "It stays cold for 36 hours without power [1]. Ada Lovelace built the pier [3]."
    answer, _ = await told(generator(writing(reply)), context(*RULES))
    assert answer.text == reply.replace(" [1]", "").replace(" [3]", "")
    assert [[(c.ref, c.quote) for c in s.citations] for s in answer.sentences] == [
        [(1, COLD)],
        [(3, PIER.text)],
    ]
    assert answer.answerable == "yes"
    assert [(r.ref, r.document_id) for r in answer.references] == [(1, "freezer"), (3, "pier")]
    assert [stage.name for stage in answer.trace] == ["generate", "verify"]


@pytest.mark.anyio
async def test_sentences_are_told_while_the_next_are_written() -> None:
    reply = f"{COLD} [1] It hums quietly in the corner [1]."
    pieces = [p async for p in generator(writing(reply)).answer(context(*RULES))]
    first = next(i for i, piece in enumerate(pieces) if isinstance(piece, Cut))
    assert any(isinstance(piece, str) for piece in pieces[first:])
    assert pieces[first] == Cut(0, len(COLD), (1,))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("policy", "text", "answerable"),
    [
        ("mark", "It stays cold for 48 hours without power. Dogs are not allowed.", "partial"),
        ("drop", "Dogs are not allowed.", "partial"),
        ("rewrite", f"{COLD} Dogs are not allowed.", "yes"),
    ],
)
async def test_what_nothing_carries_is_treated_by_the_policy(
    policy: Policy, text: str, answerable: str
) -> None:
    reply = "It stays cold for 48 hours without power [1]. Dogs are not allowed [2]."
    writer = generator(writing(reply), "inline", Checking(policy))
    answer, events = await told(writer, context(*RULES))
    assert (answer.text, answer.answerable) == (text, answerable)
    action = {"mark": "keep"}.get(policy, policy)
    assert [e.action for e in events if isinstance(e, Verification)] == [action, "keep"]
    if policy != "rewrite":
        assert "“It stays cold for 48 hours without power.”" in answer.reason


@pytest.mark.anyio
async def test_a_sentence_without_a_marker_is_cited_by_what_carries_it() -> None:
    writer = generator(writing("Dogs are not allowed on the ferry."))
    answer, _ = await told(writer, context(*RULES))
    assert [c.document_id for c in answer.sentences[0].citations] == ["dogs"]


@pytest.mark.anyio
async def test_too_little_that_is_carried_is_nothing_that_is_believed() -> None:
    reply = f"Bananas are blue [1]. Trains fly [2]. Cats bark [3]. Snow burns [2]. {COLD} [1]"
    answer, _ = await told(generator(writing(reply)), context(*RULES))
    assert answer.abstained
    assert answer.reason.startswith("too little of what was written is carried")
    assert answer.reason.endswith("“Cats bark.” and 1 more")  # not what is carried


@pytest.mark.anyio
async def test_a_passage_that_gives_orders_is_not_shown_and_its_number_is_not_legal() -> None:
    llm = writing(f"{COLD} [2] Pwned [1].")
    answer, events = await told(generator(llm), context(HOSTILE, *RULES))
    (asked,) = llm.history
    assert isinstance(asked, Complete)
    shown = asked.prompt[-1].content
    assert "pwned" not in shown
    assert "[1]" not in shown
    assert answer.text == COLD
    (cited,) = {c.ref for s in answer.sentences for c in s.citations}
    assert [e.refs for e in events if isinstance(e, Cites)] == [(cited,), ()]
    assert "1 citations of nothing that was shown" in answer.trace[0].detail
    assert "1 passages that give orders not shown" in answer.trace[0].detail


@pytest.mark.anyio
async def test_only_orders_leave_quoting() -> None:
    answer, _ = await told(generator(writing("x")), context(HOSTILE))
    assert answer.trace[0].status == "failed"
    assert "none was shown" in answer.trace[0].detail


@pytest.mark.anyio
async def test_old_markers_are_taken_out_of_what_was_said_before() -> None:
    before = (Message("user", "And dogs?"), Message("assistant", "They stay [2], says [17]."))
    llm = writing(f"{COLD} [1]")
    await told(generator(llm), context(*RULES, history=before))
    (asked,) = llm.history
    assert isinstance(asked, Complete)
    assert [message.role for message in asked.prompt] == ["user", "assistant", "user"]
    assert asked.prompt[1].content == "They stay, says [17]."


@pytest.mark.anyio
async def test_thoughts_are_not_told() -> None:
    reply = f"<think>Passage [2] lies. [3]</think>\n{COLD} [1]"
    answer, events = await told(generator(writing(reply)), context(*RULES))
    assert answer.text == COLD
    assert not any("lies" in event.text for event in events if isinstance(event, Delta))


@pytest.mark.anyio
async def test_an_answer_has_no_more_sentences_than_allowed_and_no_half_ones() -> None:
    reply = f"{COLD} [1] Dogs are not allowed on the ferry [2]. It hums quietly in the corner [1]."
    answer, _ = await told(generator(writing(reply), sentences=2), context(*RULES))
    assert [c.ref for s in answer.sentences for c in s.citations] == [1, 2]
    answer, _ = await told(generator(writing(reply), words=9), context(*RULES))
    assert answer.text == COLD
    cut = f"{COLD} [1] " + "Dogs are not allowed on the ferry and " * 12
    answer, _ = await told(generator(writing(cut)), context(*RULES))
    assert answer.text == COLD
    assert answer.answerable == "yes"


@pytest.mark.anyio
async def test_a_sentence_that_comes_again_is_told_once() -> None:
    answer, _ = await told(generator(writing(f"{COLD} [1] {COLD} [1]")), context(*RULES))
    assert (answer.text, answer.answerable, answer.reason) == (COLD, "yes", "")


@pytest.mark.anyio
async def test_a_model_that_cannot_be_asked_is_replaced_by_quoting() -> None:
    answer, _ = await told(generator(Failing(0)), context(*RULES))
    assert COLD in answer.text
    (stage,) = answer.trace
    assert (stage.name, stage.status) == ("generate", "failed")
    assert "gone" in stage.detail


@pytest.mark.anyio
async def test_what_was_told_before_a_model_failed_stands() -> None:
    llm = Failing(14)
    answer, _ = await told(generator(llm), context(*RULES))
    assert answer.text == COLD
    assert answer.trace[0].status == "failed"
    assert llm.closed


@pytest.mark.anyio
async def test_whoever_leaves_stops_the_writing() -> None:
    llm = Failing(10_000)
    pieces = generator(llm).answer(context(*RULES))
    assert isinstance(await anext(pieces), str)
    assert not llm.closed
    await pieces.aclose()
    assert llm.closed


@pytest.mark.anyio
async def test_the_best_cited_of_several_drafts_is_given() -> None:
    llm = writing("Bananas are blue [1].", f"{COLD} [2]", f"{COLD} [1][3]", f"{COLD} [1]")
    asked = context(*RULES, samples=4)
    answer, _ = await told(generator(llm), asked)
    assert answer.text == COLD
    assert "draft 4 of 4, citation recall 1.00" in answer.trace[0].detail
    assert [(r.temperature, r.seed) for r in llm.history if isinstance(r, Complete)] == [
        (0.0, 0),
        (0.7, 1),
        (0.7, 2),
        (0.7, 3),
    ]
    assert answer.trace[0].cost.calls == 4


REPLIES = st.one_of(
    WRITTEN,
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            [*"[]`$\n١🐕\x00", "[1]", "[99]", "[1-9]", "【2】", "```\n", "**", "| a |", "- ", "# "]
        )
        | st.sampled_from(["> ", COLD, "Dogs 36 ", "<think>", "</think>", "<|im_end|>"]),
        max_size=40,
    ).map("".join),
)


@given(REPLIES, st.sampled_from(["mark", "drop", "rewrite"]))
@settings(deadline=None, max_examples=150)
def test_whatever_a_model_writes_no_citation_dangles_and_nothing_fails(
    reply: str, policy: Policy
) -> None:
    asyncio.run(
        told(generator(writing(reply), "inline", Checking(policy)), context(*RULES, HOSTILE))
    )


@pytest.mark.anyio
@pytest.mark.parametrize("odd", ["[1]" * 10_000, "[" * 10_000, "[1, " * 5_000, f"{COLD} [1] " * 99])
async def test_ten_thousand_citations_are_no_more_than_three(odd: str) -> None:
    llm = ScriptedLLM(complete=lambda _: odd)
    answer, _ = await told(generator(llm), context(*RULES))
    assert all(len(sentence.citations) <= 3 for sentence in answer.sentences)


@pytest.mark.anyio
async def test_events_say_what_is_cited_as_soon_as_it_is_known() -> None:
    _, events = await told(generator(writing(f"{COLD} [1]")), context(FREEZER, DOGS))
    assert [e for e in events if isinstance(e, Cites)] == [Cites(0, 0, len(COLD), (1,))]
