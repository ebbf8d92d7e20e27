"""Nuggets by a language model: made from passages, weighed, and looked for in an answer.

The structure is that of AutoNuggetizer (Pradeep et al., arXiv 2411.09607 and 2504.15068), the
wording of the prompts our own. Every step reads windows of ten. What could not be read twice is
missing and counted; there it falls back to "okay", or to no support.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from eval.answers.nuggets import Assigned, Importance, Nugget
from eval.answers.replies import labelled, parse_list, written
from rag.flows import Flow
from rag.outside.harmless import harmless
from rag.outside.size import shortened
from rag.prompts import prompt
from rag.values import Frozen, Prompt

WINDOW = 10
MOST, KEPT, WORDS = 30, 20, 12
"""Nuggets that are made, those kept, and the words of one (arXiv 2411.09607)."""

PASSAGE, ANSWER, QUESTION = 250, 1_200, 200  # chosen: of size; ten passages are 2,500 tokens
_LIST_TOKENS = 640  # chosen: thirty nuggets of twelve words, and their marks

IMPORTANCES: Mapping[str, Importance] = {"vital": "vital", "okay": "okay", "ok": "okay"}
ASSIGNED: Mapping[str, Assigned] = {
    "support": "support",
    "partial support": "partial_support",
    "not support": "not_support",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Made(Frozen):
    """Nuggets, the vital first, and how many windows and importances could not be read."""

    nuggets: tuple[Nugget, ...] = ()
    failed: int = 0


def nuggets(question: str, passages: Sequence[str]) -> Flow[Made]:
    """Return the nuggets of passages that bear on a question, at most twenty, the vital first.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    texts, unread = yield from created(question, passages)
    made = yield from weighed(question, texts)
    return Made(made.nuggets[:KEPT], made.failed + unread)


def created(question: str, passages: Sequence[str]) -> Flow[tuple[tuple[str, ...], int]]:
    """Return the texts of nuggets, and the number of windows that could not be read.

    The model is shown what it has so far and writes the whole list anew; a window that cannot be
    read, or has nothing to add, leaves the list as it was.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    texts: tuple[str, ...] = ()
    failed = 0
    for window in windows(passages):
        filled = prompt("nuggets-create").fill(
            question=asked(question),
            passages=numbered([shortened(harmless(text), PASSAGE) for text in window]),
            nuggets="\n".join(f"- {text}" for text in texts) or "(none)",
            most=str(MOST),
            words=str(WORDS),
        )
        (found,) = yield from written(
            [filled], _LIST_TOKENS, lambda reply: parse_list(reply, MOST, WORDS)
        )
        failed += found is None
        texts = found or texts
    return texts, failed


def weighed(question: str, texts: Sequence[str]) -> Flow[Made]:
    """Return texts as nuggets, the vital first, and the number of those left out as unreadable.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    labels = yield from _windowed("nuggets-weigh", texts, IMPORTANCES, question=asked(question))
    found = [Nugget(text, label) for text, label in zip(texts, labels, strict=True) if label]
    found.sort(key=lambda one: one.importance != "vital")
    return Made(tuple(found), len(texts) - len(found))


def assigned(question: str, answer: str, texts: Sequence[str]) -> Flow[tuple[Assigned, ...]]:
    """Return for each nugget whether an answer supports it, "failed" where that was not read.

    An answer without text supports none, and nobody is asked.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    if not answer.strip():
        return tuple("not_support" for _ in texts)
    labels = yield from _windowed(
        "nuggets-assign",
        texts,
        ASSIGNED,
        question=asked(question),
        answer=shortened(harmless(answer), ANSWER),
    )
    return tuple(label or "failed" for label in labels)


def _windowed(
    name: str, texts: Sequence[str], labels: Mapping[str, T], **filled: str
) -> Flow[tuple[T | None, ...]]:
    """Return a label for each nugget, asked ten at a time in one batch."""
    prompts: list[tuple[Prompt, int]] = [
        (prompt(name).fill(nuggets=numbered([harmless(t) for t in window]), **filled), len(window))
        for window in windows(texts)
    ]
    found = yield from labelled(prompts, labels)
    return tuple(label for each in found for label in each)


def windows(items: Sequence[str]) -> list[Sequence[str]]:
    """Return items ten by ten.

    >>> [len(window) for window in windows(["x"] * 25)]
    [10, 10, 5]
    """
    return [items[i : i + WINDOW] for i in range(0, len(items), WINDOW)]


def numbered(texts: Sequence[str]) -> str:
    r"""Return texts on lines with numbers from 1.

    >>> numbered(["one", "two"])
    '1. one\n2. two'
    """
    return "\n".join(f"{i}. {text}" for i, text in enumerate(texts, start=1))


def asked(question: str) -> str:
    """Return a question as prompts hold it."""
    return shortened(harmless(question), QUESTION)
