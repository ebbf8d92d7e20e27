"""What stands above a piece of a text: headings in Markdown, classes and functions in code."""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from markdown_it import MarkdownIt

from rag.values import Frozen, Markup

LINE_END = re.compile(r"\r\n|\r|\n")  # what CommonMark calls a line ending; splitlines knows more

Open: TypeAlias = Mapping[int, str]
"""What is open where a stretch of a text ends: level → heading, or indent → name."""


@dataclass(frozen=True, slots=True)
class Above(Frozen):
    """For each of the given positions the path above it, and what is open at the end."""

    paths: tuple[tuple[str, ...], ...]
    left: Open = field(default_factory=dict)


Paths: TypeAlias = Callable[[str, Sequence[int], Open], Above]
"""A stretch of a text, ascending positions in it, and what was open before it."""


def line_starts(text: str) -> list[int]:
    """Return where each line of a text begins, and where the last one ends."""
    return [0, *(match.end() for match in LINE_END.finditer(text))]


@dataclass(frozen=True, slots=True)
class Heading(Frozen):
    """Where a heading begins, where the lines below it do, and its path: those above and itself."""

    start: int
    below: int
    path: tuple[str, ...]


def headings_of(text: str, before: Open) -> tuple[tuple[Heading, ...], Open]:
    """Return the Markdown headings in order, and what is open at the end."""
    offsets = line_starts(text)
    found: list[Heading] = []
    path = dict(before)
    tokens = MarkdownIt("commonmark").disable("inline").parse(text)  # blocks are all we need
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.map:
            level = int(token.tag[1:])
            path = {lv: title for lv, title in path.items() if lv < level}
            path[level] = inline.content
            start = offsets[token.map[0]]
            while text[start].isspace():  # chunks start after the indent
                start += 1
            below = offsets[token.map[1]] if token.map[1] < len(offsets) else len(text)
            found.append(Heading(start, below, tuple(path.values())))
    return tuple(found), path


def of_headings(text: str, positions: Sequence[int], before: Open) -> Above:
    """Return the headings over positions; one that starts right there is part of the text."""
    found, left = headings_of(text, before)
    headings = [Heading(-1, 0, tuple(before.values())), *found]
    starts = [heading.start for heading in headings]

    def above(position: int) -> tuple[str, ...]:
        heading = headings[bisect_right(starts, position) - 1]
        return heading.path[:-1] if heading.start == position else heading.path

    return Above(tuple(map(above, positions)), left)


def markdown_title(text: str) -> str:
    r"""Return the first heading of a Markdown text, or an empty string.

    >>> markdown_title("intro\n\n# The *title*\n")
    'The *title*'
    """
    headings, _ = headings_of(text, {})
    return headings[0].path[-1] if headings else ""


_READ = 300  # characters at the beginning of a line that are looked at for a definition
_INDENT = re.compile(r"[ \t]*(?=[^\s])")
_DEFINITION = re.compile(
    r"(?:(?:export|default|public|private|protected|internal|static|abstract|final|sealed|async"
    r"|partial|pub(?:\([^)]*\))?|unsafe|const|data|open|override|virtual|inline)\s+)*"
    r"(?:class|def|func|function\*?|fn|struct|enum|interface|trait|impl|module|namespace|object"
    r"|record|protocol|extension)\b\s*(?:<[^<>]*>\s*|\([^()]*\)\s*)?(?P<name>[\w$]+(?:(?:\.|::)[\w$]+)*)"
)


def of_definitions(text: str, positions: Sequence[int], before: Open) -> Above:
    r"""Return the names of the classes and functions around positions, as indentation tells.

    >>> of_definitions("class A:\n    def f(self):\n        pass", [0, 13, 33], {}).paths
    ((), ('A',), ('A', 'f'))
    """
    paths: list[tuple[str, ...]] = []
    lines = pairwise([*line_starts(text), len(text)])
    around, defined = dict(before), ""
    indent, begins, end = 0, 0, -1
    for position in positions:
        while end <= position:
            start, end = next(lines, (len(text), len(text) + 1))
            blank = _INDENT.match(text, start, end)
            if blank is None:
                continue
            if defined:
                around[indent] = defined
            indent, begins = len(blank[0].expandtabs()), blank.end()
            around = {level: name for level, name in around.items() if level < indent}
            found = _DEFINITION.match(text, begins, min(end, begins + _READ))
            defined = found["name"] if found else ""
        inside = [defined] if defined and position > begins else []
        paths.append((*around.values(), *inside))
    return Above(tuple(paths))


def of_nothing(text: str, positions: Sequence[int], before: Open) -> Above:
    """Return that nothing but what was open before stands above positions."""
    del text
    return Above((tuple(before.values()),) * len(positions), before)


PATHS: Mapping[Markup, Paths] = {
    "plain": of_nothing,
    "markdown": of_headings,
    "code": of_definitions,
}
