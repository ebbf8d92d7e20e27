"""The sheet for people to label: a CSV file and a page, both without the judge's grades."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from rag.values import Case

COLUMNS = ("pair_id", "query_id", "query", "document_id", "text", "grade", "note")
GRADES = (
    "nothing to do with the question",
    "on the subject, without an answer",
    "an answer, vague or among other matter",
    "the precise answer, and little else",
)
"""TREC's scale for passages in our own words, by grade."""

_PAGE = Path(__file__).with_name("labelling.html")
_HERE = "/*SHEET*/"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(cases: Sequence[tuple[str, Case]]) -> str:
    """Return the sheet with empty grades.

    Where a text begins as a formula does, an apostrophe stands before it: spreadsheets run them.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for pair_id, case in cases:
        writer.writerow(
            [pair_id, case.query_id, _tame(case.query), case.document_id, _tame(case.text), "", ""]
        )
    return out.getvalue()


def to_page(cases: Sequence[tuple[str, Case]], top: int, title: str) -> str:
    """Return the labelling page: one file that asks nothing of any network."""
    rows = [
        {
            "pair_id": pair_id,
            "query_id": case.query_id,
            "query": case.query,
            "document_id": case.document_id,
            "text": case.text,
        }
        for pair_id, case in cases
    ]
    grades = [GRADES[g] if top == len(GRADES) - 1 else f"grade {g}" for g in range(top + 1)]
    sheet = json.dumps(
        {"title": title, "grades": grades, "columns": COLUMNS, "rows": rows}, ensure_ascii=False
    )
    # No text of a document can end the script that it stands in.
    sheet = sheet.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return _PAGE.read_text(encoding="utf-8").replace(_HERE, sheet)


def _tame(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
