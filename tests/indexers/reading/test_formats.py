"""A folder with a file of every format: every one becomes its text, exactly."""

import gzip
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from indexers.reading import read_paths
from indexers.reading.formats import FORMATS, LANGUAGES, format_of
from indexers.reading.inputs import Read
from rag.sections import IndexSettings
from rag.values import Document
from tests.indexers.reading import making
from tests.indexers.reading.giving import Write, documents, faults, notices

PAGE = """<!doctype html><html><head><title>Harbour &amp; quay</title><style>p {}</style></head>
<body><header>Port of Ada</header><nav><a href="/x">Home</a></nav>
<main><h1>The <b>quay</b></h1><p>Boats moor <a href="http://example.org/">here</a><br>
at 5 * 3 ropes.
<p hidden>secret one<p style="display: none">secret two<p aria-hidden="true">secret three
<ul><li>rope<ul><li>hemp</ul><li>anchor</ul><ol start="3"><li>tie<li>pull</ol>
<table><tr><th>boat<th>m|t<tr><td>Ida<td>12</table>
<pre>x = 1
  y = 2</pre><blockquote>Quoted.</blockquote><img src="http://example.org/a.png" alt="no">
</main><script>alert(1)</script><template>secret four</template>
<!-- secret five --></body></html>"""
PAGE_TEXT = """Port of Ada

Home

# The quay

Boats moor here
at 5 * 3 ropes.

- rope
  - hemp
- anchor

3. tie
4. pull

| boat | m\\|t |
| --- | --- |
| Ida | 12 |

```
x = 1
  y = 2
```

> Quoted."""
WORD_TEXT = """# The freezer

# Care

Defrost it in May: 5 * 3 hours, a_b_c, 1 < 2 & 3.

- Shut the door.
- Check the seal.

1. Call Ada.
2. Call Bob.

| Part | a\\|b |
| --- | --- |
| lid old | 4 |

## Power

It stays cold for two days"""
SLIDES_TEXT = """## Plan

- Read
  - files
- Write

Say it slowly.

In a group

| a | b |
| --- | --- |
| c | d |"""
SHEETS_TEXT = """## Prices

| item | price | sold |
| --- | --- | --- |
| salt | 1.5 | TRUE |
| sum |  |  |



## Dates

| day |
| --- |
| 2026-01-02 |
| 3 |
| a\\|b c |"""
TREC = b"""<DOC>
<DOCNO> FT-1 </DOCNO>
<HEADLINE>Salt &amp; ice</HEADLINE>
<TEXT>
Ice <P>melts</P> at 0.
</TEXT>
</DOC>
<DOC>
<DOCNO>FT-2</DOCNO>
No text element.
</DOC>
"""
ROWS: Mapping[str, Sequence[object]] = {
    "_id": ["p1", "p2", "p3"],
    "text": ["one", "two", "three"],
    "n": [1, None, 3],
}
FILES: Mapping[str, bytes] = {
    "code.py": b"def f():\n    return 1\n",
    "list.json": b'[{"id": "j1", "text": "first"}, {"id": "j2", "title": "second"}]',
    "mail.eml": making.mail(
        "Der Käfer\nist da.\n", "<p>no</p>", {"n.md": b"# Note\n", "r.pdf": making.pdf("Inside")}
    ),
    "object.json": b'{"text": "one object", "lang": "en"}',
    "page.html": PAGE.encode(),
    "packed.md.gz": gzip.compress(b"# Packed\n"),
    "passages.tsv": b"0\tThe first passage here\n17\tAnd a second one\n",
    "report.pdf": making.pdf("First page\nsecond line", "", "Third page", title="Report"),
    "rows.csv": b'id,title,text,year\n7,Ada,"one, ""two""\nthree",1815\n8,,four,\n',
    "rows.parquet": making.parquet(ROWS),
    "settings.json": b'{"port": 80}',
    "sheets.xlsx": making.sheets(),
    "slides.pptx": making.slides(),
    "table.csv": b"name;price\nsalt;1,5\n\npepper;a|b\n",
    "things.csv": b"id,name,price\nt1,salt,2\n",
    "trec.sgml": TREC,
    "word.docx": making.word(),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("all") / "in"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    (folder / "all.zip").write_bytes(making.zipped(FILES))
    return folder


@pytest.fixture(scope="module")
def items(folder: Path) -> list[Read]:
    return list(read_paths([folder], "tenant"))


def _in(items: list[Read], place: str) -> dict[str, Document]:
    """Return the documents of a file, by their sources after the file's name."""
    found = [item for item in documents(items) if f"/in/{place}" in item.source]
    return {item.source.partition(f"/in/{place}")[2]: item for item in found}


WHOLE = {
    "page.html": ("Harbour & quay", PAGE_TEXT),
    "word.docx": ("The freezer", WORD_TEXT),
    "slides.pptx": ("Plan", SLIDES_TEXT),
    "sheets.xlsx": ("sheets", SHEETS_TEXT),
    "report.pdf": ("Report", "First page\nsecond line\n\n\n\nThird page"),
    "mail.eml": ("Grüße vom Hafen", "Der Käfer\nist da."),
    "code.py": ("code.py", "def f():\n    return 1\n"),
    "packed.md.gz": ("Packed", "# Packed\n"),
    "object.json": ("", "one object"),
    "settings.json": ("settings", '{"port": 80}'),
    "table.csv": ("table", "| name | price |\n| --- | --- |\n| salt | 1,5 |\n| pepper | a\\|b |"),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("where", ["", "all.zip!/"])
def test_a_file_becomes_its_text(items: list[Read], where: str, name: str) -> None:
    document = _in(items, where + name)[""]
    assert (document.title, document.text) == WHOLE[name]
    assert document.id == f"in/{where}{name}"
    assert document.tenant == "tenant"


def test_structure_is_told_to_the_splitters(items: list[Read]) -> None:
    markups = {name: _in(items, name)[""].markup for name in WHOLE}
    assert {name for name, markup in markups.items() if markup == "code"} == {
        *("code.py", "settings.json")
    }
    assert {name for name, markup in markups.items() if markup == "plain"} == {
        *("report.pdf", "mail.eml", "object.json")
    }
    assert _in(items, "code.py")[""].language == "python"
    assert _in(items, "settings.json")[""].language == "json"


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("report.pdf", ["First page\nsecond line", "", "Third page"]),
        ("slides.pptx", ["## Plan\n\n- Read", "In a group"]),
        ("sheets.xlsx", ["## Prices", "", "## Dates"]),
    ],
)
def test_pages_slides_and_sheets_begin_where_they_are_said_to(
    items: list[Read], name: str, begins: list[str]
) -> None:
    document = _in(items, name)[""]
    pages = [
        document.text[start:end]
        for start, end in zip(document.pages, [*document.pages[1:], None], strict=True)
    ]
    assert len(pages) == len(begins)
    assert all(page.startswith(begin) for page, begin in zip(pages, begins, strict=True))
    assert [bool(page.strip()) for page in pages] == [bool(begin) for begin in begins]


