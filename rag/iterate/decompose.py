"""Decomposition: the parts of a question are searched side by side.

"Question Decomposition for Retrieval-Augmented Generation" (arXiv 2507.00355): search for every
sub-question, merge, then rerank against the original question. A sub-question that needs the answer
to an earlier one names it, as in "Where was #1 born?", and waits for it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from rag.flows import Flow
from rag.iterate.asking import drafted
from rag.iterate.gathered import Check, Gathered, Stop, Trail, gathering
from rag.iterate.queries import cleaned, fault
from rag.iterate.reading import asked, documents
from rag.outside.harmless import harmless
from rag.prompts import prompt
from rag.values import Candidate, Complete

Decompose: TypeAlias = Callable[[str], Flow[tuple[str, ...]]]
"""Returns the sub-questions of a question; "#1" or "[1]" stands for the answer to the first."""

PARTS = 5  # chosen
_READ = 5  # passages from which an answer is read
_WORDS = 10  # chosen: a name, a date, a place
_TOKENS = 32
_PLACEHOLDER = re.compile(r"\[#?(\d{1,2})\]|#(\d{1,2})\b")
_AROUND = " .,;:!?\"'`*_“”„«»"
_UNKNOWN = re.compile(
    r"(?:unknown|none|not (?:stated|given|known|mentioned|found|in the)|no answer|n/?a)\b",
    re.IGNORECASE,
)


def decomposed(
    question: str,
    decompose: Decompose,
    *,
    k: int = 10,
    parts: int = PARTS,
    check: Check | None = None,
) -> Flow[Gathered]:
    """Gather documents for a question and its sub-questions.

    All sub-questions that wait for nothing are searched at once; then those whose answers could be
    read from what was found, and so on. One whose answer could not be read is not searched.

    Args:
        question: as it stands for itself.
        decompose: finds the sub-questions.
        k: chunks per search.
        parts: sub-questions at most; the first are taken.
        check: asked before every batch of sub-questions whether what was found is enough.

    Raises:
        RagError: the first search failed.
    """
    return gathering(question, partial(_parts, decompose=decompose, parts=parts, check=check), k)


def needs(part: str, number: int) -> frozenset[int]:
    """Return the numbers of the earlier sub-questions whose answers a sub-question names.

    A later number is no placeholder, but part of the text.

    >>> sorted(needs("Did #1 meet [2] over a #1 hit?", 3)), sorted(needs("Who had a #1 hit?", 1))
    ([1, 2], [])
    """
    named = {int(one or other) for one, other in _PLACEHOLDER.findall(part)}
    return frozenset(n for n in named if 0 < n < number)


def filled(part: str, answers: Mapping[int, str]) -> str:
    """Return a sub-question with the answers in their places.

    >>> filled("Where was #1 born?", {1: "Jane Doe"})
    'Where was Jane Doe born?'
    """
    return _PLACEHOLDER.sub(lambda found: answers.get(int(found[1] or found[2]), found[0]), part)


def _parts(trail: Trail, decompose: Decompose, parts: int, check: Check | None) -> Flow[Stop]:
    if (yield from trail.enough(check)):
        return "sufficient"
    waiting = dict(enumerate((yield from decompose(trail.question))[:parts], start=1))
    answers: dict[int, str] = {}
    stops: list[Stop | None] = []
    while ready := {n: text for n, text in waiting.items() if needs(text, n) <= answers.keys()}:
        if answers and (yield from trail.enough(check)):
            return "sufficient"
        waiting = {n: text for n, text in waiting.items() if n not in ready}
        texts = {
            n: cleaned(filled(text, {i: answers[i] for i in needs(text, n)}))
            for n, text in ready.items()
        }
        checked = {n: trail.check(text) for n, text in texts.items()}
        stops += checked.values()
        queries = {n: texts[n] for n, stop in checked.items() if stop is None}
        found = yield from _searched(trail, queries)
        named = frozenset(named for n, text in waiting.items() for named in needs(text, n))
        answers |= yield from _read(trail, {n: queries[n] for n in queries if n in named}, found)
    for text in waiting.values():
        trail.note(text, "not searched: an answer that it needs was not found")
    return _ended(trail, stops)


def _ended(trail: Trail, stops: Sequence[Stop | None]) -> Stop:
    if None not in stops:  # nothing could be searched
        return "failed" if "failed" in stops else "nothing new"
    _, *later = trail.steps
    return "rounds" if any(step.new for step in later) else "nothing new"


def _searched(
    trail: Trail, queries: Mapping[int, str]
) -> Flow[Mapping[int, tuple[Candidate, ...]]]:
    """Search for the sub-questions at once, keep what each found, and return it by number."""
    if not queries:
        return {}
    found = yield from trail.look([*queries.values()])
    for query, ranking in zip(queries.values(), found, strict=True):
        trail.keep(query, "a sub-question", ranking)
    return dict(zip(queries, found, strict=True))


def _read(
    trail: Trail, queries: Mapping[int, str], found: Mapping[int, tuple[Candidate, ...]]
) -> Flow[Mapping[int, str]]:
    """Return the answers that could be read from the best passages of each sub-question."""
    if not queries:
        return {}
    replies = yield from drafted(
        [
            Complete(
                prompt("iterate-read").fill(
                    documents=documents(found[n][:_READ]), question=asked(query)
                ),
                _TOKENS,
            )
            for n, query in queries.items()
        ]
    )
    answers = {
        n: short_answer(reply, found[n][:_READ]) for n, reply in zip(queries, replies, strict=True)
    }
    for n, query in queries.items():
        trail.note(query, f"answer read: {answers[n] or 'none'}")
    return {n: answer for n, answer in answers.items() if answer}


def short_answer(reply: str, read: Sequence[Candidate]) -> str:
    """Return a reply as the short answer that it should be; "" where it is none.

    It may have ten words, and must share one with the passages that were read.
    """
    answer = harmless(cleaned(reply)).strip(_AROUND)
    if _UNKNOWN.match(answer) or len(answer.split()) > _WORDS or fault(answer, "", read):
        return ""
    return answer
