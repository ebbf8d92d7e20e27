"""Groups by a language model: questions that a passage answers, kept where search finds it again.

InPars (Bonifacio et al., SIGIR 2022) and Promptagator (Dai et al., ICLR 2023) for the questions and
the round trip; Syntriever (Kim and Baek, arXiv 2502.03824) for passages that the model writes and
judges itself; abstract descriptions, true ones and misleading ones, after Ravfogel et al. (arXiv
2305.12517). The prompts are our own wording.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.flows import Flow
from rag.outside.harmless import harmless
from rag.outside.size import shortened
from rag.prompts import prompt
from rag.rewrite.asking import written
from rag.rewrite.replies import lines
from rag.training.data.finding import Find, hardest
from rag.training.data.shelf import Made
from rag.training.values import Group, Passage
from rag.values import Choose, Chosen, Complete, Frozen

PROMPTS = "rag.training.prompts"
READ = 200  # chosen: tokens of a passage that the model reads
LINE, TEXT = 48, 128  # chosen: tokens of a question, of a passage
LEAST_WORDS = 3  # chosen: "What is it?" asks for nothing


@dataclass(frozen=True, slots=True)
class Writing(Frozen):
    """How is written: so many texts per passage, drawn at a temperature, with seeds from one on."""

    count: int = 1
    temperature: float = 0.7
    seed: int = 0

    def requests(self, name: str, tokens: int, **texts: str) -> list[Complete]:
        """Return the requests for so many texts of one prompt."""
        filled = prompt(name, PROMPTS).fill(**texts)
        return [
            Complete(filled, tokens, self.temperature, self.seed + i) for i in range(self.count)
        ]


def shown(text: str) -> str:
    """Return a passage as a prompt holds it."""
    return shortened(harmless(text), READ)


def questions(text: str, how: Writing) -> Flow[tuple[str, ...]]:
    """Return questions that a passage answers, each on one line, none twice."""
    replies = written((yield how.requests("question", LINE, passage=shown(text))))
    return _lines(replies, text)


def descriptions(text: str, how: Writing) -> Flow[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return abstract descriptions of a passage, those that fit and those that mislead."""
    asked = [
        *how.requests("description", LINE, passage=shown(text)),
        *how.requests("misleading", LINE, passage=shown(text)),
    ]
    replies = written((yield asked))
    return _lines(replies[: how.count], text), _lines(replies[how.count :], text)


@dataclass(frozen=True, slots=True)
class Imagined(Frozen):
    """What a model wrote for a query: passages that answer it, others, and the query expanded."""

    positives: tuple[str, ...]
    negatives: tuple[str, ...]
    expanded: tuple[str, ...]


def imagined(query: str, how: Writing) -> Flow[Imagined]:
    """Return passages for a query; a positive that the model itself refuses is a negative."""
    asked = [
        request
        for name in ("passage", "negative", "expanded")
        for request in how.requests(name, TEXT, question=harmless(query))
    ]
    replies = [" ".join(text.split()) for text in written((yield asked))]
    good, bad, expanded = (replies[i * how.count : (i + 1) * how.count] for i in range(3))
    good, bad = list(filter(None, dict.fromkeys(good))), list(filter(None, dict.fromkeys(bad)))
    asked_again = [_fits(query, text) for text in good]
    replies_again = (yield asked_again) if asked_again else ()
    fits = [_yes(one) for one in replies_again if isinstance(one, Chosen)]
    kept = tuple(text for text, fit in zip(good, fits, strict=True) if fit)
    failed = tuple(text for text, fit in zip(good, fits, strict=True) if not fit)
    others = tuple(text for text in (*failed, *bad) if text not in kept)
    return Imagined(kept, others, tuple(filter(None, dict.fromkeys(expanded))))


async def round_trip(
    passage: Passage, asked: Sequence[str], find: Find, best: int, negatives: int
) -> Made[Group]:
    """Return a group per question whose passage search finds among the best; 0 asks for none.

    Args:
        passage: what the questions were written for.
        asked: the questions.
        find: searches the corpus.
        best: how far down the passage may be found.
        negatives: how many are found beside it.
    """
    groups = []
    for number, query in enumerate(asked):
        found = await find(query, max(best, negatives + 1))
        if best and passage.id not in {one.id for one in found[:best]}:
            continue
        others = await hardest(find, query, negatives, [passage])
        positive = replace(passage, grade=1, score=None)
        groups.append(Group(f"{passage.id}?{number}", query, (positive, *others)))
    if not asked:
        return Made((), "no question that can be asked")
    return Made(tuple(groups), "" if groups else "not found again")


def with_imagined(group: Group, made: Imagined) -> tuple[Group, ...]:
    """Return a group with what was imagined for it, and one more per expanded query."""
    own = [Passage(f"{group.id}+{i}", text, 1) for i, text in enumerate(made.positives)]
    others = [Passage(f"{group.id}-{i}", text) for i, text in enumerate(made.negatives)]
    known = {p.text for p in group.passages}
    positives = (*group.positives, *(p for p in own if p.text not in known))
    negatives = (*(p for p in others if p.text not in known), *group.negatives)
    whole = replace(group, passages=(*positives, *negatives))
    more = (
        replace(whole, id=f"{group.id}~{i}", query=query)
        for i, query in enumerate(made.expanded)
        if query != group.query
    )
    return (whole, *more)


def described(
    passage: Passage, fitting: Sequence[str], misleading: Sequence[str], others: Sequence[Passage]
) -> Made[Group]:
    """Return a group per description that fits, each against those that mislead."""
    positive = replace(passage, grade=1, score=None)
    groups = tuple(
        Group(f"{passage.id}!{i}", text, (positive, *others), tuple(misleading))
        for i, text in enumerate(fitting)
    )
    return Made(groups, "" if groups else "no description that can be used")


def _fits(query: str, text: str) -> Choose:
    filled = prompt("verify", PROMPTS).fill(question=harmless(query), passage=shown(text))
    return Choose(filled, ("yes", "no"))


def _yes(chosen: Chosen) -> bool:
    yes, no = (-math.inf if p is None else p for p in chosen.logprobs)
    return yes > no


def _lines(replies: Sequence[str], text: str) -> tuple[str, ...]:
    """Return the first line of each reply that says something, and does not copy the passage."""
    found = [next(iter(lines(reply)), "") for reply in replies]
    good = (one for one in found if len(one.split()) >= LEAST_WORDS and one not in text)
    return tuple(dict.fromkeys(good))
