"""What a model wrote, read line by line: tolerantly, and believed in nothing (`checks`)."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice

_READABLE, _MOST_LINES = 2_000, 100  # chosen: characters of a line, lines of a reply
_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # where `splitlines` splits
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cn", "Co"})
_THOUGHT = re.compile(r"^.*</think(?:ing)?>|<think(?:ing)?>.*$", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(r"^(?:[-*•–—>#+]+|\(?\d{1,2}[.):]|\(?[a-zA-Z]\))(?:\s+|$)")
_NUMBERED = re.compile(r"\s(?=\d{1,2}[.)]\s)")
_LIST, _STRING = re.compile(r"\s*\[\s*\""), re.compile(r"\"([^\"\n]*)\"")
LABEL = re.compile(
    r"^[\w ’'!,-]{0,40}?\b(?:quer(?:y|ies)|questions?|rewritten|rewrite|variants?|variations?"
    r"|keywords?|search(?:es)?|answer|output)\b[\w ]{0,20}:\s*",
    re.IGNORECASE,
)
"""What announces a query, with or without a sentence around it: "Here is the query: …"."""
_QUOTED = re.compile(r"^(?:([\"'`*_]{1,3})((?:(?!\1).)*)\1|[“„«「『‘](.*)[”“»」』’])$")


def unthought(text: str) -> str:
    """Return a reply without the part in which the model thinks.

    >>> unthought("<think>Hm.</think> Paris"), unthought("Paris <think>or")
    (' Paris', 'Paris ')
    """
    return _THOUGHT.sub("", text)


def lines(reply: str, label: re.Pattern[str] = LABEL) -> tuple[str, ...]:
    r"""Return the lines of a reply without list marks, labels, quotes and control characters.

    A list in JSON, or numbered on one line, has a line for each of its entries. Of a reply the
    first 100 lines are read, none of more than 2,000 characters.

    Args:
        reply: what the model wrote.
        label: what is taken off the front of a line. In prose, what stands before a colon may
            belong to the sentence.

    >>> lines("Query: “who founded SAP”"), lines("1. one 2) two"), lines('["one", "two"]')
    (('who founded SAP',), ('one', 'two'), ('one', 'two'))
    """
    seen = "".join(" " if unseen(sign) and sign not in _BREAKS else sign for sign in reply)
    entries = islice(_entries(unthought(seen)), _MOST_LINES)
    readable = (entry for entry in entries if len(entry) <= _READABLE)
    return tuple(line for line in (bare(entry, label) for entry in readable) if line)


def bare(line: str, label: re.Pattern[str] = LABEL) -> str:
    """Return a line without list marks, labels, quotes, commas at its end and control characters.

    >>> bare('- **Query 2:** "who founded SAP",')
    'who founded SAP'
    """
    line = "".join(" " if unseen(sign) else sign for sign in line)
    before = None
    while before != line:  # what is taken off can uncover more
        before = line
        line = _MARK.sub("", " ".join(line.split()).rstrip(" ,;"))
        line = _QUOTED.sub(lambda found: found[2] or found[3] or "", line)
        line = label.sub("", line.replace("**", ""))
    return line


def unseen(sign: str) -> bool:
    """Whether a character is one that nobody sees: of control, format, or no character at all."""
    return unicodedata.category(sign) in _UNSEEN


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
