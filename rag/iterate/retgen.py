"""Iter-RetGen: the last answer is added to the next query.

Shao et al., EMNLP Findings 2023 (arXiv 2305.15294). The cheapest iteration: nothing of an answer
must be understood, for even a wrong one names what the right one is near to.
"""

from functools import partial

from rag.flows import Flow
from rag.iterate.asking import written
from rag.iterate.gathered import Check, Gathered, Stop, Trail, gathering
from rag.iterate.queries import joined
from rag.iterate.reading import asked, documents
from rag.prompts import prompt

_TOKENS = 64  # chosen: one sentence, with room


def retgen(
    question: str, *, k: int = 10, rounds: int = 2, check: Check | None = None
) -> Flow[Gathered]:
    """Gather documents by searching with the question and the last answer.

    It ends when an answer repeats, when a search brings no new chunk, and after so many rounds.

    Args:
        question: as it stands for itself.
        k: chunks per search.
        rounds: answers at most; two make the three searches of the paper.
        check: asked before every round whether what was found is enough.

    Raises:
        RagError: the first search failed.
    """
    return gathering(question, partial(_rounds, rounds=rounds, check=check), k)


def _rounds(trail: Trail, rounds: int, check: Check | None) -> Flow[Stop]:
    for _ in range(rounds):
        if (yield from trail.enough(check)):
            return "sufficient"
        wanted = prompt("iterate-answer").fill(
            documents=documents(trail.last), question=asked(trail.question)
        )
        answer = joined((yield from written(wanted, _TOKENS)))
        query = f"{trail.question} {answer}"
        if stop := trail.check(query, answer):
            return "answered" if stop == "nothing new" else stop
        if not (yield from trail.search([query], "the question and the last answer")):
            return "nothing new"
    return "rounds"
