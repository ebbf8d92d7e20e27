"""Any encoding becomes the right text, a guess is told, and what is no text is a fault."""

import codecs
import json
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexers.reading.encodings import decode
from indexers.reading.inputs import Unreadable
from rag.values import Document
from tests.indexers.reading.giving import Write, documents, faults, notices, read

TEXTS = {
    "german": "Die Prüfung der Geräte erfolgt jährlich. Größe und Gewicht stehen auf dem Schild.\n",
    "french": "one\ntwo\ndéjà vu\n",
    "english": "The café is open “daily” – come in.\n",
    "russian": "Документ описывает порядок хранения. Съешь же ещё этих мягких французских булок.\n",
    "polish": "Zażółć gęślą jaźń. Dokument opisuje sposób postępowania.\n",
    "japanese": "日本語の文書です。検索の結果を確認してください。冷蔵庫の温度は五度です。\n",
    "chinese": "中文文档，检索结果请确认。冰箱温度为五度。\n",
}
MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
unicode = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)


@pytest.mark.parametrize(
    ("language", "encoding", "name"),
    [
        ("german", "latin-1", "windows-1252"),
        ("french", "latin-1", "windows-1252"),
        ("english", "cp1252", "windows-1252"),
        ("russian", "cp1251", "windows-1251"),
        ("russian", "koi8_r", "KOI8-R"),
        ("polish", "cp1250", "windows-1250"),
        ("japanese", "shift_jis", "Shift JIS"),
        ("japanese", "euc_jp", "euc_jp"),
        ("chinese", "gb18030", "gb18030"),
    ],
)
def test_an_encoding_is_guessed_and_the_guess_is_told(
    write: Write, language: str, encoding: str, name: str
) -> None:
    items = read(write("a.txt", TEXTS[language].encode(encoding)))
    assert [item.text for item in documents(items)] == [TEXTS[language]]
    assert notices(items) == [
        f"a.txt: decoded as {name}, which was guessed: convert it to UTF-8 where that is wrong"
    ]


def test_what_comes_late_in_a_long_text_is_guessed_as_well(write: Write) -> None:
    text = "Plain words only.\n" * 30_000 + TEXTS["russian"] * 20
    items = read(write("a.txt", text.encode("cp1251")))
    assert documents(items)[0].text == text


@pytest.mark.parametrize("encoding", MARKED)
@given(text=unicode.filter(lambda text: bool(text.strip())))
@example(text="a\r\nb\rc\u2028d\n\n")
@settings(max_examples=50, deadline=None)
def test_a_byte_order_mark_decides_and_is_not_counted(encoding: str, text: str) -> None:
    data = MARKED[encoding] + text.encode(encoding)
    assert decode(data).text == text
    assert not decode(data).remark


@pytest.mark.parametrize("encoding", MARKED)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_rows_may_be_of_any_marked_encoding(write: Write, encoding: str, name: str) -> None:
    text = TEXTS["japanese"].strip()
    row = json.dumps({"_id": "x", "text": text}, ensure_ascii=False)
    content = {"a.jsonl": row + "\n", "a.csv": f"id,text\nx,{text}\n"}[name]
    items = read(write(name, MARKED[encoding] + content.encode(encoding)))
    assert [(item.id, item.text) for item in documents(items)] == [("x", text)]


def test_a_table_of_another_encoding_is_guessed(write: Write) -> None:
    items = read(write("a.csv", "id,text\n1,Größe\n".encode("cp1252")))
    assert [item.text for item in documents(items)] == ["Größe"]
    assert notices(items)[0].startswith("a.csv: decoded as windows-1252")


def test_json_is_never_guessed(write: Write) -> None:
    (fault,) = faults(read(write("a.json", '{"text": "Größe"}'.encode("cp1252"))))
    assert fault == "a.json:0: not UTF-8, which JSON must be: convert it with iconv"


PAGES = {
    "koi8-r": '<meta charset="koi8-r">',
    "cp1251": '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
    "iso-8859-5": '<?xml version="1.0" encoding="iso-8859-5"?>',
    "utf-8": "<meta charset=utf-8>",
    "utf-8-sig": "<meta charset=no-such>",
}


def test_a_page_says_its_encoding(write: Write, tmp_path: Path) -> None:
    text = TEXTS["russian"].strip()
    for encoding, head in PAGES.items():
        write(f"{encoding}.html", f"{head}<p>{text}".encode(encoding))
    items = read(tmp_path / "in")
    assert [item.text for item in documents(items)] == len(PAGES) * [text]
    assert notices(items) == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("één\ntwo ".encode() + b"\xff\n", "a.txt:2: not UTF-8 (byte 10): convert it with iconv"),
        (b"one\ntw\0o", "a.txt:2: binary, not text (a NUL byte)"),
        (b"\xff\xfe\x00\xd8", "a.txt:0: not UTF-16-LE (byte 0), as it claims"),
        (
            bytes(range(1, 256)) * 3,
            "a.txt:0: in no encoding that can be told: convert it to UTF-8 with iconv",
        ),
    ],
)
def test_what_is_no_text_is_a_fault(write: Write, data: bytes, reason: str) -> None:
    assert faults(read(write("a.txt", data))) == [reason]


def test_a_line_of_rows_that_is_damaged_costs_only_itself(write: Write) -> None:
    data = "id,text\n1,één\n".encode() + b"2,\xff\n3,drie\n"
    items = read(write("a.csv", data))
    assert [item.text for item in documents(items)] == ["één", "drie"]
    assert faults(items) == ["a.csv:3: not UTF-8 (byte 2 of the line)"]


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_bytes_stop_decoding(data: bytes) -> None:
    with suppress(Unreadable):
        decode(data).text.encode()


def test_a_large_text_is_read_within_a_small_multiple_of_its_size(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"A line of text, as long as lines are in most texts.\n" * 80_000)
    size = file.stat().st_size  # 4 MB; what is held grows with it
    tracemalloc.start()
    for item in read(file):
        assert isinstance(item, Document)
        assert len(item.text) == size
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5 * size
