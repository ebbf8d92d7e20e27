"""What a judge of answers writes, read: labels and lists, by parsers that take any text.

A reply that cannot be read is asked for once more, a little warmer, for a greedy model says the
same twice. What then cannot be read is missing: the caller counts it, and nothing is guessed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from rag.flows import Flow
from rag.outside.words import count
from rag.rewrite.replies import lines, unthought
from rag.values import Complete, Completed, Prompt

AGAIN = 0.2
"""The temperature of the second time; that of nuggetizer (Pradeep et al., arXiv 2411.09607)."""

_PARTS, _LONGEST = (
    400,
    200,
)  # chosen: parts that are read of a reply, characters of one with a label
_PART = re.compile(
    r"[\W_]*(?:(?:nugget|fact|item|label|verdict|judge?ment|answer)s?\b[\W_]*)?"
    r"(?:(\d{1,3})(?!\d)[\W_]+)?(.*)",
    re.IGNORECASE | re.DOTALL,
)
_ANNOUNCED = re.compile(r"^(?:nuggets?|facts?|claims?)(?: \d{1,3})?:\s*", re.IGNORECASE)
_NOTHING = re.compile(r"[\W_]*none[\W_]*", re.IGNORECASE)

T = TypeVar("T")


def parse_labels(reply: str, n: int, labels: Mapping[str, T]) -> tuple[T | None, ...]:
    r"""Return the label of each of n items; None for one without a label, or with two.

    Labels stand alone on a line or between commas, with the number of their item or, where none
    has one, in the order of the items. A label within a sentence is not one: "no full support"
    could be read either way.

    Args:
        reply: what the model wrote.
        n: the number of items, counted from 1.
        labels: by their spelling in lower case, words parted by one space.

    >>> labels = {"yes": True, "not at all": False}
    >>> parse_labels("1. Yes\n2: not_at_all", 2, labels), parse_labels('["yes", "yes"]', 2, labels)
    ((True, False), (True, True))
    >>> parse_labels("**Yes**", 1, labels), parse_labels("yes or not at all", 1, labels)
    ((True,), (None,))
    """
    numbered: dict[int, list[T]] = {}
    plain: list[T] = []
    for part in re.split(r"[\n\r,;]", unthought(reply))[:_PARTS]:
        found = _PART.fullmatch(part) if len(part) <= _LONGEST else None
        spelled = " ".join(re.findall(r"[^\W_]+", found[2].casefold())) if found else ""
        if found is None or spelled not in labels:
            continue
        if found[1]:
            numbered.setdefault(int(found[1]), []).append(labels[spelled])
        else:
            plain.append(labels[spelled])
    if numbered:
        return tuple(_only(numbered.get(i, [])) for i in range(1, n + 1))
    if n == 1:
        return (_only(plain),)
    return tuple(plain) if len(plain) == n else (None,) * n


def _only(found: Sequence[T]) -> T | None:
    """Return what all of them are, None where they differ or there is none."""
    return found[0] if found and all(one == found[0] for one in found) else None


def parse_list(reply: str, most: int, words: int) -> tuple[str, ...] | None:
    r"""Return the first lines of a reply that have 1 to so many words, none twice.

    Empty where the reply says NONE; None where no line of it can be used.

    >>> parse_list("Here they are:\n1. Jaws is of 1975\n- jaws is of 1975\n- It won prizes", 9, 5)
    ('Jaws is of 1975', 'It won prizes')
    >>> parse_list("NONE", 9, 5), parse_list("!", 9, 5)
    ((), None)
    """
    if _NOTHING.fullmatch(unthought(reply)[:_LONGEST]):
        return ()
    found: dict[str, str] = {}
    for line in lines(reply, _ANNOUNCED):
        if not line.endswith(":") and 1 <= count(line) <= words:
            found.setdefault(line.casefold(), line)
    return tuple(found.values())[:most] or None


def labelled(
    asked: Sequence[tuple[Prompt, int]], labels: Mapping[str, T], tokens: int = 8
) -> Flow[tuple[tuple[T | None, ...], ...]]:
    """Return the labels of the items of each prompt, asked in one batch, the gaps once more.

    Args:
        asked: prompts, and the number of their items.
        labels: as `parse_labels` takes them.
        tokens: that may be written for an item.

    Raises:
        RagError: the model failed, or may not be asked.
    """

    def read(which: Sequence[int], temperature: float) -> Flow[list[tuple[T | None, ...]]]:
        requests = [
            Complete(asked[i][0], tokens * (1 + asked[i][1]), temperature, seed=bool(temperature))
            for i in which
        ]
        replies = cast("Sequence[Completed]", (yield requests))
        return [
            parse_labels(reply.text, asked[i][1], labels)
            for i, reply in zip(which, replies, strict=True)
        ]

    if not asked:
        return ()
    found = yield from read(range(len(asked)), 0.0)
    gaps = [i for i, each in enumerate(found) if None in each]
    if gaps:
        second = yield from read(gaps, AGAIN)
        for i, each in zip(gaps, second, strict=True):
            found[i] = tuple(b if a is None else a for a, b in zip(found[i], each, strict=True))
    return tuple(found)


def written(
    prompts: Sequence[Prompt], tokens: int, parse: Callable[[str], T | None]
) -> Flow[tuple[T | None, ...]]:
    """Return what is read of each reply, asked in one batch; once more what could not be read.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    if not prompts:
        return ()
    replies = cast("Sequence[Completed]", (yield [Complete(one, tokens) for one in prompts]))
    found = [parse(reply.text) for reply in replies]
    gaps = [i for i, one in enumerate(found) if one is None]
    if gaps:
        again = [Complete(prompts[i], tokens, AGAIN, seed=1) for i in gaps]
        for i, reply in zip(gaps, cast("Sequence[Completed]", (yield again)), strict=True):
            found[i] = parse(reply.text)
    return tuple(found)
