"""What can be read becomes documents, everything else a fault with file and line."""

import gzip
import json
import os
import shutil
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from indexers.readers import beir_corpus, read_paths
from rag.values import Document, Fault

Write = Callable[[str, bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file below the folder `in`, and returns it."""

    def _write(name: str, content: bytes) -> Path:
        file = tmp_path / "in" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    return _write


def read(*paths: Path, max_line_bytes: int = 1_000_000) -> list[Document | Fault]:
    return list(read_paths(paths, max_line_bytes=max_line_bytes))


def faults(items: list[Document | Fault]) -> list[str]:
    return [f"{Path(i.source).name}:{i.line}: {i.reason}" for i in items if isinstance(i, Fault)]


def documents(items: list[Document | Fault]) -> list[Document]:
    return [item for item in items if isinstance(item, Document)]


GOOD = b'{"_id": "good", "text": "read"}\n'


# ── One file ─────────────────────────────────────────────────────────────────────────────────────


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


def test_a_file_in_another_encoding_is_a_fault_where_it_shows(write: Write) -> None:
    latin = write("a.txt", "one\ntwo\nd\u00e9j\u00e0 vu\n".encode("latin-1"))
    assert faults(read(latin)) == ["a.txt:3: not UTF-8 (byte 9): convert it with iconv"]


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.jsonl"])
def test_utf_16_is_one_fault_however_long_the_file(write: Write, name: str) -> None:
    file = write(name, ('{"_id": "1", "text": "x"}\n' * 100).encode("utf-16"))
    assert faults(read(file)) == [f"{name}:0: not UTF-8 but UTF-16: convert it with iconv"]


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


# ── JSON Lines ───────────────────────────────────────────────────────────────────────────────────


def test_a_row_becomes_a_document(write: Write) -> None:
    row = {"_id": "d1", "title": "T", "text": "é\u2028\x00", "metadata": {"a": [1]}, "url": "u"}
    file = write("a.jsonl", json.dumps(row).encode())
    assert list(read_paths([file], "tenant")) == [
        Document("d1", "é\u2028\x00", "T", f"{file}:1", {"url": "u", "a": [1]}, "tenant")
    ]


@pytest.mark.parametrize(
    ("row", "document"),
    [
        ('{"_id": 7, "text": "x"}', Document("7", "x")),
        ('{"id": "i", "text": "x"}', Document("i", "x")),
        ('{"_id": "a", "id": "b", "text": "x"}', Document("a", "x")),
        ('{"_id": "a", "title": "only"}', Document("a", "", "only")),
        ('{"_id": "a", "text": "x", "title": null, "metadata": null}', Document("a", "x")),
        (
            '{"_id": "a", "text": "x", "n": 1, "metadata": {"n": 2}}',
            Document("a", "x", "", "", {"n": 2}),
        ),
        ('{"_id": "a", "text": "\\ud83d\\ude00"}', Document("a", "😀")),
        ('{"_id": "a", "_id": "b", "text": "x"}', Document("b", "x")),
    ],
)
def test_a_row_may_be_written_in_several_ways(write: Write, row: str, document: Document) -> None:
    (read_,) = documents(read(write("a.jsonl", row.encode())))
    assert (read_.id, read_.text, read_.title) == (document.id, document.text, document.title)
    assert read_.metadata == document.metadata


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"_id": "x", "text": ', "not JSON"),
        (b"plain text", "not JSON"),
        (b'{"_id": "x", "text": "t"} {"_id": "y"}', "not JSON"),
        (b"{'_id': 'x', 'text': 't'}", "not JSON"),
        (b'{"_id": "x", "text": "\xff"}', "not JSON"),
        (b'{"_id": "x", "text": "\\ud800"}', "not JSON"),
        (b'{"_id": "x", "text": "\xed\xa0\x80"}', "not JSON"),
        (b'{"_id": "x", "text": NaN}', "not JSON"),
        (b"\x00\x01\x02", "not JSON"),
        (b'{"_id": "x", "text": "t", "m": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not JSON"),
        (b'{"_id": ' + b"1" * 5_000 + b', "text": "t"}', "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"text": "t"}', "no _id"),
        (b'{"_id": "", "text": "t"}', "no _id"),
        (b'{"_id": "  ", "text": "t"}', "no _id"),
        (b'{"_id": null, "text": "t"}', "no _id"),
        (b'{"_id": true, "text": "t"}', "no _id"),
        (b'{"_id": ["x"], "text": "t"}', "no _id"),
        (b'{"_id": "x", "text": 5}', "title and text must be strings"),
        (b'{"_id": "x", "text": ["t"]}', "title and text must be strings"),
        (b'{"_id": "x", "title": {}, "text": "t"}', "title and text must be strings"),
        (b'{"_id": "x", "text": "t", "metadata": "m"}', "metadata must be an object"),
        (b'{"_id": "x", "text": "t", "metadata": [1]}', "metadata must be an object"),
        (b'{"_id": "x"}', "the document is empty: neither text nor title"),
        (b'{"_id": "x", "text": " \\n", "title": ""}', "the document is empty: neither text nor"),
        (b'{"_id": "x", "text": "' + b"t" * 300_000 + b'"}', "line longer than 250,000 bytes"),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else value[:20],
)
def test_a_bad_line_is_a_fault_at_its_number_and_the_rest_is_read(
    write: Write, line: bytes, reason: str
) -> None:
    file = write("a.jsonl", b"\n" + GOOD + line + b"\r\n\r\n" + GOOD.replace(b"good", b"also"))
    items = read(file, max_line_bytes=250_000)
    assert [document.id for document in documents(items)] == ["good", "also"]
    assert [document.source for document in documents(items)] == [f"{file}:2", f"{file}:5"]
    (fault,) = faults(items)
    assert fault.startswith(f"a.jsonl:3: {reason}")


def test_a_line_of_exactly_the_limit_is_read(write: Write) -> None:
    for end in (b"\n", b""):
        assert len(documents(read(write("a.jsonl", GOOD.strip() + end), max_line_bytes=31))) == 1
        assert faults(read(write("a.jsonl", GOOD.strip() + b" " + end), max_line_bytes=31)) == [
            "a.jsonl:1: line longer than 31 bytes (index.max_line_bytes)"
        ]
    assert len(GOOD.strip()) == 31


def test_a_line_of_50_mb_is_skipped_without_being_held_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    with file.open("wb") as stream:
        stream.write(GOOD)
        for _ in range(50):
            stream.write(b"x" * 1_000_000)
        stream.write(b"\n" + GOOD.replace(b"good", b"also"))
    tracemalloc.start()
    items = list(read_paths([file]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [document.id for document in documents(items)] == ["good", "also"]
    assert faults(items) == ["a.jsonl:2: line longer than 16,777,216 bytes (index.max_line_bytes)"]
    assert peak < 40_000_000


def test_a_text_file_with_a_long_line_is_a_fault_at_that_line(write: Write) -> None:
    file = write("a.txt", b"short\n" + b"x" * 200 + b"\nshort")
    assert faults(read(file, max_line_bytes=100)) == [
        "a.txt:2: line longer than 100 bytes (index.max_line_bytes)"
    ]


# ── Archives ─────────────────────────────────────────────────────────────────────────────────────


def test_an_archive_is_read_as_what_it_holds(write: Write) -> None:
    file = write("a.jsonl.gz", gzip.compress(GOOD) + gzip.compress(GOOD.replace(b"good", b"also")))
    assert [document.id for document in documents(read(file))] == ["good", "also"]
    assert documents(read(file))[1].source == f"{file}:2"


def _truncate(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _damage(data: bytes) -> bytes:
    middle = len(data) // 2
    return (
        data[:middle]
        + bytes(255 - byte for byte in data[middle : middle + 200])
        + data[middle + 200 :]
    )


@pytest.mark.parametrize("hurt", [_truncate, _damage, lambda data: data + b"trailing garbage"])
def test_a_damaged_archive_is_a_fault_and_what_came_before_it_counts(
    write: Write, hurt: Callable[[bytes], bytes]
) -> None:
    rows = [f'{{"_id": "{n}", "text": "{os.urandom(200).hex()}"}}\n' for n in range(2_000)]
    file = write("a.jsonl.gz", hurt(gzip.compress("".join(rows).encode())))
    items = read(file)
    read_ = len(documents(items))
    assert read_ >= 500
    assert [document.id for document in documents(items)] == [str(n) for n in range(read_)]
    last = faults(items)[-1]
    assert "damaged archive: " in last
    assert last.startswith(f"a.jsonl.gz:{len(items)}: ")


def test_a_file_that_is_no_archive_is_a_damaged_one(write: Write) -> None:
    (fault,) = faults(read(write("a.jsonl.gz", GOOD)))
    assert fault.startswith("a.jsonl.gz:1: damaged archive: Not a gzipped file")
    assert faults(read(write("a.jsonl.gz", b""))) == ["a.jsonl.gz:0: the file is empty"]


def test_an_archive_that_grows_without_end_is_not_held_in_memory(write: Write) -> None:
    file = write("a.jsonl.gz", gzip.compress(b" " * 30_000_000 + b"\n" + GOOD))
    assert faults(read(file)) == [
        "a.jsonl.gz:1: line longer than 1,000,000 bytes (index.max_line_bytes)"
    ]
    assert [document.id for document in documents(read(file))] == ["good"]


# ── Files that are none, and files that cannot be read ───────────────────────────────────────────


def test_a_file_of_unknown_format_is_a_fault_when_named_and_passed_over_in_a_folder(
    write: Write,
) -> None:
    file = write("a.pdf", b"%PDF")
    write("b.txt", b"text")
    (fault,) = faults(read(file))
    assert (
        fault == "a.pdf:0: unknown format: known are .jsonl, .jsonl.gz, .md, .markdown, .txt, .text"
    )
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
        "secret:0: a folder that cannot be listed",
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


# ── Folders ──────────────────────────────────────────────────────────────────────────────────────


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
    assert [document.id for document in documents(read(folder / "sub" / "a.txt"))] == ["a.txt"]


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
