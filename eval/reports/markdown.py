"""Blocks as Markdown: the same texts and tables as in HTML, charts by their tables."""

import re
from collections.abc import Sequence
from functools import singledispatch

from eval.markdown import table as lines_of
from eval.reports.blocks import (
    Banner,
    Block,
    Cell,
    Figure,
    Ranked,
    Section,
    SideBySide,
    Table,
    Text,
    plain,
)

_SIGNS = re.compile(r"[\\`*_~$]|<(?=[a-zA-Z/!?])|&(?=#?\w+;)|\](?=[(\[:])|(?<=!)\[")
_START = re.compile(r"^([#>+=\[-]|\d+(?=[.)]))")
_BLANK = re.compile(r"\s+|[\x00-\x1f\x7f]+")


def safe(text: str) -> str:
    r"""Return outside text so that Markdown shows it as it is, on one line.

    >>> safe("a_b <script> [x](y) [.1, .2]")
    'a\\_b \\<script> [x\\](y) [.1, .2]'
    >>> safe("# no heading"), safe("1. no list")
    ('\\# no heading', '1\\. no list')
    """
    text = _SIGNS.sub(r"\\\g<0>", _BLANK.sub(" ", text).strip())
    started = _START.match(text)
    if started is None:
        return text
    return f"{text[: started.end()]}\\{text[started.end() :]}" if text[0].isdigit() else f"\\{text}"


def document(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """Return a whole document; every text is escaped here and nowhere else."""
    lines = [f"# {safe(title)}", "", safe(subtitle), ""]
    for section in sections:
        if section.title:
            lines += [f"{'#' * section.level} {safe(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines)


@singledispatch
def _block(block: Block) -> Sequence[str]:
    raise TypeError(f"{type(block).__name__} is no block")


@_block.register
def _(block: Text) -> Sequence[str]:
    return [f"**{safe(block.text)}**" if block.verdict else safe(block.text)]


@_block.register
def _(block: Banner) -> Sequence[str]:
    name = {"red": "Do not decide by this", "amber": "Take care", "plain": "Note"}[block.tone]
    return [f"> **{name}**", ">", *(f"> - {safe(line)}" for line in block.lines)]


@_block.register
def _(block: Table) -> Sequence[str]:
    head = [safe(text) for text in block.head]
    rows = [[_cell(plain(cell)) for cell in row] for row in block.rows]
    note = ["", safe(block.note)] if block.note else []
    return [f"*{safe(block.caption)}*", "", *lines_of(head, rows), *note]


@_block.register
def _(block: Figure) -> Sequence[str]:
    return _block(block.table)


@_block.register
def _(block: SideBySide) -> Sequence[str]:
    return [
        f"#### {safe(block.title)}",
        "",
        safe(block.note),
        "",
        *_ranked(block.left),
        "",
        *_ranked(block.right),
    ]


def _ranked(ranked: Ranked) -> Sequence[str]:
    items = [
        f"{i}. ({safe(mark)}) **{safe(title)}** {safe(text)}"
        for i, (mark, title, text) in enumerate(ranked.items, start=1)
    ]
    return [f"{safe(ranked.name)}:", "", *(items or ["nothing"])]


def _cell(cell: Cell) -> str:
    text = safe(cell.text)
    if cell.strong and text:
        text = f"**{text}**"
    return f"{text}<sup>{safe(cell.raised)}</sup>" if cell.raised else text
