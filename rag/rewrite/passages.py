"""Passages that a model writes, before they are searched with."""

from collections.abc import Iterable

from rag.rewrite.checks import refuses, subject, unthought
from rag.rewrite.outside import harmless, orders, shortened
from rag.rewrite.words import content, foreign, repeats, shared
from rag.values import is_unicode

MOST_WORDS = 128


def clean(question: str, replies: Iterable[str], most_words: int = MOST_WORDS) -> tuple[str, ...]:
    """Return the passages that can be about a question, in their order, each on one line.

    They have no thoughts and no control strings, and so many words at most. Dropped are those that
    are empty, refuse, give orders, go round in circles, are in another script or language than the
    question, or share no content word with it (without its orders).

    >>> clean("Who founded SAP?", ["I'm sorry.", "<think>Hm.</think>SAP was founded by five men."])
    ('SAP was founded by five men.',)
    """
    known = subject(question)
    passages = (shortened(harmless(unthought(reply)), most_words) for reply in replies)
    return tuple(one for one in passages if _is_usable(one, question, known))


def _is_usable(passage: str, question: str, known: frozenset[str]) -> bool:
    return not (
        not shared(content(passage), known)
        or not is_unicode(passage)
        or refuses(passage)
        or orders(passage)
        or repeats(passage)
        or foreign(passage, question)
    )
