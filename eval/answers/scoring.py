"""Answers against what people know of the questions: coverage, groundedness, claims, abstention.

Two axes and never one number: how much of what should be said is said, and how much of what is
said is carried. Systems stand in different orders on them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eval.answers.asking import Checked
from eval.answers.citations import CitationScores
from eval.answers.claims import Decomposition, Entailed, Held, decomposed, ungraded
from eval.answers.judge import AnswerJudge
from eval.answers.nuggetizing import Made
from eval.answers.nuggets import NuggetScores, scored
from eval.answers.references import Reference
from rag.showing import Show, silent
from rag.values import Cost, Frozen, Support

_HELD: Mapping[Support, Held] = {"full": True, "partial": False, "none": False, "unknown": None}


@dataclass(frozen=True, slots=True)
class Scores(Frozen):
    """What a judge says of the answer to one question.

    `nuggets` is None where the question has none. `unmade` counts what was missing when nuggets
    were made for it.
    """

    query_id: str
    answerable: bool | None
    answered: bool
    words: int
    citations: CitationScores
    nuggets: NuggetScores | None
    claims: Decomposition
    unmade: int = 0


@dataclass(frozen=True, slots=True)
class Judged(Frozen):
    """What one judge says of all answers, what that cost, and the nuggets that it made."""

    judge: str
    scores: tuple[Scores, ...]
    cost: Cost = field(default_factory=Cost)
    made: Mapping[str, Made] = field(default_factory=dict)


def together(each: Sequence[Sequence[Judged]]) -> tuple[Judged, ...]:
    """Return what the same judges say of several sets of answers as what they say of all."""
    return tuple(
        Judged(
            same[0].judge,
            tuple(score for one in same for score in one.scores),
            sum((one.cost for one in same), Cost()),
            {query_id: made for one in same for query_id, made in one.made.items()},
        )
        for same in zip(*each, strict=True)
    )


async def judged(
    checked: Sequence[Checked],
    queries: Mapping[str, str],
    references: Mapping[str, Reference],
    judge: AnswerJudge,
    show: Show = silent,
) -> Judged:
    """Return what a judge says of answers.

    Args:
        checked: the answers; those to questions without a reference are judged without one.
        queries: texts by id.
        references: by the query's id.
        judge: asked about one answer after the other.
        show: told how far it is.

    Raises:
        Unavailable: the judge never answered.
    """
    scores, made = [], {}
    for done, one in enumerate(checked, start=1):
        query_id = one.told.query_id
        reference = references.get(query_id, Reference())
        nuggets = await judge.nuggets(queries[query_id], reference)
        if nuggets.nuggets and not reference.nuggets:
            made[query_id] = nuggets
        scores.append(await score(one, queries[query_id], reference, judge, nuggets))
        show(f"judge by {judge.name}", done, len(checked))
        await asyncio.sleep(0)  # let Ctrl-C through
    return Judged(judge.name, tuple(scores), judge.cost, made)


async def score(
    checked: Checked, question: str, reference: Reference, judge: AnswerJudge, made: Made
) -> Scores:
    """Return what a judge says of one answer.

    Args:
        checked: the answer.
        question: its question.
        reference: what is known of that.
        judge: asked.
        made: the question's nuggets.
    """
    answer = checked.told.answer
    text = " ".join(one.text for one in answer.sentences)
    nuggets = None
    if made.nuggets:
        held = await judge.assigned(question, text, made.nuggets)
        nuggets = scored([one.importance for one in made.nuggets], held)
    return Scores(
        checked.told.query_id,
        reference.answerable,
        not answer.abstained,
        len(text.split()),
        await judge.cited(checked),
        nuggets,
        await _claims(text, question, checked.told.passages, reference.answers, judge),
        made.failed,
    )


async def _claims(
    text: str, question: str, chunks: Sequence[str], gold: Sequence[str], judge: AnswerJudge
) -> Decomposition:
    """Return the decomposition of an answer; without an answer by people, what needs none.

    Several answers by people are read as one: a claim that stands in any of them is right.
    """
    said = await judge.claims(question, [text] if text else [])
    wanted = await judge.claims(question, gold)
    if said is None or wanted is None:
        return Decomposition(failed=(said is None) + (wanted is None))
    asked = [
        *((tuple(gold), claim) for claim in said),
        *(((text,), claim) for claim in wanted),
        *(((chunk,), claim) for claim in (*said, *wanted) for chunk in chunks),
    ]
    held = [_HELD[one] for one in await judge.supports(asked)]
    right, reached = held[: len(said)], held[len(said) : len(said) + len(wanted)]
    rows = held[len(said) + len(wanted) :]
    width = len(chunks)
    every = [tuple(rows[i * width : (i + 1) * width]) for i in range(len(said) + len(wanted))]
    found, given = tuple(every[: len(said)]), tuple(every[len(said) :])
    if not wanted:
        return ungraded(found)
    return decomposed(Entailed(tuple(right), tuple(reached), found, given))
