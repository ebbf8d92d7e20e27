"""Other queries for a question: to search with beside it, never in its place.

Each flow makes one call, greedily, so that the same question has the same queries. Whatever is
thrown into a flow goes through to its caller, who still has the question.
"""

import re
from collections.abc import Iterable

from rag.flows import Flow
from rag.outside.orders import orders
from rag.outside.words import content, same, shared
from rag.rewrite.asking import asked, said
from rag.rewrite.checks import checked, fault, matter, subject
from rag.rewrite.replies import lines
from rag.values import Complete

_TOKENS = 32  # chosen: of one query
_KEYWORDS = 20  # chosen
_KEYWORD_TOKENS = 6  # chosen: with its comma
_NAMED = re.compile(r"#(\d{1,2})\b")
_BETWEEN = re.compile(r"\s*[,;，、；]\s*")


def search_queries(text: str, most: int = 3) -> Flow[tuple[str, ...]]:
    """Return what one would type into a search engine for a question, at most `most` queries.

    Rewrite-Retrieve-Read with a model that was not trained for it (Ma et al., arXiv 2305.14283).
    """
    request = Complete(asked("search_queries", text, most=str(most)), _TOKENS * most)
    return checked(text, (yield from said(request)), most=most)


def step_back(text: str) -> Flow[str]:
    """Return the more general question behind a question; "" where there is none to be used.

    Zheng et al., arXiv 2310.06117. It may share no word with the question ("poodle", "dog"), unless
    the question also gives orders.
    """
    request = Complete(asked("step_back", text), _TOKENS)
    found = checked(text, (yield from said(request)), most=1, anchored=orders(text))
    return found[0] if found else ""


def sub_questions(text: str, most: int = 4) -> Flow[tuple[str, ...]]:
    """Return two to `most` questions that together make up one; () where it needs no splitting.

    Each is meant to be answerable from one document (arXiv 2507.00355). "#1" stands for the answer
    to the first of those returned.
    """
    request = Complete(asked("sub_questions", text, most=str(most)), _TOKENS * most)
    found = _parts(text, (yield from said(request)))[:most]
    return found if len(found) > 1 else ()


def _parts(text: str, replies: Iterable[str]) -> tuple[str, ...]:
    """Return the lines that may be searched with; references are to their places among these.

    A line that names an earlier answer need not share a word with the question; one whose answer is
    not asked for, because that line was dropped, is dropped as well.
    """
    about, known = matter(text), {same(text)}
    places: dict[int, int] = {}
    kept: list[str] = []
    for number, line in enumerate((line for reply in replies for line in lines(reply)), start=1):
        named = [int(n) for n in _NAMED.findall(line) if int(n) < number]
        if fault(line, about, anchored=not named) or same(line) in known:
            continue
        if any(n not in places for n in named):
            continue
        known.add(same(line))
        kept.append(_NAMED.sub(lambda n: f"#{places.get(int(n[1]), n[1])}", line))
        places[number] = len(kept)
    return tuple(kept)


def variants(text: str, count: int = 4) -> Flow[tuple[str, ...]]:
    """Return at most `count` other wordings of a question (multi-query, RAG-Fusion)."""
    request = Complete(asked("variants", text, count=str(count)), _TOKENS * count)
    return checked(text, (yield from said(request)), most=count)


def keywords(text: str, most: int = _KEYWORDS) -> Flow[tuple[str, ...]]:
    """Return at most `most` words and terms that a relevant document may hold.

    GenQR with one call in place of five. One of them at least must say something that the question
    says, or none is believed.
    """
    request = Complete(asked("keywords", text, most=str(most)), _KEYWORD_TOKENS * most)
    whole = checked(text, (yield from said(request)), most=most, anchored=False)
    each = [word.rstrip(". ") for line in whole for word in _BETWEEN.split(line)]
    found = checked(text, each, most=most, anchored=False)
    return found if shared(content(" ".join(found)), subject(text)) else ()
