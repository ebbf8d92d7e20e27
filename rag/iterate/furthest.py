"""Furthest reasoning with a plan assessor (FuRePA).

Zhu et al. 2023, "Furthest Reasoning with Plan Assessment" (arXiv 2309.12767). Every round reasons
anew from the question and the documents: what was thought and searched before is hidden, so a wrong
step is not carried on. Several plans are drawn, and the one that promises most is followed.
The paper trains its assessor; ours asks the model and counts what each search really brings.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rag.errors import RagError
from rag.flows import Flow
from rag.iterate.asking import affirmed, drafted
from rag.iterate.gathered import Check, Gathered, Stop, Trail, gathering
from rag.iterate.ircot import answers
from rag.iterate.queries import cleaned
from rag.iterate.reading import asked, documents
from rag.logistic import sigmoid
from rag.prompts import prompt
from rag.values import Candidate, Complete, Frozen

_QUERY = re.compile(r"\bquery:", re.IGNORECASE)
_TOKENS = 96  # chosen: a sentence of reasoning and a query


@dataclass(frozen=True, slots=True)
class Drawing(Frozen):
    """How plans are drawn: `plans` per round, each with a seed of its own from `seed` on."""

    plans: int = 3
    temperature: float = 0.7
    seed: int = 0


USUAL = Drawing()


def furthest(
    question: str,
    *,
    k: int = 10,
    rounds: int = 3,
    drawing: Drawing = USUAL,
    check: Check | None = None,
) -> Flow[Gathered]:
    """Gather documents by following the best of several plans per round.

    What the best plan found is read from then on. What the others found is kept with less weight,
    for a reranker to judge, but is not read: a plan that was turned down must not steer the next.

    Args:
        question: as it stands for itself.
        k: chunks per search.
        rounds: plans followed at most.
        drawing: how many plans a round has, and how they are drawn.
        check: asked before every round whether what was found is enough.

    Raises:
        RagError: the first search failed.
    """
    return gathering(question, partial(_rounds, rounds=rounds, drawing=drawing, check=check), k)


def planned(reply: str) -> str:
    r"""Return the query of a plan: what follows the last "Query:", or else its last line.

    >>> planned("The director is Jane Doe.\nQuery: where was Jane Doe born"), planned("Jane Doe")
    ('where was Jane Doe born', 'Jane Doe')
    """
    lines = [line for line in reply.splitlines() if cleaned(line)]
    for line in reversed(lines):
        _, *queries = _QUERY.split(line)
        if queries and cleaned(queries[-1]):
            return cleaned(queries[-1])
    return cleaned(lines[-1]) if lines else ""


def _rounds(trail: Trail, rounds: int, drawing: Drawing, check: Check | None) -> Flow[Stop]:
    for turn in range(rounds):
        if (yield from trail.enough(check)):
            return "sufficient"
        replies = yield from _draws(trail, turn, drawing)
        if 2 * sum(map(answers, replies)) > len(replies):
            trail.note(next(filter(answers, replies)), "the answer of most plans")
            return "answered"
        drawn = dict.fromkeys(planned(reply) for reply in replies if not answers(reply))
        stops = {query: trail.check(query) for query in drawn}
        queries = [query for query, stop in stops.items() if stop is None]
        if not queries:
            return "nothing new" if "nothing new" in stops.values() else "failed"
        if not (yield from _followed(trail, queries)):
            return "nothing new"
    return "rounds"


def _draws(trail: Trail, turn: int, drawing: Drawing) -> Flow[tuple[str, ...]]:
    wanted = prompt("iterate-plan").fill(
        documents=documents(trail.read), question=asked(trail.question)
    )
    first = drawing.seed + turn * drawing.plans
    return (
        yield from drafted(
            [
                Complete(wanted, _TOKENS, drawing.temperature, first + i)
                for i in range(drawing.plans)
            ]
        )
    )


def _followed(trail: Trail, queries: Sequence[str]) -> Flow[int]:
    """Search for all plans, keep the best one's chunks and set the others' aside.

    Returns:
        How many of the best plan's chunks the model has not read yet.
    """
    found = yield from trail.look(queries)
    read = {one.chunk.id for one in trail.read}
    new = [len({one.chunk.id for one in ranking} - read) for ranking in found]
    best: int | None = None
    try:
        best = yield from _best(trail, queries, new)
    except RagError:  # what was found for all plans is kept, none of it as chosen
        _keep(trail, queries, found, None)
        raise
    _keep(trail, queries, found, best)
    return new[best]


def _keep(
    trail: Trail,
    queries: Sequence[str],
    found: Sequence[tuple[Candidate, ...]],
    best: int | None,
) -> None:
    for i, (query, ranking) in enumerate(zip(queries, found, strict=True)):
        why = "the best plan" if i == best else "another plan, set aside"
        trail.keep(query, why, ranking, aside=i != best)


def _best(trail: Trail, queries: Sequence[str], new: Sequence[int]) -> Flow[int]:
    """Return the place of the plan with the most new chunks that one may expect to help.

    That is P(it helps) · new chunks; of equal ones, the first. A plan of which the model said
    nothing that can be read has P = .5. A sole plan, or plans that bring nothing, are not assessed.
    """
    if len(queries) == 1 or not any(new):
        return 0
    read, question = documents(trail.read), asked(trail.question)
    odds = yield from affirmed(
        [
            prompt("iterate-assess").fill(documents=read, question=question, query=query)
            for query in queries
        ]
    )
    worth = [sigmoid(one or 0.0) * count for one, count in zip(odds, new, strict=True)]
    return max(range(len(worth)), key=worth.__getitem__)
