"""Nothing outside the named folder is opened, and no connection is made."""

import json
import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.indexers.reading import making
from tests.indexers.reading.giving import Write, documents, faults, read

HOUSE = "the-secret-of-the-house"
WATCH = """
import json, os, sys
log = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def watch(event, args):
    if event == "open" or event.startswith(("socket.", "subprocess.", "os.listdir", "os.scandir")):
        os.write(log, (json.dumps([event, str(args[0]) if args else ""]) + "\\n").encode())
sys.addaudithook(watch)
"""
READ = """
import sys
from pathlib import Path
from indexers.reading import read_paths
for item in read_paths([Path(sys.argv[1])]):
    print(repr(item))
"""


def _entity(data: bytes, part: str, before: bytes, secret: Path) -> bytes:
    """Put an external entity into a part of an Office file, after an element's start."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "%s">]>'
    root = members[part].rpartition(b"?>")[2]
    assert before in root
    filled = root.replace(before, before + b"&e;", 1)
    members[part] = evil % secret.as_uri().encode() + filled
    return making.zipped(members)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file outside of all that is named."""
    secret = tmp_path / "outside" / "secret.txt"
    secret.parent.mkdir()
    secret.write_text(HOUSE)
    return secret


@pytest.fixture
def links(write: Write, secret: Path) -> Path:
    """A folder with links that lead out, round, and to its own files."""
    folder = write("good.md", b"# Good").parent
    (folder / "link.txt").symlink_to(secret)
    (folder / "outside").symlink_to(secret.parent)
    (folder / "up").symlink_to(folder)
    (folder / "chain.txt").symlink_to(folder / "link.txt")
    (folder / "inside.md").symlink_to(folder / "good.md")
    return folder


@pytest.fixture
def folder(write: Write, links: Path, secret: Path) -> Path:
    """A folder that tries everything to be read beyond itself."""
    uri = secret.as_uri()
    page = f'<link rel=stylesheet href="{uri}"><iframe src="{uri}"></iframe><img src="{uri}">'
    write("page.html", (page + '<img src="http://127.0.0.1:9/x"><p>A page').encode())
    xhtml = f'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY e SYSTEM "{uri}">]><p>An &e; entity</p>'
    write("entity.xhtml", xhtml.encode())
    write("data.xml", xhtml.encode())
    word, sheets, slides = making.word(), making.sheets(), making.slides()
    write("a.docx", _entity(word, "word/document.xml", b"<w:t>", secret))
    write("b.docx", _entity(word, "docProps/core.xml", b"<dc:title>", secret))
    write("a.xlsx", _entity(sheets, "xl/worksheets/sheet1.xml", b"<t>", secret))
    write("a.pptx", _entity(slides, "ppt/slides/slide1.xml", b"<a:t>", secret))
    write("a.zip", making.zipped({"../../outside/secret.txt": b"a member", str(secret): b"too"}))
    write("a.eml", making.mail("A mail", attached={"../../outside/secret.txt": b"attached"}))
    return links


def test_what_lies_outside_the_folder_is_not_opened_and_nothing_is_connected(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    log = tmp_path / "log"
    path = os.pathsep.join([str(tmp_path / "watch"), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", READ, folder],
        env={"PYTHONPATH": path, "WATCH_LOG": str(log)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "A page" in done.stdout
    assert "two days" in done.stdout
    assert HOUSE not in done.stdout
    events = [json.loads(line) for line in log.read_text().splitlines()]
    opened = {name for event, name in events if event == "open" and name.startswith(str(tmp_path))}
    assert str(folder / "page.html") in opened  # a worker's
    assert not {name for name in opened if str(folder) not in name} - {str(log)}
    assert not {name for event, name in events if str(tmp_path / "outside") in name}
    assert not {event for event, _ in events if event.startswith("socket.")}


def test_links_are_read_that_stay_inside_and_faults_that_do_not(links: Path) -> None:
    items = read(links)
    assert [(item.id, item.text) for item in documents(items)] == [
        ("in/good.md", "# Good"),
        ("in/inside.md", "# Good"),
    ]
    reason = "a link that leads out of the named folder: name what it leads to"
    assert faults(items) == [
        f"chain.txt:0: {reason}",
        f"link.txt:0: {reason}",
    ]


def test_a_named_path_may_itself_be_a_link(links: Path) -> None:
    outside, link = links / "outside", links / "link.txt"
    assert [(item.id, item.text) for item in documents(read(link))] == [("link.txt", HOUSE)]
    assert [item.id for item in documents(read(outside))] == ["outside/secret.txt"]


@pytest.mark.parametrize("corpus", ["corpus.jsonl", "corpus"])
def test_a_corpus_may_not_be_a_link_that_leads_out(
    write: Write, tmp_path: Path, corpus: str
) -> None:
    folder = write("queries.jsonl", b'{"_id": "q", "text": "question"}').parent
    target = tmp_path / "outside"
    target.mkdir()
    (target / "a.jsonl").write_text('{"_id": "1", "text": "x"}')
    (folder / corpus).symlink_to(target if corpus == "corpus" else target / "a.jsonl")
    assert faults(read(folder)) == [
        f"{corpus}:0: a link that leads out of the named folder: name what it leads to"
    ]
