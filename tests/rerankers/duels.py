"""Scripted models that compare two passages, by reading which of them a prompt shows first."""

import asyncio
import math
import re
from collections.abc import Callable

from rag.flows import Budget, Driven, drive
from rag.llms.scripted import ScriptedLLM
from rag.values import Choose, Chosen, Complete, Score
from rerankers.ordering import Ordering, Ranker

Taste = Callable[[str, str], float]
"""How far a model leans to the text shown first."""

UNLIMITED = Budget(calls=math.inf)
ASKED = re.compile(r"Passage A: (.*)\n\nPassage B: (.*)\n\n")


def shown_texts(request: Choose | Score | Complete) -> tuple[str, str]:
    """Return the texts shown as A and as B in the last question."""
    question = [m for m in request.prompt if m.role == "user"][-1]
    found = ASKED.search(question.content)
    assert found
    return found[1], found[2]


def duelling(taste: Taste) -> ScriptedLLM:
    """Return a model that answers by its taste, in letters and in words."""

    def choose(request: Choose) -> Chosen:
        lean = taste(*shown_texts(request))
        assert [label.strip() for label in request.labels] == ["A", "B"]
        return Chosen((-math.log1p(math.exp(-lean)), -math.log1p(math.exp(lean))))

    def complete(request: Complete) -> str:
        lean = taste(*shown_texts(request))
        return "Passage A." if lean > 0 else "Passage B." if lean < 0 else "Neither."

    return ScriptedLLM(choose=choose, complete=complete)


def numbered(n: int) -> list[str]:
    """Return texts that name their number."""
    return [f"p{i}" for i in range(n)]


def worth(text: str) -> float:
    """Return what a numbered text is worth: less for the higher numbers of every seven."""
    return float(int(text[1:]) * 5 % 7)


def by_worth(first: str, second: str) -> float:
    """Lean to the text that is worth more."""
    return worth(first) - worth(second)


def run(ranker: Ranker, llm: ScriptedLLM, budget: Budget = UNLIMITED) -> Driven[Ordering]:
    """Drive a ranker to its end."""
    return asyncio.run(drive(ranker, llm, budget))
