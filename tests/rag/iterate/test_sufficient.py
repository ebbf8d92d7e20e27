"""Whether what was found is enough is read from log-odds; in doubt it is not."""

import asyncio
from collections.abc import Sequence

import pytest

from rag.flows import drive
from rag.iterate.sufficient import sufficient
from rag.llms.scripted import ScriptedLLM
from rag.values import Candidate, Chosen
from tests.rag.iterate.library import FIRST, QUESTION, SECOND, TEXTS, hostile, shelved

BOTH = shelved(SECOND, FIRST)
Logprobs = tuple[float | None, ...]


def says(
    logprobs: Logprobs, candidates: Sequence[Candidate] = BOTH, threshold: float = 0.0
) -> tuple[bool, ScriptedLLM]:
    llm = ScriptedLLM(choose=lambda _: Chosen(logprobs))
    flow = sufficient(QUESTION, candidates, threshold)
    return asyncio.run(drive(flow, llm)).result, llm


@pytest.mark.parametrize(
    ("logprobs", "enough"),
    [
        ((-0.1, -5.0, -3.0, -6.0), True),
        ((-3.0, -5.0, -0.1, -6.0), False),
        ((-1.0, -1.0, -0.9, -9.0), True),  # two spellings of yes together
        ((-1.0, None, -2.0, None), True),
        ((None, None, -2.0, None), False),
        ((-1.0, None, None, None), False),
        ((None, None, None, None), False),
        ((float("nan"), None, -2.0, None), False),
        ((float("-inf"), None, -2.0, None), False),
        ((-1.0, None, -1.0, None), False),
    ],
)
def test_yes_must_be_likelier_than_no_and_both_must_be_read(
    logprobs: Logprobs, enough: bool
) -> None:
    assert says(logprobs)[0] is enough


def test_the_threshold_is_in_log_odds() -> None:
    assert says((-1.0, None, -3.0, None), threshold=1.9)[0]
    assert not says((-1.0, None, -3.0, None), threshold=2.1)[0]


def test_without_a_document_to_read_nothing_is_asked() -> None:
    for nothing in ([], shelved("hostile", texts=hostile())):
        enough, llm = says((-0.1, -5.0, -3.0, -6.0), nothing)
        assert not enough
        assert llm.history == []


def test_the_model_reads_the_question_and_the_documents() -> None:
    _, llm = says((-0.1, -5.0, -3.0, -6.0))
    (asked,) = llm.history
    (message,) = asked.prompt
    assert all(text in message.content for text in (QUESTION, TEXTS[FIRST], TEXTS[SECOND]))
