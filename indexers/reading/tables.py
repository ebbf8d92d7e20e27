"""Tables: CSV and TSV, and the Markdown that a table becomes."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from indexers.reading.inputs import Input, Read, Unreadable
from indexers.reading.lines import lines_of
from indexers.reading.rows import from_cells, has_rows
from rag.values import Document, Fault, Notice

_DELIMITERS = ",;\t|"
_PASSAGE = re.compile(r"([A-Za-z_-]*\d+)\t(\S+[^\S\t]+\S+[^\S\t]+[^\t]*)")
"""A line of MS MARCO's collection: an id with a number in it, a tab, three words or more."""


def markdown_table(rows: Iterable[Sequence[str]]) -> str:
    r"""Return rows as a Markdown table, the first one as its head; rows of nothing are left out.

    >>> print(markdown_table([["a", "b"], ["", ""], ["1|2", ""]]))
    | a | b |
    | --- | --- |
    | 1\|2 |  |
    """
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    if not kept:
        return ""
    width = max(len(row) for row in kept)
    lines = [_line([*row, *[""] * (width - len(row))]) for row in kept]
    return "\n".join([lines[0], _line(["---"] * width), *lines[1:]])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def read_csv(input_: Input) -> Iterator[Read]:
    """Yield a document per row where a column is called id, _id or text; else the whole table."""
    aside: deque[Read] = deque()
    lines = _texts(input_, aside)
    first = next(lines, None)
    if first is None:
        yield from aside
        raise Unreadable("the file is empty")
    if input_.name.lower().endswith(".tsv") and _PASSAGE.fullmatch(first[1].rstrip("\r\n")):
        documents: Iterator[Read] = _passages(input_, chain([first], lines))
    else:
        documents = _table(input_, chain([first], lines), first[1])
    for document in documents:
        while aside:
            yield aside.popleft()
        yield document
    yield from aside


def _texts(input_: Input, aside: deque[Read]) -> Iterator[tuple[int, str]]:
    """Yield (number, line); what cannot be read of the file is put aside."""
    for number, line in lines_of(input_, guessing=True):
        if isinstance(line, Fault | Notice):
            aside.append(line)
            continue
        try:
            yield number, line.decode()
        except UnicodeDecodeError as error:
            aside.append(input_.fault(f"not UTF-8 (byte {error.start} of the line)", number))


def _passages(input_: Input, lines: Iterable[tuple[int, str]]) -> Iterator[Read]:
    for number, line in lines:
        id_, tab, text = line.rstrip("\r\n").partition("\t")
        if tab and text.strip():
            yield from_cells(input_, number, {"_id": id_, "text": text})
        else:
            yield input_.fault("no passage: an id, a tab and a text are wanted", number)


def _table(input_: Input, lines: Iterable[tuple[int, str]], head: str) -> Iterator[Read]:
    begun = 0

    def texts() -> Iterator[str]:
        nonlocal begun
        for number, line in lines:
            for text in re.findall(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+", line):
                begun = begun or number
                yield text

    def numbered() -> Iterator[tuple[int, list[str]]]:
        nonlocal begun
        for row in csv.reader(texts(), delimiter="\t" if tab else _delimiter(head)):
            yield begun, row
            begun = 0

    csv.field_size_limit(input_.limits.max_line_bytes)
    tab = input_.name.lower().endswith(".tsv")
    rows = numbered()
    try:
        _, columns = next(rows)
        names = [name.strip() for name in columns]
        if has_rows(names):
            yield from _documents(input_, names, rows)
        else:
            yield _whole(input_, chain([columns], (row for _, row in rows)))
    except csv.Error as error:
        yield input_.fault(f"no table: {error}", begun)


def _documents(
    input_: Input, names: Sequence[str], rows: Iterable[tuple[int, list[str]]]
) -> Iterator[Read]:
    for number, row in rows:
        if len(row) > len(names):
            reason = (
                f"{len(row)} cells where the head has {len(names)}: is a quotation mark missing?"
            )
            yield input_.fault(reason, number)
        elif any(cell.strip() for cell in row):
            yield from_cells(input_, number, dict(zip(names, row, strict=False)))


def _whole(input_: Input, rows: Iterable[Sequence[str]]) -> Document:
    text = markdown_table(rows)
    if len(text) > input_.limits.max_file_bytes:
        raise Unreadable("a table too large for one document: give it a column id")
    return Document(
        input_.id, text, input_.stem, input_.source, tenant=input_.tenant, markup="markdown"
    )


def _delimiter(head: str) -> str:
    """Return what separates the columns: of the usual, the most frequent outside quotes."""
    bare = re.sub(r'"[^"]*"', "", head)
    return max(_DELIMITERS, key=bare.count)
