"""Files and folders become documents, and everything else a fault with file and line."""

import gzip
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexers.reading import beir_corpus
from rag.values import Fault
from tests.indexers.reading.giving import GOOD, Write, documents, faults, read


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.jsonl"])
@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\t\n"])
def test_an_empty_file_is_a_fault(write: Write, name: str, content: bytes) -> None:
    assert faults(read(write(name, content))) == [f"{name}:0: the file is empty"]


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf", "\u2028 \u00a0".encode()])
def test_a_file_of_nothing_but_white_space_is_empty(write: Write, content: bytes) -> None:
    assert faults(read(write("a.txt", content))) == ["a.txt:0: the file is empty"]


def test_a_binary_file_is_a_fault_at_its_first_nul(write: Write) -> None:
    file = write("a.md", b"# Title\n\ntext\n\x00\x01 text\n")
    assert faults(read(file)) == ["a.md:4: binary, not text (a NUL byte)"]


def test_a_byte_order_mark_is_not_counted(write: Write) -> None:
    bom = b"\xef\xbb\xbf"
    (plain,) = documents(read(write("a.txt", bom + "é".encode())))
    assert plain.text == "é"
    (row,) = documents(read(write("a.jsonl", bom + GOOD)))
    assert (row.id, row.text) == ("good", "read")


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
@given(text=st.text(max_size=60).filter(lambda text: "\x00" not in text and text.strip()))
@example(text="a\r\nb\rc\u2028d\n\n")
@settings(max_examples=50, deadline=None)
def test_the_text_is_the_files_own_line_ends_and_all(
    tmp_path_factory: pytest.TempPathFactory, name: str, text: str
) -> None:
    file = tmp_path_factory.mktemp("in") / name
    file.write_bytes(text.encode())
    (document,) = documents(read(file))
    assert document.text == text.removeprefix("\ufeff")
    assert document.source == str(file)
    assert document.id == name


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("a.txt", "The title\n\nThe text", "The title"),
        ("a.txt", "The title\r\n\r\nThe text", "The title"),
        ("a.txt", "\n\n  The title  \n\nThe text", "The title"),
        ("a.txt", "Only a line", "Only a line"),
        ("a.txt", "prose that goes on\nin the next line", "a"),
        ("a.txt", "word " * 30 + "\n\ntext", "a"),
        ("a.md", "intro\n\n# The *title*\n", "The *title*"),
        ("a.md", "no heading", "a"),
        ("a.MARKDOWN", "# T", "T"),
        ("a.b.text", "one\ntwo", "a.b"),
    ],
)
def test_the_title_is_the_first_heading_or_a_first_line_that_stands_alone(
    write: Write, name: str, text: str, title: str
) -> None:
    (document,) = documents(read(write(name, text.encode())))
    assert document.title == title
    assert document.markup == ("plain" if name.endswith(("txt", "text")) else "markdown")


def test_a_file_of_unknown_format_is_a_fault_when_named_and_passed_over_in_a_folder(
    write: Write,
) -> None:
    file = write("a.png", b"png")
    write("b.txt", b"text")
    (fault,) = faults(read(file))
    assert fault.startswith("a.png:0: unknown format: known are .csv, .docx, ")
    assert fault.endswith(", source code, and .gz of these")
    assert [d.id for d in documents(read(file.parent))] == ["in/b.txt"]
    assert faults(read(file.parent)) == []


def test_links_that_lead_nowhere_or_round_are_faults(write: Write) -> None:
    folder = write("good.txt", b"text").parent
    (folder / "broken.md").symlink_to(folder / "missing.md")
    (folder / "round.md").symlink_to(folder / "round.md")
    items = read(folder)
    assert [document.id for document in documents(items)] == ["in/good.txt"]
    broken, round_ = faults(items)
    assert broken == "broken.md:0: cannot be read: No such file or directory"
    assert round_.startswith("round.md:0: cannot be read: ")
    assert faults(read(folder / "broken.md")) == [broken]


def test_folders_that_link_to_their_parents_end(write: Write) -> None:
    folder = write("sub/good.txt", b"text").parent.parent
    (folder / "sub" / "up").symlink_to(folder)
    (folder / "sub" / "up.md").symlink_to(folder)
    assert [item.id for item in documents(read(folder))] == ["in/sub/good.txt"]
    assert faults(read(folder)) == []


def test_a_folder_may_be_named_like_a_file(write: Write) -> None:
    folder = write("x.md/y.md", b"# Y").parent.parent
    assert [item.id for item in documents(read(folder))] == ["in/x.md/y.md"]
    assert [item.id for item in documents(read(folder / "x.md"))] == ["x.md/y.md"]


