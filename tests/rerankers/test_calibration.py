"""A model's liking for a letter is measured on neutral texts, and taken off."""

import asyncio
import math
from collections.abc import Callable

import pytest

from rag.errors import LLMUnavailable
from rag.flows import drive
from rag.llms.scripted import ScriptedLLM
from rag.values import Choose, Chosen
from rerankers.asking import ranking
from rerankers.calibration import letter_prior, normalised, rotations
from rerankers.first import First
from rerankers.passages import harmless, suspicions
from rerankers.samples import PASSAGES, QUERIES
from rerankers.schedules import single
from rerankers.setwise import Setwise

LIKING = (2.0, -1.0, 0.5, 0.0, -3.0, 1.0)  # per letter, more than the contents differ
QUALITY = {"bad": -1.0, "fair": -0.5, "good": -0.1}


def opinionated(quality: Callable[[str], float]) -> ScriptedLLM:
    """A model that likes letters as above, and contents by their quality."""

    def choose(request: Choose) -> Chosen:
        lines = [x for m in request.prompt for x in m.content.splitlines()]
        shown = [x.split(maxsplit=1)[1] for x in lines if x.startswith("[") and len(x) > 1]
        scores = [quality(text) + like for text, like in zip(shown, LIKING, strict=False)]
        total = math.log(sum(math.exp(score) for score in scores))
        return Chosen(tuple(score - total for score in scores))

    return ScriptedLLM(choose)


def measured(size: int = len(LIKING)) -> tuple[float, ...]:
    askers = [First(query, PASSAGES, size=size) for query in QUERIES]
    llm = opinionated(lambda text: -len(text) / 50)
    return asyncio.run(drive(letter_prior(askers, size), llm)).result


def test_a_planted_liking_is_found_whatever_the_contents_are() -> None:
    assert measured() == pytest.approx(normalised(LIKING))
    assert math.fsum(map(math.exp, measured())) == pytest.approx(1.0)


def test_without_the_liking_the_order_is_that_of_the_contents() -> None:
    passages = ["fair", "bad", "good", "bad", "good", "fair"]
    llm = opinionated(QUALITY.__getitem__)

    def order(prior: tuple[float, ...]) -> tuple[int, ...]:
        asker = First("which?", passages, size=6, prior=prior)
        return asyncio.run(drive(ranking(single(6), asker), llm)).result.order

    assert order(()) != (2, 4, 0, 5, 1, 3)
    assert order(measured()) == (2, 4, 0, 5, 1, 3)  # equals in the first stage's order


def test_every_passage_stands_behind_every_letter_once_in_one_batch() -> None:
    assert [sorted(column) for column in zip(*rotations(5), strict=True)] == [[*range(5)]] * 5
    llm = opinionated(lambda _: 0.0)
    askers = [First(query, PASSAGES, size=5) for query in QUERIES]
    driven = asyncio.run(drive(letter_prior(askers, 5), llm))
    assert (driven.cost.calls, driven.cost.depth) == (5 * len(QUERIES), 1)


def test_any_asker_that_chooses_can_be_measured() -> None:
    llm = ScriptedLLM(lambda r: Chosen((-1.0, -2.0, None)[: len(r.labels)]))
    driven = asyncio.run(drive(letter_prior([Setwise(QUERIES[0], PASSAGES)], 3), llm))
    assert driven.result == pytest.approx(normalised((-1.0, -2.0, -3.0)))


def test_a_model_that_fails_gives_no_prior() -> None:
    def fail(_: Choose) -> Chosen:
        raise LLMUnavailable("gone")

    with pytest.raises(LLMUnavailable):
        asyncio.run(drive(letter_prior([First("?", PASSAGES)], 3), ScriptedLLM(fail)))


def test_the_samples_are_enough_distinct_and_harmless() -> None:
    assert len(set(PASSAGES)) == len(PASSAGES) == 26  # as many as there are letters
    for text in (*QUERIES, *PASSAGES):
        assert harmless(text) == text
        assert suspicions(text) == ()
