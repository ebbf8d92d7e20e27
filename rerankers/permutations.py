"""Rankings read from what a model wrote, however it wrote them.

Wanted is "[3] > [1] > [2]". Written is also prose around it, a thought before it, "3, 1, 2", a list
over several lines, an identifier twice, one that does not exist, or a refusal. A chain of ">" is
believed first, then identifiers in brackets; bare ones count only on lines that hold nothing else,
so that no number of a sentence is taken for one.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from rag.values import Frozen
from rerankers.ordering import Window, completed

_THOUGHT = re.compile(r"^.*</think(?:ing)?>|<think(?:ing)?>.*$", re.DOTALL | re.IGNORECASE)
_BRACKETS = str.maketrans("【〔⟦〚】〕⟧〛", "[[[[]]]]")
_BEGUN = re.compile(r"\[\s*\w*\s*$")  # a reply was cut there: "[1" may have become "[12]"
_LINES = re.IGNORECASE | re.MULTILINE
_NUMBERING = re.compile(r"^[ \t]*(?:rank[ \t]*)?#?\d{1,3}[.):][ \t]+(?=\S)", _LINES)


@dataclass(frozen=True, slots=True)
class Identifiers(Frozen):
    """How identifiers of one kind, numbers or letters, are found in a text."""

    alone: re.Pattern[str]  # [3] or 3
    bracketed: re.Pattern[str]  # [3]
    named: re.Pattern[str]  # Passage 3
    group: re.Pattern[str]  # [3, 1, 2]
    chain: re.Pattern[str]  # [3] > 1 > [2]
    line: re.Pattern[str]  # 3, 1 and 2, or "Ranking: 3, 1, 2", and nothing else on the line


def _identifiers(safe: str, bare: str) -> Identifiers:
    """Return the patterns, given those of an identifier in brackets and of one without."""
    item = rf"(?:\[\s*{safe}\s*\]|{bare})"
    above = r"[\s*`()\[\]]*[>→≻»=][\s*`()\[\]>=]*"
    one = rf"[\"']?\s*{safe}\s*[\"']?"
    further = rf"(?:[\s,;>]+(?:and\s+)?{bare})"
    return Identifiers(
        chain=re.compile(rf"{item}(?:{above}{item})+"),
        bracketed=re.compile(rf"\[\s*({safe})\s*\]"),
        group=re.compile(rf"\[\s*{one}(?:\s*[,;>]\s*{one})+\s*\]"),
        named=re.compile(rf"\b(?i:passage|document|doc)\s*[#:]?\s*({bare})"),
        alone=re.compile(rf"\[\s*{safe}\s*\]|{bare}"),
        line=re.compile(
            rf"^[^\d\n]*:[ \t]*({bare}{further}+)[\s.,;>]*$|^[\s*•-]*({bare}{further}*)[\s.,;>*]*$",
            re.MULTILINE,
        ),
    )


_NUMBERS = _identifiers(r"\d{1,3}", r"(?<![\w.,-])\d{1,3}(?![\w%]|[.,]\d)")
_LETTERS = _identifiers(r"[A-Za-z]", r"(?<![\w.'-])[A-Z](?![\w'])")


@dataclass(frozen=True, slots=True)
class Parsed(Frozen):
    """A ranking that was read: places in the window, a permutation.

    The first `named` of them were named; the rest follow as the window has them. `missing` are
    those that should have been named and were not. A reply is `malformed` where its ranking does
    not hold every wanted identifier once, and no other.
    """

    order: Window
    named: int
    missing: int
    malformed: bool


def parse_permutation(
    text: str, n: int, letters: bool = False, wanted: int | None = None
) -> Parsed:
    """Return the ranking of n passages that a reply says.

    Args:
        text: the reply.
        n: how many passages were shown.
        letters: whether their identifiers are A, B, … rather than 1, 2, ….
        wanted: how many were to be named, the best; all unless given.

    >>> parse_permutation("Sure, of these 3: [3] > [1] > [2].", 3)
    Parsed(order=(2, 0, 1), named=3, missing=0, malformed=False)
    >>> parse_permutation("The 2 best are hard to tell from the 1 other.", 3)
    Parsed(order=(0, 1, 2), named=0, missing=3, malformed=True)
    """
    wanted = n if wanted is None else min(wanted, n)
    kind = _LETTERS if letters else _NUMBERS
    text = _plain(text, kind)
    ranked, mentioned = _places(_ranked(text, kind)), _places(kind.bracketed.findall(text))
    known = {i for i in (*ranked, *mentioned) if 0 <= i < n}
    exact = len(ranked) >= wanted and len(known & set(ranked)) == len(ranked)
    order = completed([*ranked, *mentioned], tuple(range(n)))
    return Parsed(order, len(known), max(0, wanted - len(known)), not exact)


def _plain(text: str, kind: Identifiers) -> str:
    """Return a reply without its thoughts, every identifier that is clearly one in brackets."""
    text = unicodedata.normalize("NFKC", _THOUGHT.sub("", text)).translate(_BRACKETS)
    text = _BEGUN.sub("", text)
    text = kind.named.sub(r"[\1]", text)
    return kind.group.sub(
        lambda group: f"[{'] > ['.join(kind.alone.findall(group[0][1:-1]))}]", text
    )


def _ranked(text: str, kind: Identifiers) -> list[str]:
    """Return the identifiers of a ranking in their order, repeated and unknown ones too."""
    chains = [kind.alone.findall(chain) for chain in kind.chain.findall(text)]
    if chains:
        return max(reversed(chains), key=lambda chain: len(set(chain)))  # the last of the longest
    bracketed: list[str] = kind.bracketed.findall(text)
    if bracketed:
        return bracketed
    lines = kind.line.findall(_NUMBERING.sub("", text))
    return [one for line in lines for part in line for one in kind.alone.findall(part)]


def _places(identifiers: Iterable[str]) -> list[int]:
    """Return the places in the window that identifiers stand for: 0 for "1", "[1]", "A", "a".

    >>> _places(["[3]", "B"])
    [2, 1]
    """
    bare = [one.strip("[] \t\n").upper() for one in identifiers]
    return [int(one) - 1 if one.isdigit() else ord(one) - ord("A") for one in bare]
