"""Workbooks become Markdown: a table of values per sheet; no formula is computed."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, time
from itertools import zip_longest

from openpyxl import load_workbook

from indexers.reading.converted import clean, converted, in_parts
from indexers.reading.inputs import Input, Read
from indexers.reading.office import opened, title_of
from indexers.reading.tables import markdown_table


def read_xlsx(input_: Input) -> Iterator[Read]:
    """Yield the workbook; sheets are its pages, each a heading and a table of its values."""
    with closing(opened(input_)) as stream:
        title = title_of(stream)
        values = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        formulas = load_workbook(stream, read_only=True, keep_links=False)
        sheets, lost = [], 0
        for sheet in values.worksheets:
            sheet.reset_dimensions()  # what a file claims of its size may be false
            formulas[sheet.title].reset_dimensions()
            rows = []
            asked = formulas[sheet.title].iter_rows(values_only=True)
            for row, formula in zip_longest(sheet.iter_rows(values_only=True), asked, fillvalue=()):
                rows.append([_shown(value) for value in _without_tail(row)])
                lost += sum(
                    value is None and isinstance(asks, str) and asks.startswith("=")
                    for value, asks in zip_longest(row, formula)
                )
            table = markdown_table(_without_margin(rows))
            sheets.append(clean(f"## {sheet.title}\n\n{table}") if table else "")
    if lost:
        yield input_.notice(f"formulas without values left out ({lost:,}): open and save it once")
    text, pages = in_parts(sheets)
    yield converted(input_, "xlsx", text, title, pages=pages)


def _without_tail(row: Sequence[object]) -> Sequence[object]:
    end = len(row)
    while end and row[end - 1] is None:
        end -= 1
    return row[:end]


def _without_margin(rows: list[list[str]]) -> list[list[str]]:
    """Return the rows without the columns on the left that are empty in all of them."""
    firsts = [next((n for n, cell in enumerate(row) if cell.strip()), None) for row in rows]
    margin = min((first for first in firsts if first is not None), default=0)
    return [row[margin:] for row in rows]


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)
