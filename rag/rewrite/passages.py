"""Passages that a model writes, to be searched with."""

from collections.abc import Iterable, Sequence

from rag.flows import Flow
from rag.outside.harmless import harmless
from rag.outside.orders import orders
from rag.outside.refusals import refuses
from rag.outside.size import shortened
from rag.outside.words import content, foreign, repeats, shared
from rag.rewrite.asking import asked, written
from rag.rewrite.checks import marked, subject
from rag.rewrite.replies import unthought
from rag.values import Candidate, Complete, Prompt, is_unicode

MOST, MOST_TOKENS = 160, 128
SHOWN = 100  # ten such passages, a question and a reply need 1,500 to 1,900 of 2,048 tokens


def passages(
    text: str, count: int = 1, temperature: float = 0.0, seed: int = 0
) -> Flow[tuple[str, ...]]:
    """Return at most `count` passages that answer a question, written from memory.

    All are asked for in one batch, and each has been cleaned (`clean`).
    """
    requests = samples(asked("passage", text), count, temperature, seed)
    return clean(text, written((yield requests)))


def samples(
    prompt: Prompt, count: int, temperature: float, seed: int, tokens: int = MOST_TOKENS
) -> tuple[Complete, ...]:
    """Return the same question `count` times, each with a seed of its own."""
    return tuple(Complete(prompt, tokens, temperature, seed + i) for i in range(count))


def shown(candidates: Sequence[Candidate], most: int = SHOWN) -> str:
    """Return what was found as a prompt holds it: numbered, a line each, harmless and short."""
    texts = (shortened(harmless(one.chunk.indexed_text), most) for one in candidates)
    return "\n".join(f"{i}. {text}" for i, text in enumerate(texts, start=1))


def clean(question: str, replies: Iterable[str], most: int = MOST) -> tuple[str, ...]:
    """Return the passages that can be about a question, in their order, each on one line.

    They have no thoughts and no control strings, and at most that size (`rag.outside.size`).
    Dropped are those that are empty, repeat the prompt, refuse, give orders, go round in circles,
    are in another script or language than the question, share no content word with it (without its
    orders), or say nothing more than it.

    >>> clean("Who founded SAP?", ["I'm sorry.", "<think>Hm.</think>SAP was founded by five men."])
    ('SAP was founded by five men.',)
    """
    known = subject(question)
    told = (unthought(reply) for reply in replies)
    passages = (shortened(harmless(text), most) for text in told if not marked(text))
    return tuple(one for one in passages if _is_usable(one, question, known))


def _is_usable(passage: str, question: str, known: frozenset[str]) -> bool:
    ours = content(passage)
    return not (
        not shared(ours, known)
        or ours <= content(question)
        or not is_unicode(passage)
        or refuses(passage)
        or orders(passage)
        or repeats(passage)
        or foreign(passage, question)
    )
