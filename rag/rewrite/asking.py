"""One question about a text, and what is written in reply."""

from collections.abc import Sequence

from rag.flows import Flow, Reply
from rag.outside.harmless import harmless
from rag.outside.size import shortened
from rag.prompts import prompt
from rag.values import Complete, Completed, Prompt

QUESTION = (
    75  # chosen: what a prompt shows of a question, well over the 25 words of a rewritten one
)


def asked(name: str, question: str, **others: str) -> Prompt:
    """Return the prompt of that name about a question, which is made harmless and not too long."""
    return prompt(name).fill(question=shortened(harmless(question), QUESTION), **others)


def written(replies: Sequence[Reply]) -> tuple[str, ...]:
    """Return the texts of the completions among replies."""
    return tuple(reply.text for reply in replies if isinstance(reply, Completed))


def said(request: Complete) -> Flow[tuple[str, ...]]:
    """Ask one question and return the text of its reply, as a tuple of one."""
    return written((yield (request,)))
