"""What a file does to a parser, it does to that file alone."""

import threading
import time
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from indexers.reading import read_paths
from indexers.reading.formats import FORMATS
from indexers.reading.inputs import Input, OfBytes
from indexers.reading.workers import Workers
from rag.sections import IndexSettings
from rag.values import Document, Fault
from tests.indexers.reading import making
from tests.indexers.reading.giving import Write, documents, faults, notices, read
from tests.indexers.reading.openers import Connecting, Crashing, Devouring, Hanging, Starting

MB = 2**20


@pytest.fixture
def limits() -> IndexSettings:
    return IndexSettings(workers=2, file_seconds=0.5)


@pytest.fixture
def workers(limits: IndexSettings) -> Iterator[Workers]:
    workers = Workers(limits)
    yield workers
    workers.close()


def _input(opener: OfBytes, limits: IndexSettings) -> Input:
    return Input("x", "x", "x.trec", "t", limits, opener)


GOOD = OfBytes(b"<DOC>\n<DOCNO>1</DOCNO>\ntext\n</DOC>\n")


def test_a_worker_that_hangs_crashes_or_devours_costs_its_file_alone(
    workers: Workers, limits: IndexSettings
) -> None:
    bad = [Hanging(b""), Crashing(b""), Devouring(b"")]
    asked = [workers.read(_input(opener, limits)) for each in bad for opener in (GOOD, each, GOOD)]
    given = [list(items) for items in asked]
    assert all(isinstance(item, Document) for items in given[::3] + given[2::3] for item in items)
    assert [str(item) for items in given[1::3] for item in items] == [
        "x: it takes more than 0.5 s (index.file_seconds)",
        "x: the parser crashed (SIGSEGV): a damaged file?",
        "x: it needs more memory than 2,147,483,648 bytes (index.worker_bytes)",
    ]


def test_a_worker_has_no_network_and_starts_no_programs(
    workers: Workers, limits: IndexSettings
) -> None:
    asked = [workers.read(_input(each, limits)) for each in (Connecting(b""), Starting(b""))]
    reasons = [str(item) for items in asked for item in items]
    assert [reason.rpartition(": ")[2] for reason in reasons] == 2 * [
        "files are read and nothing else"
    ]


def test_a_worker_is_begun_when_a_file_needs_it_and_ended_with_the_reading(write: Write) -> None:
    def begun() -> bool:
        return any(thread.name == "reading" for thread in threading.enumerate())

    folder = write("a.md", b"# A").parent
    write("b.txt", b"text")
    assert [begun() for _ in read_paths([folder])] == [False, False]
    write("c.html", b"page")
    items = read_paths([folder])
    next(items)
    assert begun()
    del items
    assert not begun()


def test_leaving_in_between_ends_the_workers_at_once(workers: Workers) -> None:
    hanging = IndexSettings(file_seconds=60)
    waiting = [workers.read(_input(Hanging(b""), hanging)) for _ in range(4)]
    time.sleep(0.05)
    begun = time.monotonic()
    workers.close()
    assert time.monotonic() - begun < 15
    del waiting


def test_files_of_no_bytes_are_faults_of_every_format(write: Write, tmp_path: Path) -> None:
    ends = [end for end in FORMATS if end != ".zip"]
    for end in ends:
        write(f"a{end}", b"")
    items = read(tmp_path / "in")
    assert faults(items) == [f"a{end}:0: the file is empty" for end in sorted(ends)]


