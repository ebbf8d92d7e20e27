"""IRCoT: every sentence of a chain of thought is the next query.

Trivedi et al., ACL 2023 (arXiv 2212.10509).
"""

import re
from collections.abc import Sequence
from functools import partial

from rag.citing.sentences import sentences
from rag.flows import Flow
from rag.iterate.asking import written
from rag.iterate.gathered import Check, Gathered, Stop, Trail, gathering
from rag.iterate.queries import cleaned
from rag.iterate.reading import asked, documents
from rag.outside.words import same
from rag.prompts import prompt

_TOKENS = 64  # chosen: one sentence, with room
_ANSWER = re.compile(r"\bthe answer is\b(?!\W*(?:not|unknown|unclear)\b)", re.IGNORECASE)
_NONE_YET = "(none yet)"


def ircot(
    question: str, *, k: int = 10, rounds: int = 3, check: Check | None = None
) -> Flow[Gathered]:
    """Gather documents by searching with one sentence of reasoning per round.

    It ends when a sentence says "the answer is", when one repeats, when a search brings no new
    chunk, and after so many rounds.

    Args:
        question: as it stands for itself.
        k: chunks per search.
        rounds: sentences at most.
        check: asked before every round whether what was found is enough.

    Raises:
        RagError: the first search failed.
    """
    return gathering(question, partial(_rounds, rounds=rounds, check=check), k)


def answers(text: str) -> bool:
    """Whether a sentence of reasoning comes to an answer.

    >>> answers("So The Answer Is: 3.5."), answers("The answer is not in the documents.")
    (True, False)
    """
    return bool(_ANSWER.search(text))


def next_thought(reply: str, before: Sequence[str]) -> str:
    """Return the first sentence of a reply that is not among those before; "" where none is.

    Small models begin again from the start. Borders are those of sentencex: neither an abbreviation
    nor a decimal ends a sentence.

    >>> next_thought("It was shot in the U.S. for 3.5 million. Then?", [])
    'It was shot in the U.S. for 3.5 million.'
    """
    known = {same(thought) for thought in before}
    spans = [reply[span.start : span.end] for span in sentences(reply)]
    for text in spans or [reply]:
        thought = cleaned(" ".join(text.split()))
        if thought and same(thought) not in known:
            return thought
    return ""


def _rounds(trail: Trail, rounds: int, check: Check | None) -> Flow[Stop]:
    thoughts: list[str] = []
    for _ in range(rounds):
        if (yield from trail.enough(check)):
            return "sufficient"
        reply = yield from _reasoned(trail, thoughts)
        thought = next_thought(reply, thoughts)
        if not thought and cleaned(reply):
            trail.note(cleaned(reply), "not searched: the thought repeats")
            return "nothing new"
        if answers(thought):
            trail.note(thought, "the answer")
            return "answered"
        if stop := trail.check(thought):
            return stop
        thoughts.append(thought)
        if not (yield from trail.search([thought], "a thought")):
            return "nothing new"
    return "rounds"


def _reasoned(trail: Trail, thoughts: Sequence[str]) -> Flow[str]:
    wanted = prompt("iterate-thought").fill(
        documents=documents(trail.read),
        question=asked(trail.question),
        thoughts=" ".join(thoughts) or _NONE_YET,
    )
    return (yield from written(wanted, _TOKENS))
