"""Rows and tables: what is written comes back, and a bad row costs only itself."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.reading import read_paths
from indexers.reading.inputs import Read
from rag.values import Document
from tests.indexers.reading.giving import Write, documents, faults, notices, read

cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
said = cells.filter(lambda text: bool(text.strip()))


def _csv(rows: list[dict[str, str]], delimiter: str = ",") -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, ["id", "text", "more"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


@given(
    rows=st.lists(st.fixed_dictionaries({"text": said, "more": cells}), min_size=1, max_size=5),
    name=st.sampled_from(["a.csv", "a.tsv"]),
)
@settings(max_examples=100, deadline=None)
def test_a_table_comes_back_cell_by_cell(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], name: str
) -> None:
    file = tmp_path_factory.mktemp("in") / name
    numbered = [{"id": str(number), **row} for number, row in enumerate(rows)]
    file.write_bytes(_csv(numbered, "\t" if name.endswith("tsv") else ","))
    found = [
        {"id": item.id, "text": item.text, "more": item.metadata.get("more", "")}
        for item in documents(read(file))
    ]
    assert found == numbered


@given(
    st.lists(
        st.fixed_dictionaries({"_id": said, "text": said, "n": st.none() | st.integers(0, 9)}),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=100, deadline=None)
def test_json_and_json_lines_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    folder = tmp_path_factory.mktemp("in")
    (folder / "a.json").write_text(json.dumps(rows, indent=1))
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))

    def said_of(file: Path) -> list[tuple[str, str, Mapping[str, object]]]:
        return [(item.id, item.text, item.metadata) for item in documents(read(file))]

    assert said_of(folder / "a.json") == said_of(folder / "a.jsonl")
    assert [item[0] for item in said_of(folder / "a.json")] == [row["_id"] for row in rows]


@pytest.mark.parametrize(
    ("content", "table"),
    [
        (b"a,b\n1,2\n", "| a | b |\n| --- | --- |\n| 1 | 2 |"),
        (b"a\tb\n1\t2\n", "| a | b |\n| --- | --- |\n| 1 | 2 |"),
        (b"a|b\r1|2\r", "| a | b |\n| --- | --- |\n| 1 | 2 |"),
        (b'"a;x,y",b\r\n1,"2\r\n3"\r\n', "| a;x,y | b |\n| --- | --- |\n| 1 | 2 3 |"),
        (b"a,b\n1\n1,2,3\n", "| a | b |  |\n| --- | --- | --- |\n| 1 |  |  |\n| 1 | 2 | 3 |"),
    ],
)
def test_a_table_without_ids_is_one_document(write: Write, content: bytes, table: str) -> None:
    (document,) = documents(read(write("a.csv", content)))
    assert (document.id, document.text, document.markup) == ("a.csv", table, "markdown")


def test_rows_without_ids_are_numbered_by_their_lines(write: Write) -> None:
    file = write("a.csv", b'text\n"one\nline"\n\nthree\n')
    assert [(item.id, item.source) for item in documents(read(file))] == [
        ("a.csv:2", f"{file}:2"),
        ("a.csv:5", f"{file}:5"),
    ]


def test_a_bad_row_costs_only_itself(write: Write) -> None:
    items = read(write("a.csv", b"id,text\n1,one\n2,two,too many\n3,\n4,four\n"))
    assert [item.id for item in documents(items)] == ["1", "4"]
    assert faults(items) == [
        "a.csv:3: 3 cells where the head has 2: is a quotation mark missing?",
        "a.csv:4: the document is empty: neither text nor title",
    ]


def test_a_cell_may_be_as_long_as_a_line(write: Write) -> None:
    items = read(write("a.csv", b"id,text\n1," + b"x" * 900_000 + b"\n2,two\n"))
    assert [len(item.text) for item in documents(items)] == [900_000, 3]


def test_passages_of_ms_marco_need_no_head(write: Write) -> None:
    items = read(write("a.tsv", b'D1\tA "quoted passage, with commas\nD2\nD3\tone\n'))
    assert [(item.id, item.text) for item in documents(items)] == [
        ("D1", 'A "quoted passage, with commas'),
        ("D3", "one"),
    ]
    assert faults(items) == ["a.tsv:2: no passage: an id, a tab and a text are wanted"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<DOC>\n<DOCNO>1</DOCNO>\nx\n", "a document without </DOC>"),
        (b"<DOC>\nx\n</DOC>\n", "a document without <DOCNO>"),
        (b"<DOC>\n<DOCNO> </DOCNO>\nx\n</DOC>\n", "a document without <DOCNO>"),
        (b"<DOC>\n<DOCNO>1</DOCNO>\n</DOC>\n", "the document is empty: neither text nor title"),
        (b"<DOC>\n<DOCNO>1</DOCNO>\n\xff\n</DOC>\n", "not UTF-8 (byte 23 of the document)"),
    ],
)
def test_a_bad_document_of_trec_costs_only_itself(
    write: Write, content: bytes, reason: str
) -> None:
    good = "<DOC>\n<DOCNO>good</DOCNO>\n<TEXT>één</TEXT>\n</DOC>\n".encode()
    items = read(write("a.trec", good + content + good.replace(b"good", b"also")))
    assert [(item.id, item.text) for item in documents(items)] == [("good", "één"), ("also", "één")]
    assert faults(items) == [f"a.trec:5: {reason}"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"_id": "x", "text": "t"}', ("x", "t", "plain")),
        (b'{"id": 7, "text": "t"}', ("7", "t", "plain")),
        (b'{"text": "t"}', ("a.json", "t", "plain")),
        (b'{"a": 1}', ("a.json", '{"a": 1}', "code")),
        (b"[1, 2]", ("a.json", "[1, 2]", "code")),
        (b"[]", ("a.json", "[]", "code")),
        (b'[{"name": "x"}]', ("a.json", '[{"name": "x"}]', "code")),
    ],
)
def test_json_that_is_no_list_of_rows_is_one_document(
    write: Write, content: bytes, expected: tuple[str, str, str]
) -> None:
    (document,) = documents(read(write("a.json", content)))
    assert (document.id, document.text, document.markup) == expected


def _piped(data: bytes) -> list[Read]:
    return list(read_paths([Path("-")], stdin=io.BytesIO(data)))


def test_standard_input_is_rows_or_a_text() -> None:
    assert _piped(b'{"_id": "x", "text": "t"}\n') == [Document("x", "t", source="stdin:1")]
    assert _piped("# Größe\n".encode()) == [
        Document("stdin", "# Größe\n", "# Größe", source="stdin")
    ]
    assert [str(fault) for fault in _piped(b"")] == ["stdin: the file is empty"]
    assert notices(_piped("Größe".encode("cp1252")))[0].startswith("stdin: decoded as windows-1252")