def _without(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return making.zipped({n: archive.read(n) for n in archive.namelist() if n != name})


def _with(data: bytes, name: str, content: bytes) -> bytes:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    return making.zipped({**members, name: content})


WORD, OLE = making.word(), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
OFFICE = "password-protected or of the time before 2007: save it anew without"
BOMB = "a bomb? It unpacks to more than 200 times its size"
WRONG = "damaged, or not what its name says: "
BAD = {
    "bomb.docx": (_with(WORD, "word/media/a.bin", b" " * 68_000_000), BOMB),
    "cut.docx": (WORD[: len(WORD) // 2], "damaged: File is not a zip file"),
    "cut.parquet": (making.parquet({"text": ["a"]})[:-9], WRONG),
    "cut.pdf": (making.pdf("text")[:200], WRONG),
    "cut.xlsx": (making.sheets()[:-30], "damaged: File is not a zip file"),
    "gutted.docx": (_without(WORD, "word/document.xml"), WRONG),
    "gutted.pptx": (_without(making.slides(), "ppt/presentation.xml"), WRONG),
    "gutted.xlsx": (_without(making.sheets(), "xl/workbook.xml"), WRONG),
    "locked.docx": (OLE, OFFICE),
    "locked.pdf": (
        making.pdf("text", owner="o", user="u"),
        "password-protected: save it anew without a password",
    ),
    "locked.pptx": (OLE, OFFICE),
    "locked.xlsx": (OLE, OFFICE),
    "no.docx": (b"text", "damaged: File is not a zip file"),
    "no.eml": (b"\njust text", "no mail: it begins with no header"),
    "no.html": (b"<script>x</script>", "it holds no text"),
    "no.json": (b"{", "not JSON: "),
    "no.parquet": (making.parquet({"n": [1]}), "none of its columns is called _id, id or text"),
    "no.pdf": (b"text", WRONG),
    "no.sgml": (b"text\n", "no document of TREC's: lines with <DOC> and </DOC> are wanted"),
    "scan.pdf": (
        making.pdf("", ""),
        "no page has text, perhaps a scan: recognise its text (OCR) first",
    ),
}


def test_every_bad_file_is_a_fault_with_its_reason_and_the_rest_is_read(
    write: Write, tmp_path: Path
) -> None:
    for name, (data, _) in BAD.items():
        write(name, data)
    write("good.pdf", making.pdf("text"))
    write("open.pdf", making.pdf("to readers", owner="o"))  # an owner's password hides nothing
    items = read(tmp_path / "in")
    assert [item.text for item in documents(items)] == ["text", "to readers"]
    assert len(faults(items)) == len(BAD)
    for fault, (name, (_, reason)) in zip(faults(items), sorted(BAD.items()), strict=True):
        assert fault.startswith(f"{name}:0: {reason}")


def test_pages_nest_as_deep_as_they_like(write: Write) -> None:
    page = b"<div>" * 600 + b"deep" + b"</div>" * 600 + b"<p>after"
    (document,) = documents(read(write("a.html", page)))
    assert document.text.split() == ["deep", "after"]


@pytest.mark.parametrize("claimed", [b"A1:XFD1048576", b"A1"])
def test_a_sheet_is_read_for_what_it_holds_whatever_it_claims(write: Write, claimed: bytes) -> None:
    data = making.sheets({"S": [["a"], ["b"]]})
    with zipfile.ZipFile(BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    false = sheet.replace(b'ref="A1:A2"', b'ref="%s"' % claimed)
    assert false != sheet
    (document,) = documents(read(write("a.xlsx", _with(data, "xl/worksheets/sheet1.xml", false))))
    assert document.text == "## S\n\n| a |\n| --- |\n| b |"


def test_names_with_line_breaks_are_read_and_their_faults_fit_on_a_line(write: Write) -> None:
    write("two\nlines.md", b"# A")
    folder = write("two\nempty.pdf", b"").parent
    items = read(folder)
    assert [item.id for item in documents(items)] == ["in/two\nlines.md"]
    assert faults(items) == ["two\\nempty.pdf:0: the file is empty"]


def test_a_mail_in_a_mail_in_a_mail_ends(write: Write) -> None:
    data = making.mail("innermost")
    for _ in range(5):
        data = making.mail("outer", attached={"m.eml": data})
    items = read(write("a.eml", data))
    assert [item.text for item in documents(items)] == 4 * ["outer"]
    assert [fault.partition(": ")[2] for fault in faults(items)] == [
        "attachments left out: archives in archives, over 3 deep"
    ]


def test_a_page_of_a_report_that_cannot_be_read_costs_only_itself(write: Write) -> None:
    data = making.pdf("One", "Two", "Three")
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import NameObject, NumberObject

    writer = PdfWriter(PdfReader(BytesIO(data)))
    writer.pages[1][NameObject("/Contents")] = NumberObject(7)
    stream = BytesIO()
    writer.write(stream)
    items = read(write("a.pdf", stream.getvalue()))
    assert [item.text for item in documents(items)] == ["One\n\n\n\nThree"]
    assert any("page 2" in notice for notice in notices(items))


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    for name in ("a.txt", "a.pdf", "a.json"):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(200 * MB)
    items = list(read_paths([tmp_path], limits=IndexSettings(max_file_bytes=MB)))
    assert [item.reason for item in items if isinstance(item, Fault)] == 3 * [
        "larger than 1,048,576 bytes (index.max_file_bytes)"
    ]
