"""Texts that are documents as they stand: plain, Markdown and source code."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial

from indexers.reading.encodings import decode
from indexers.reading.inputs import Input, Read, Reader, Unreadable, read_all
from indexers.reading.lines import too_long
from indexers.split import markdown_title
from rag.values import Document, Markup

_TITLE_CHARS = 120  # chosen: a first line longer than this is prose, not a title
_SAID = re.compile(r"\S")


def read_text(input_: Input) -> Iterator[Read]:
    """Yield the text; a short first line followed by a blank one is its title."""
    yield from _read(input_, "plain", "")


def read_markdown(input_: Input) -> Iterator[Read]:
    """Yield the text; its first heading is its title."""
    yield from _read(input_, "markdown", "")


def reads_code(language: str) -> Reader:
    """Return the reader of a programming language; the file's name is the title."""
    return partial(_read, markup="code", language=language)


def _read(input_: Input, markup: Markup, language: str) -> Iterator[Read]:
    with closing(input_.opener()) as stream:
        data = read_all(stream, input_.limits)
    _refuse_long_lines(data, input_.limits.max_line_bytes)
    decoded = decode(data)
    del data  # the text may be as large once more
    if not _SAID.search(decoded.text):
        raise Unreadable("the file is empty")
    if decoded.remark:
        yield input_.notice(decoded.remark)
    yield Document(
        input_.id,
        decoded.text,
        _TITLES[markup](decoded.text, input_),
        input_.source,
        tenant=input_.tenant,
        markup=markup,
        language=language,
    )


def _refuse_long_lines(data: bytearray, most: int) -> None:
    if len(data) <= most:
        return
    start = 0
    while (end := data.find(b"\n", start, start + most + 1)) >= 0:
        start = end + 1
    if len(data) - start > most:
        raise Unreadable(too_long(most), data.count(b"\n", 0, start) + 1)


def _first_line(text: str, input_: Input) -> str:
    begins = _SAID.search(text)
    start = begins.start() if begins else 0
    beginning = text[start : start + 3 * _TITLE_CHARS]  # never a copy of a large text
    first, _, rest = beginning.partition("\n")
    titled = len(first) <= _TITLE_CHARS and not rest.partition("\n")[0].strip()
    return first.strip() if titled else input_.stem


_TITLES: Mapping[Markup, Callable[[str, Input], str]] = {
    "plain": _first_line,
    "markdown": lambda text, input_: markdown_title(text) or input_.stem,
    "code": lambda _, input_: input_.name,
}