ROW_FILES = {
    "list.json": [(":1", "j1", "", "first", {}), (":2", "j2", "second", "", {})],
    "passages.tsv": [
        (":1", "0", "", "The first passage here", {}),
        (":2", "17", "", "And a second one", {}),
    ],
    "rows.csv": [
        (":2", "7", "Ada", 'one, "two"\nthree', {"year": "1815"}),
        (":4", "8", "", "four", {}),
    ],
    "rows.parquet": [
        (":1", "p1", "", "one", {"n": 1}),
        (":2", "p2", "", "two", {}),
        (":3", "p3", "", "three", {"n": 3}),
    ],
    "things.csv": [(":2", "t1", "", "name: salt\nprice: 2", {})],
    "trec.sgml": [
        (":1", "FT-1", "Salt & ice", "Ice melts at 0.", {}),
        (":8", "FT-2", "", "No text element.", {}),
    ],
}


@pytest.mark.parametrize("name", ROW_FILES)
@pytest.mark.parametrize("where", ["", "all.zip!/"])
def test_rows_become_documents(items: list[Read], where: str, name: str) -> None:
    found = _in(items, where + name)
    assert [
        (place, item.id, item.title, item.text, dict(item.metadata))
        for place, item in found.items()
    ] == ROW_FILES[name]


def test_mail_keeps_its_headers_and_its_attachments(items: list[Read]) -> None:
    found = _in(items, "mail.eml")
    assert found[""].metadata == {
        "format": "eml",
        "from": "Ada <ada@example.org>",
        "to": "bob@example.org",
        "date": "2026-03-02T10:00:00+01:00",
        "message_id": "<1@example.org>",
    }
    assert [(place, item.text) for place, item in found.items()][1:] == [
        ("!/n.md", "# Note\n"),
        ("!/r.pdf", "Inside"),
    ]


def test_what_is_worth_knowing_is_a_notice_and_nothing_is_a_fault(items: list[Read]) -> None:
    assert faults(items) == []
    assert notices(items) == 2 * [
        "report.pdf: page 2 without text, perhaps scans",
        "sheets.xlsx: formulas without values left out (1): open and save it once",
    ]


@pytest.mark.parametrize("workers", [1, 3])
def test_files_are_read_in_order_however_many_are_converted_at_a_time(
    write: Write, tmp_path: Path, workers: int
) -> None:
    for number in range(6):
        write(f"{number}.md", b"# Title")
        write(f"{number}.html", b"<p>text " * (2_000 if number == 1 else 1))
    folder = tmp_path / "in"
    found = read_paths([folder], limits=IndexSettings(workers=workers))
    assert [item.source for item in found] == sorted(map(str, folder.iterdir()))


def test_every_reader_that_is_named_exists() -> None:
    for reader in FORMATS.values():
        assert callable(pkgutil.resolve_name(reader) if isinstance(reader, str) else reader)
    ends = [end for ends in LANGUAGES.values() for end in ends.split()]
    assert len(ends) == len(set(ends))
    assert all(format_of(f"x{end}") == end for end in FORMATS)
