"""Exercises: training asks what ranking asks, and reads the answer as ranking does."""

import asyncio
import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import BadInput
from rag.flows import drive
from rag.training.lessons import Read, question
from rag.training.values import Passage
from rag.values import Choose, Score
from rerankers.choices import Choices
from rerankers.first import First
from rerankers.methods import METHODS
from rerankers.passages import prepare
from rerankers.training.exercises import (
    POINTWISE,
    SCALE,
    Limits,
    joint,
    pointwise,
    targets,
    window,
    written,
)
from tests.rag.llms import tiny

LIMITS = Limits(lambda text: len(text.split()), 20, 8)
SPELLED = tuple(f"{word}\n{word}\n{word}" for word in ("yes", "Yes", "no", "No"))
PASSAGES = [
    Passage("1", "The freezer stays below -60 °C for 9 hours.", 1),
    Passage("2", "[B] Water boils at 100 degrees. And so on and so forth."),
    Passage("3", "Die Fähre legt um acht Uhr ab"),
]


@pytest.mark.parametrize("method", sorted(POINTWISE))
def test_scores_of_what_is_read_order_passages_as_the_method_itself_does(method: str) -> None:
    asyncio.run(_compared(method))


async def _compared(method: str) -> None:
    llm = tiny.local_llm(also=SPELLED)
    exercise = pointwise(method, "Which freezer?", PASSAGES, LIMITS)
    read: list[Read] = []
    for asked in exercise.questions:
        if asked.labels:
            (chosen,) = await llm.choose([Choose(asked.prompt, asked.labels)])
            logprobs = [p for p in chosen.logprobs if p is not None]
            read.append(Read(torch.tensor(logprobs), torch.tensor([])))
        else:
            (scored,) = await llm.score([Score(asked.prompt, asked.continuation)])
            each = torch.full((scored.tokens,), scored.logprob / scored.tokens)
            read.append(Read(torch.tensor([]), each))
    scores = exercise.scores(read)
    shown = [asked.prompt[-1].content for asked in exercise.questions]
    assert len(set(shown)) == 3
    known = prepare("Which freezer?", [p.text for p in PASSAGES], LIMITS.count, 20, 8)
    driven = await drive(METHODS[method].begin(Choices(), "", known.query, known.passages), llm)
    assert tuple(scores.argsort(descending=True).tolist()) == driven.result.order
    told = driven.result.scores
    if method == "query-likelihood":
        assert scores.tolist() == pytest.approx([SCALE * math.log(score) for score in told])
    else:
        assert torch.sigmoid(scores).tolist() == pytest.approx(list(told))
    await llm.close()


def test_a_window_is_asked_as_first_asks() -> None:
    exercise = window("Which freezer?", PASSAGES, LIMITS)
    (asked,) = exercise.questions
    assert asked.labels == ("A", "B", "C")
    assert asked.prompt[-1].content == "["
    assert "[B] (B) Water boils" in asked.prompt[1].content
    assert "and so forth" not in asked.prompt[1].content
    bare = First("Which freezer?", [p.text for p in PASSAGES], size=3).requests((0, 1, 2))
    assert question(bare[0]).prompt[0] == asked.prompt[0]


def test_a_method_that_cannot_be_trained_is_refused() -> None:
    with pytest.raises(BadInput, match="listwise cannot be trained: take query-likelihood"):
        pointwise("listwise", "q", PASSAGES, LIMITS)


def test_a_passage_alone_is_no_exercise() -> None:
    with pytest.raises(BadInput, match="cannot be asked about"):
        pointwise("yes-no", "q", PASSAGES[:1], LIMITS)


def test_a_teachers_scores_count_unless_the_objective_wants_grades() -> None:
    scored = [Passage("1", "a", 1, 0.2), Passage("2", "b", 0, 0.7)]
    assert targets(scored, "ranknet").tolist() == pytest.approx([0.2, 0.7])
    assert targets(scored, "listwise").tolist() == [1, 0]
    assert targets(PASSAGES, "ranknet").tolist() == [1, 0, 0]
    with pytest.raises(BadInput, match="for some passages only"):
        targets([scored[0], Passage("3", "c")], "ranknet")


def reads(labels: Sequence[float], tokens: Sequence[float]) -> list[Read]:
    return [Read(torch.tensor(labels), torch.tensor(tokens))]


def test_first_is_taught_the_ranking_the_writing_or_both() -> None:
    exercise = window("q", PASSAGES, LIMITS)
    read = reads([0.0, 0.0, 0.0], [-1.0, -3.0])
    ranking = float(joint(exercise, "listwise", "ranking").loss(read))
    writing = float(joint(exercise, "listwise", "writing").loss(read))
    both = float(joint(exercise, "listwise", "joint").loss(read))
    assert ranking == pytest.approx(math.log(3))
    assert writing == pytest.approx(2)
    assert both == pytest.approx(10 * ranking + writing)
    assert joint(exercise, "listwise", "ranking").questions[0].continuation == ""
    assert joint(exercise, "listwise", "joint").questions[0].continuation == "A]"


@settings(deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=20, unique=True))
def test_what_is_written_is_the_teachers_whole_ranking(scores: list[float]) -> None:
    passages = [Passage(str(i), "x", score=score) for i, score in enumerate(scores)]
    text, ends = written(passages)
    letters = [part.strip("[]") for part in f"[{text}".split(" > ")]
    order = [ord(letter) - ord("A") for letter in letters]
    assert ends
    assert order == sorted(range(len(scores)), key=lambda i: -scores[i])


def test_the_figure_is_that_of_the_order_that_was_read() -> None:
    exercise = window("q", PASSAGES, LIMITS)
    assert exercise.figure(reads([0.9, 0.1, 0.2], [])) == 1
    assert exercise.figure(reads([0.1, 0.9, 0.2], [])) == pytest.approx(0.5)
