"""Sheets written, labelled and read back; and all that can go wrong between."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.checking.labelled import read_sheet
from eval.checking.sampling import Sample, draw, pair_id
from eval.checking.sheet import COLUMNS, to_csv, to_page
from rag.errors import BadCollection
from rag.values import Case

SAMPLE = draw({"q1": {"a": 0, "b": 3}, "q2": {"c": 1}}, "judge", top=3)
A, B, C = pair_id("q1", "a"), pair_id("q1", "b"), pair_id("q2", "c")
HEAD = "pair_id,query_id,document_id,grade"


def sheet(tmp_path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "ann.csv"
    file.write_text("\n".join(lines), encoding=encoding)
    return file


def test_grades_are_read_and_empty_ones_are_none(tmp_path: Path) -> None:
    file = sheet(tmp_path, HEAD, f"{A},q1,a,0", f"{B},q1,b,", "", f"{C},q2,c, 3 ")
    rows = read_sheet(file, SAMPLE)
    assert [(row.pair, row.grade) for row in rows] == [
        (("q1", "a"), 0),
        (("q1", "b"), None),
        (("q2", "c"), 3),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_sheets_of_any_country_with_a_byte_order_mark_are_read(
    tmp_path: Path, delimiter: str
) -> None:
    lines = [HEAD, f"{A},q1,a,2"]
    file = sheet(tmp_path, *(x.replace(",", delimiter) for x in lines), encoding="utf-8-sig")
    assert read_sheet(file, SAMPLE)[0].grade == 2


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([""], r"ann\.csv is empty"),
        ([HEAD], "grades no pair: put 0 to 3"),
        ([HEAD, f"{A},q1,a,", f"{B},q1,b, "], "grades no pair"),
        (["id,grade", f"{A},1"], r"ann\.csv:1: no column 'pair_id', here are id, grade"),
        ([HEAD, "beef,q1,a,1"], r"ann\.csv:2: the sample has no pair 'beef'"),
        ([HEAD, f"{A},q1,a,1", f"{A},q1,a,1"], r"ann\.csv:3: pair .* twice, first at .*:2"),
        ([HEAD, f"{A},q1,a,4"], r"ann\.csv:2: '4' is no grade: 0 to 3"),
        ([HEAD, f"{A},q1,a,-1"], "'-1' is no grade"),
        ([HEAD, f"{A},q1,a,2.0"], r"'2\.0' is no grade"),
        ([HEAD, f"{A},q1,a,²"], "'²' is no grade"),
        ([HEAD, f"{A},q2,c,1"], r"ann\.csv:2: pair .* is of query_id 'q1', here is 'q2'"),
        ([HEAD, f"{A},q1,b,1"], "is of document_id 'a', here is 'b'"),
        ([HEAD, f"{A},q1,a"], r"ann\.csv:2: 3 cells, the first line names 4"),
        ([HEAD, f'{A},q1,a,"1'], r"ann\.csv:2: no CSV"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(BadCollection, match=message):
        read_sheet(sheet(tmp_path, *lines), SAMPLE)


def test_a_sheet_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCollection, match="cannot be read"):
        read_sheet(tmp_path / "none.csv", SAMPLE)
    file = tmp_path / "latin.csv"
    file.write_bytes(b"pair_id,grade\n\xe4,1\n")
    with pytest.raises(BadCollection, match="not UTF-8: save it as 'CSV UTF-8'"):
        read_sheet(file, SAMPLE)


def test_a_line_is_named_where_it_begins_though_texts_go_over_several(tmp_path: Path) -> None:
    file = sheet(tmp_path, "pair_id,text,grade", f'{A},"one\ntwo\nthree",1', f"{B},x,9")
    with pytest.raises(BadCollection, match=r"ann\.csv:5: '9'"):
        read_sheet(file, SAMPLE)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)


@given(TEXTS, TEXTS)
def test_any_text_survives_the_sheet(query: str, text: str) -> None:
    written = to_csv([("p1", Case("q", query, "d", text))])
    head, row = csv.reader(io.StringIO(written, newline=""))
    assert tuple(head) == COLUMNS
    cells = dict(zip(head, row, strict=True))
    assert cells["text"].removeprefix("'") == text.removeprefix("'")
    assert not cells["text"].startswith(("=", "+", "-", "@"))
    assert cells["grade"] == ""


def test_neither_sheet_nor_page_has_the_judges_grades() -> None:
    hidden = Sample("SECRET-JUDGE", 0, 3, SAMPLE.strata, SAMPLE.pairs)
    cases = [(p.pair_id, Case(p.query_id, "?", p.document_id, "text")) for p in hidden.pairs]
    for text in (to_csv(cases), to_page(cases, 3, "Label")):
        assert "SECRET-JUDGE" not in text
    rows = list(csv.DictReader(io.StringIO(to_csv(cases))))
    assert {row["grade"] for row in rows} == {""}


def test_no_text_can_end_the_script_it_stands_in() -> None:
    evil = "</script><script>alert(1)</script><!--"
    page = to_page([("p", Case("q", evil, "d", evil))], 3, evil)
    assert evil not in page
    assert page.count("</script>") == 2