def test_pipes_and_sockets_are_faults_and_nobody_waits_for_them(write: Write) -> None:
    folder = write("good.txt", b"text").parent
    os.mkfifo(folder / "pipe.jsonl")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(folder)  # a socket's path is short
        listening.bind("socket.md")
        items = read(folder)
    assert [document.id for document in documents(items)] == ["in/good.txt"]
    assert faults(items) == [
        "pipe.jsonl:0: no file but a pipe, a socket or a device",
        "socket.md:0: no file but a pipe, a socket or a device",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_a_fault(write: Write) -> None:
    write("good.txt", b"text")
    file, folder = write("secret.txt", b"text"), write("secret/a.txt", b"text").parent
    file.chmod(0)
    folder.chmod(0)
    items = read(file.parent)
    folder.chmod(0o700)
    assert [document.id for document in documents(items)] == ["in/good.txt"]
    assert faults(items) == [
        "secret:0: a folder that cannot be listed: Permission denied",
        "secret.txt:0: cannot be read: Permission denied",
    ]


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder with so many below it that the kernel refuses the path of the last."""
    name, top = "d" * 200, tmp_path / "deep"
    top.mkdir()
    (top / "good.txt").write_text("text")
    os.chdir(top)
    for _ in range(25):
        Path(name).mkdir()
        os.chdir(name)
    Path("lost.txt").write_text("text")
    os.chdir(tmp_path)
    yield top
    shutil.rmtree(top)


def test_a_folder_that_cannot_be_listed_is_a_fault_and_the_rest_is_read(deep: Path) -> None:
    items = read(deep)
    assert [document.id for document in documents(items)] == ["deep/good.txt"]
    (fault,) = faults(items)
    assert "File name too long" in fault


def test_a_name_that_is_no_utf_8_is_a_fault_that_can_be_printed(write: Write) -> None:
    folder = write("good.txt", b"text").parent
    (folder / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"text")
    items = read(folder)
    assert [document.id for document in documents(items)] == ["in/good.txt"]
    (fault,) = faults(items)
    assert fault == "caf\\udce9.txt:0: the name is not UTF-8: rename it"
    assert fault.encode()


def test_a_folder_is_read_in_a_fixed_order_without_what_is_hidden(write: Write) -> None:
    for name in ("b.txt", "a/z.md", "a.txt", "a/b/c.text", ".hidden.md", ".git/x.md", "a/.b/y.md"):
        folder = write(name, b"text").parent
    folder = write("B.txt", b"text").parent
    ids = [document.id for document in documents(read(folder))]
    assert ids == ["in/B.txt", "in/a/b/c.text", "in/a/z.md", "in/a.txt", "in/b.txt"]


def test_ids_do_not_depend_on_where_the_command_runs(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write("sub/a.txt", b"text").parent.parent
    expected = [document.id for document in documents(read(folder))]
    assert expected == ["in/sub/a.txt"]
    for here, path in ((folder, "."), (folder.parent, "in"), (folder / "sub", "..")):
        monkeypatch.chdir(here)
        assert [document.id for document in documents(read(Path(path)))] == expected
        assert all(Path(document.source).is_absolute() for document in documents(read(Path(path))))
    monkeypatch.chdir(folder / "sub")
    (document,) = documents(read(Path("a.txt")))
    assert (document.id, document.source) == ("a.txt", str(folder / "sub" / "a.txt"))


def test_several_paths_are_read_in_the_order_given(write: Write) -> None:
    first, second = write("z.txt", b"text"), write("a.jsonl", GOOD)
    assert [document.id for document in documents(read(first, second))] == ["z.txt", "good"]
    assert read() == []


def test_a_missing_path_is_a_fault(tmp_path: Path) -> None:
    missing = tmp_path / "missing.md"
    assert read(missing) == [Fault(str(missing), 0, "cannot be read: No such file or directory")]


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.jsonl.gz"])
def test_a_beir_folder_stands_for_its_corpus(write: Write, name: str) -> None:
    content = gzip.compress(GOOD) if name.endswith("gz") else GOOD
    file = write(name, content)
    write("queries.jsonl", b'{"_id": "q", "text": "question"}')
    write("notes.md", b"# Notes")
    assert beir_corpus(file.parent) == file
    assert [document.id for document in documents(read(file.parent))] == ["good"]


def test_a_beir_corpus_may_be_a_folder_of_files(write: Write) -> None:
    folder = write("corpus/sub/a.md", b"# A").parents[2]
    write("corpus/more.jsonl", GOOD)
    write("notes.md", b"# Notes")
    assert beir_corpus(folder) is None  # without queries it is any folder
    write("queries.jsonl", b'{"_id": "q", "text": "question"}')
    assert beir_corpus(folder) == folder / "corpus"
    assert [document.id for document in documents(read(folder))] == ["good", "sub/a.md"]


def test_a_folder_called_corpus_jsonl_is_no_corpus(write: Write) -> None:
    folder = write("corpus.jsonl/a.md", b"# A").parents[1]
    assert beir_corpus(folder) is None
    assert [document.id for document in documents(read(folder))] == ["in/corpus.jsonl/a.md"]


@given(st.binary(max_size=200))
@example(b'{"_id": 1, "text": "x"}\n{')
@settings(max_examples=100, deadline=None)
def test_no_bytes_stop_a_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("in")
    for name in ("a.jsonl", "a.jsonl.gz", "a.md", "a.txt"):
        (folder / name).write_bytes(content)
        items = read(folder / name, max_line_bytes=50)
        assert items
        assert all(fault.reason and fault.line >= 0 for fault in items if isinstance(fault, Fault))
        for document in documents(items):
            assert document.text.strip() or document.title.strip()
