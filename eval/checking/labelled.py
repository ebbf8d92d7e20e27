"""Sheets that people labelled, read back: nothing is taken that could be of another pair."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.checking.sampling import Sample
from rag.errors import BadCollection
from rag.values import Frozen

NEEDED = ("pair_id", "grade")
Pair = tuple[str, str]
"""Query id and document id."""

_DELIMITERS = (",", ";", "\t")  # what spreadsheets write, by country
_MAX_CELL = 10_000_000  # csv's own limit of 128 KiB is less than a long document


@dataclass(frozen=True, slots=True)
class Row(Frozen):
    """A line of a sheet: where it stands, and what was put in."""

    where: str
    pair: Pair
    grade: int | None
    note: str


def read_sheet(file: Path, sample: Sample) -> tuple[Row, ...]:
    """Return the lines of a labelled sheet; those without a grade too.

    Raises:
        BadCollection: an empty file, a missing column, an unknown or doubled pair, a grade that is
            not on the scale, ids of another pair, or no grade at all; it names file and line.
    """
    known = {pair.pair_id: (pair.query_id, pair.document_id) for pair in sample.pairs}
    rows: dict[str, Row] = {}
    for where, cells in _lines(file):
        pair_id = cells["pair_id"].strip()
        if pair_id not in known:
            raise BadCollection(
                f"{where}: the sample has no pair '{pair_id}': label the sheet that was drawn with "
                "it, and leave the column pair_id as it is"
            )
        if pair_id in rows:
            raise BadCollection(
                f"{where}: pair '{pair_id}' stands here twice, first at {rows[pair_id].where}: "
                "keep one of the lines"
            )
        for column, value in zip(("query_id", "document_id"), known[pair_id], strict=True):
            if cells.get(column, value) != value:
                raise BadCollection(
                    f"{where}: pair '{pair_id}' is of {column} '{value}', here is "
                    f"'{cells[column]}': columns were sorted apart, or files were mixed"
                )
        grade = _grade(where, cells["grade"].strip(), sample.top)
        rows[pair_id] = Row(where, known[pair_id], grade, cells.get("note", ""))
    if all(row.grade is None for row in rows.values()):
        raise BadCollection(
            f"{file} grades no pair: put 0 to {sample.top} into the column 'grade', or leave the "
            "file away"
        )
    return tuple(rows.values())


def _lines(file: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield where a line begins, and its cells by column."""
    columns: list[str] = []
    for where, cells in _cells(file, _text(file)):
        if not columns:
            columns = _columns(where, cells)
        elif len(cells) != len(columns):
            raise BadCollection(
                f"{where}: {len(cells)} cells, the first line names {len(columns)}: save it "
                "as CSV again"
            )
        else:
            yield where, dict(zip(columns, cells, strict=True))


def _cells(file: Path, text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the lines that are not blank; a text may go over several."""
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    before = 0
    try:
        for cells in reader:
            where, before = f"{file}:{before + 1}", reader.line_num
            if any(cell.strip() for cell in cells):
                yield where, cells
    except csv.Error as error:
        raise BadCollection(f"{file}:{before + 1}: no CSV: {error}: save it as CSV again") from None


def _text(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadCollection(f"{file} is not UTF-8: save it as 'CSV UTF-8'") from None
    except OSError as error:
        raise BadCollection(f"{file} cannot be read: {error.strerror}: name a CSV file") from None
    if not text.strip():
        raise BadCollection(f"{file} is empty: name the labelled CSV file")
    return text


def _columns(where: str, cells: Sequence[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    if missing := [name for name in NEEDED if name not in columns]:
        raise BadCollection(
            f"{where}: no column '{missing[0]}', here are {', '.join(columns)}: keep the first "
            "line of the sheet as it was written"
        )
    return columns


def _grade(where: str, said: str, top: int) -> int | None:
    if not said:
        return None
    if not (said.isascii() and said.isdigit() and int(said) <= top):
        raise BadCollection(f"{where}: '{said}' is no grade: 0 to {top}, or empty for none")
    return int(said)
