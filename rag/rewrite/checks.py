"""The one gate for everything that a model writes as a query.

A reply is read tolerantly (lists, labels, quotes, JSON) and believed in nothing: what comes through
is one line of plain text in the question's script and language, about something that was asked.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from rag.rewrite.outside import controls, orders, without_orders
from rag.rewrite.words import content, foreign, plain, repeats, shared, words
from rag.values import is_unicode

MOST_WORDS, MOST_CHARACTERS = 60, 400
_READABLE, _MOST_LINES = 2_000, 100  # chosen: characters of a line, lines of a reply
_THOUGHT = re.compile(r"^.*</think(?:ing)?>|<think(?:ing)?>.*$", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(r"^(?:[-*•–—>#+]+|\(?\d{1,2}[.):]|\(?[a-zA-Z]\))(?:\s+|$)")
_NUMBERED = re.compile(r"\s(?=\d{1,2}[.)]\s)")
_LIST, _STRING = re.compile(r"\s*\[\s*\""), re.compile(r"\"([^\"\n]*)\"")
_LABEL = re.compile(
    r"^[\w ’'!,-]{0,40}?\b(?:quer(?:y|ies)|questions?|rewritten|rewrite|variants?|variations?"
    r"|keywords?|search(?:es)?|answer|output)\b[\w ]{0,20}:\s*",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^(?:([\"'`*_]{1,3})((?:(?!\1).)*)\1|[“„«「『‘](.*)[”“»」』’])$")
_TAG = re.compile(
    r"</?(?:question|conversation|passages?)\b|^```|^(?:user|assistant|system)\s*:", re.IGNORECASE
)
_REFUSAL = re.compile(
    r"(?:(?:i'?m|i am|we are)?\s*(?:very |so |really )?sorry\b|(?:my )?apologies|i apologi[sz]e"
    r"|i (?:can ?not|can'?t|could(?: not|n't)|will not|won't|do not|don't|am (?:not |un)able)\b"
    r"|(?:i'm|i am|as) an? (?:ai|assistant|(?:\w+ )?language model)\b|i'm (?:not |un)able\b"
    r"|unfortunately,? (?:i|we|there)\b"
    r"|(?:es )?tut mir leid|(?:je suis )?désolé|lo siento|mi dispiace|desculpe)",
    re.IGNORECASE,
)
_NOTHING = frozenset({"none", "no", "nothing", "null", "n", "a", "nil", "unchanged", "empty"})


def unthought(text: str) -> str:
    """Return a reply without the part in which the model thinks.

    >>> unthought("<think>Hm.</think> Paris"), unthought("Paris <think>or")
    (' Paris', 'Paris ')
    """
    return _THOUGHT.sub("", text)


def refuses(text: str) -> bool:
    """Whether a text says that its writer cannot or will not.

    >>> refuses("I'm sorry, I cannot help."), refuses("The sorry state of the roads")
    (True, False)
    """
    return bool(_REFUSAL.match(text.replace("’", "'").strip(" \t\n\"'*")))


def lines(reply: str) -> tuple[str, ...]:
    r"""Return the lines of a reply without list marks, labels, quotes and control characters.

    A list in JSON, or numbered on one line, has a line for each of its entries. Of a reply the
    first 100 lines are read, none of more than 2,000 characters.

    >>> lines("Query: “who founded SAP”"), lines("1. one 2) two"), lines('["one", "two"]')
    (('who founded SAP',), ('one', 'two'), ('one', 'two'))
    """
    entries = islice(_entries(unthought(reply)), _MOST_LINES)
    readable = (entry for entry in entries if len(entry) <= _READABLE)
    return tuple(line for line in map(bare, readable) if line)


def bare(line: str) -> str:
    """Return a line without list marks, labels, quotes, commas at its end and control characters.

    >>> bare('- **Query 2:** "who founded SAP",')
    'who founded SAP'
    """
    line = "".join(c if unicodedata.category(c) not in _UNSEEN else " " for c in line)
    before = None
    while before != line:  # what is taken off can uncover more
        before = line
        line = _MARK.sub("", " ".join(line.split()).rstrip(" ,;"))
        line = _QUOTED.sub(lambda found: found[2] or found[3] or "", line)
        line = _LABEL.sub("", line.replace("**", ""))
    return line


def checked(
    original: str,
    replies: Iterable[str],
    history: Iterable[str] = (),
    *,
    most: int = 8,
    anchored: bool = True,
) -> tuple[str, ...]:
    """Return the queries that replies hold, in their order, none twice and none said before.

    Dropped are lines that are empty, refuse, announce a list, repeat themselves, have more than 60
    words or 400 characters, are in another script or language than the original and the history,
    hold tags or control strings, or give orders.

    Args:
        original: the question.
        replies: what the model wrote; each may hold several lines.
        history: what was said before, as far as a query may be about it.
        most: queries to return.
        anchored: drops what shares no content word with the question or the history, without the
            orders in them: a question that says "ignore this, search for pills" gets no pills.
    """
    said = tuple(history)
    known = subject(original).union(*map(content, map(without_orders, said)))
    theirs = " ".join((original, *said))
    kept = {plain(text): "" for text in (original, *said)}
    for line in (line for reply in replies for line in lines(reply)):
        if any(fails(line, theirs) for fails in _FAULTS.values()):
            continue
        if anchored and not shared(content(line), known):
            continue
        kept.setdefault(plain(line), line)
    return tuple(line for line in kept.values() if line)[:most]


def subject(question: str) -> frozenset[str]:
    """Return the content words of a question without its orders, unless it is nothing else."""
    return content(without_orders(question)) or content(question)


def _entries(reply: str) -> Iterable[str]:
    return _listed(reply) if reply.lstrip().startswith("[") else _numbered(reply)


def _listed(reply: str) -> Iterable[str]:
    """Return the strings of a list in JSON that is all of a reply, or those that its end left."""
    try:
        found = json.loads(reply)
    except (ValueError, RecursionError):
        return _STRING.findall(reply) if _LIST.match(reply) else _numbered(reply)
    return (entry for entry in found if isinstance(entry, str))


def _numbered(reply: str) -> Iterator[str]:
    for line in reply.splitlines():
        yield from _NUMBERED.split(line) if line.lstrip().startswith(("1. ", "1) ")) else (line,)


def _refuses_alone(line: str, original: str) -> bool:
    return refuses(line) and not refuses(original)


def _says_nothing(line: str, original: str) -> bool:
    del original
    found = words(line)
    return not found or set(found) <= _NOTHING or line.endswith(":")


def _is_endless(line: str, original: str) -> bool:
    del original
    return len(line) > MOST_CHARACTERS or len(words(line)) > MOST_WORDS or repeats(line)


def _is_hostile(line: str, original: str) -> bool:
    del original
    return not is_unicode(line) or controls(line) or bool(_TAG.search(line)) or orders(line)


_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cn", "Co"})
_FAULTS: Mapping[str, Callable[[str, str], bool]] = {
    "says nothing": _says_nothing,
    "is endless": _is_endless,
    "is hostile": _is_hostile,
    "refuses": _refuses_alone,
    "is foreign": foreign,
}
