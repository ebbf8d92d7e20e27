"""Blocks as one HTML file: its style inside, no script, and nothing that is fetched."""

from collections.abc import Sequence
from functools import singledispatch
from html import escape
from importlib.resources import files

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

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#report">To the report</a>
<header>
<h1>{title}</h1>
<p class="soft">{subtitle}</p>
</header>
<nav aria-label="Contents"><ul>
{contents}
</ul></nav>
<main id="report">
{body}
</main>
</body>
</html>
"""


def page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """Return a whole document; every text is escaped here and nowhere else."""
    named = [(f"s{i}", section) for i, section in enumerate(sections)]
    contents = "\n".join(
        f'<li class="level-{section.level}"><a href="#{anchor}">{escape(section.title)}</a></li>'
        for anchor, section in named
        if section.title
    )
    return _PAGE.format(
        title=escape(title),
        subtitle=escape(subtitle),
        style=files("eval.reports").joinpath("style.css").read_text(encoding="utf-8"),
        contents=contents,
        body="\n".join(_section(anchor, section) for anchor, section in named),
    )


def _section(anchor: str, section: Section) -> str:
    body = "\n".join(_block(block) for block in section.blocks)
    if not section.title:
        return f'<section aria-label="Summary">\n{body}\n</section>'
    level = section.level
    head = f'<h{level} id="{anchor}">{escape(section.title)}</h{level}>'
    return f'<section aria-labelledby="{anchor}">\n{head}\n{body}\n</section>'


@singledispatch
def _block(block: Block) -> str:
    raise TypeError(f"{type(block).__name__} is no block")


@_block.register
def _(block: Text) -> str:
    kind = ' class="verdict"' if block.verdict else ""
    return f"<p{kind}>{escape(block.text)}</p>"


@_block.register
def _(block: Banner) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in block.lines)
    name = {"red": "Do not decide by this", "amber": "Take care", "plain": "Note"}[block.tone]
    return (
        f'<aside class="banner {block.tone}" aria-label="{name}"><strong>{name}</strong>'
        f"<ul>{lines}</ul></aside>"
    )


@_block.register
def _(block: Table) -> str:
    shown = _table(block)
    if not block.folded:
        return shown
    return f"<details><summary>{escape(block.caption)}</summary>\n{shown}\n</details>"


@_block.register
def _(block: Figure) -> str:
    return (
        f"<figure>\n<figcaption>{escape(block.caption)}</figcaption>\n"
        f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(block.caption)}">'
        f"{block.svg}</div>\n"
        f"<details><summary>The same as a table</summary>\n{_table(block.table)}\n</details>\n"
        "</figure>"
    )


@_block.register
def _(block: SideBySide) -> str:
    return (
        f'<article class="pair"><h4>{escape(block.title)}</h4>'
        f'<p class="soft">{escape(block.note)}</p>'
        f"<div>{_ranked(block.left)}{_ranked(block.right)}</div></article>"
    )


def _ranked(ranked: Ranked) -> str:
    items = "".join(
        f'<li><span class="mark {_kind(mark)}">{escape(mark)}</span> <b>{escape(title)}</b>'
        f" <span>{escape(text)}</span></li>"
        for mark, title, text in ranked.items
    )
    return (
        f"<section><h5>{escape(ranked.name)}</h5><ol>{items or '<li>nothing</li>'}</ol></section>"
    )


def _kind(mark: str) -> str:
    return "hole" if mark == "unjudged" else "not" if mark == "grade 0" else "relevant"


def _table(table: Table) -> str:
    head = "".join(
        f'<th scope="col"{_figure(i, table)}>{escape(text)}</th>'
        for i, text in enumerate(table.head)
    )
    rows = "\n".join(
        "<tr>" + "".join(_cell(plain(cell), i, table) for i, cell in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    caption = escape(table.caption)
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{caption}"><table>'
        f"<caption>{caption}</caption>"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>{note}"
    )


def _cell(cell: Cell, column: int, table: Table) -> str:
    text = escape(cell.text)
    if cell.strong:
        text = f"<strong>{text}</strong>"
    if cell.raised:
        text += f"<sup>{escape(cell.raised)}</sup>"
    if column == 0:
        return f'<th scope="row">{text}</th>'
    return f"<td{_figure(column, table)}>{text}</td>"


def _figure(column: int, table: Table) -> str:
    return ' class="n"' if column >= table.labels else ""
