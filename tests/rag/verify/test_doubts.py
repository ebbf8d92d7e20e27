"""A model is heard about sentences in doubt, and about no others."""

import asyncio

import pytest

from rag.errors import BudgetExceeded
from rag.flows import Budget
from rag.llms.scripted import ScriptedLLM
from rag.seams import LLM
from rag.values import Chosen, Cost, Sentence
from rag.verify.doubts import by_flow, heard_out
from rag.verify.entailment import entailed
from rag.verify.ladder import FULL, PARTIAL
from rag.verify.pruning import checked
from tests.rag.verify.harbour import COLD, DOGS, judge, sentence

NEAR = "The freezer for samples is cold in summer and winter."


def seen(text: str, *quotes: str) -> Sentence:
    return checked(sentence(text, *quotes), judge([text]))


def heard(
    logprobs: tuple[float | None, ...], *sentences: Sentence, budget: Budget | None = None
) -> tuple[tuple[Sentence, ...], Cost, ScriptedLLM]:
    llm = ScriptedLLM(choose=lambda _: Chosen(logprobs))

    async def give() -> LLM:
        return llm

    ask = by_flow(entailed, give, budget or Budget())
    found, cost = asyncio.run(heard_out(sentences, ask))
    return found, cost, llm


@pytest.mark.parametrize(
    ("logprobs", "support"),
    [
        ((-0.01, None, -9.0, None), "full"),
        ((-9.0, None, -0.01, None), "none"),
        ((None, None, None, None), "partial"),
    ],
)
def test_a_model_settles_a_doubt_as_far_as_it_can_be_read(
    logprobs: tuple[float | None, ...], support: str
) -> None:
    doubtful = seen(NEAR, COLD)
    assert doubtful.support == "partial"
    assert PARTIAL <= doubtful.citations[0].score < FULL
    ((found,), cost, _) = heard(logprobs, doubtful)
    assert found.support == support
    assert cost.calls == 1
    model = support != "partial"
    assert (found.citations[0].method == "overlap+model") == model


def test_a_model_is_asked_only_in_doubt_and_in_one_batch() -> None:
    sure = (seen(COLD, COLD), seen(COLD.replace("36", "48"), COLD), seen(COLD, DOGS))
    found, cost, llm = heard((-0.01, None, -9.0, None), *sure, seen(NEAR, COLD), seen(NEAR, COLD))
    assert found[:3] == sure
    assert [one.support for one in found[3:]] == ["full", "full"]
    assert (len(llm.history), cost.depth) == (2, 1)
    found, cost, llm = heard((), *sure)
    assert (found, cost, llm.history) == (sure, Cost(), [])


def test_a_model_that_may_not_be_asked_is_an_error() -> None:
    with pytest.raises(BudgetExceeded):
        heard((), seen(NEAR, COLD), budget=Budget(calls=0))
