"""What a report is written of: blocks of plain text, which HTML and Markdown both show.

One list of blocks for both, so that they hold the same figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rag.values import Frozen

Tone: TypeAlias = Literal["red", "amber", "plain"]


@dataclass(frozen=True, slots=True)
class Cell(Frozen):
    """A cell of a table; `raised` is a superscript, `strong` marks the best of a column."""

    text: str
    raised: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table(Frozen):
    """A table: the first `labels` columns are text, the others figures; `folded` ones wait."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    labels: int = 1
    note: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Figure(Frozen):
    """A chart, as SVG that is made of escaped text, and the table that says the same."""

    svg: str
    caption: str
    table: Table


@dataclass(frozen=True, slots=True)
class Text(Frozen):
    """A paragraph; the first of a section may be its verdict."""

    text: str
    verdict: bool = False


@dataclass(frozen=True, slots=True)
class Banner(Frozen):
    """Lines that are read before all else."""

    tone: Tone
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranked(Frozen):
    """A ranking to be read: marks ("grade 2", "unjudged"), titles and beginnings of documents."""

    name: str
    items: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class SideBySide(Frozen):
    """A query with two rankings."""

    title: str
    note: str
    left: Ranked
    right: Ranked


Block: TypeAlias = Table | Figure | Text | Banner | SideBySide


@dataclass(frozen=True, slots=True)
class Section(Frozen):
    """A heading, and what stands below it."""

    title: str
    blocks: Sequence[Block]
    level: int = 2
    anchor: str = ""


def plain(cell: str | Cell) -> Cell:
    """Return a cell."""
    return cell if isinstance(cell, Cell) else Cell(cell)
