"""Archives are read as what they hold, and a bomb is held off before it is unpacked."""

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.reading import read_paths
from rag.cli.verify import read_again
from rag.sections import IndexSettings
from rag.values import Fault
from tests.indexers.reading import making
from tests.indexers.reading.giving import GOOD, Write, documents, faults, read


def test_members_are_named_by_the_archive_and_their_place_in_it(write: Write) -> None:
    inner = making.zipped({"deep/x.jsonl": GOOD})
    file = write("a.zip", making.zipped({"b/n.md": b"# N\n", "a.txt": b"text", "in.zip": inner}))
    assert [(item.id, item.source.removeprefix(str(file))) for item in documents(read(file))] == [
        ("a.zip!/a.txt", "!/a.txt"),
        ("a.zip!/b/n.md", "!/b/n.md"),
        ("good", "!/in.zip!/deep/x.jsonl:1"),
    ]


def test_what_is_hidden_or_of_no_format_is_passed_over(write: Write) -> None:
    members = {".git/x.md": b"x", "__MACOSX/._a.md": b"\0", "a.png": b"x", "a.md": b"# A"}
    items = read(write("a.zip", making.zipped(members)))
    assert [item.id for item in documents(items)] == ["a.zip!/a.md"]
    assert faults(items) == []


def test_a_collection_of_beir_stands_for_its_corpus(write: Write) -> None:
    members = {
        "set/corpus.jsonl": GOOD,
        "set/queries.jsonl": b'{"_id": "q", "text": "question"}\n',
        "set/qrels/test.tsv": b"query-id\tcorpus-id\tscore\n",
        "other/corpus.jsonl": GOOD.replace(b"good", b"other"),
    }
    items = read(write("a.zip", making.zipped(members)))
    assert [item.id for item in documents(items)] == ["other", "good"]
    assert faults(items) == []


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
        .map(lambda name: name.replace("..", "").strip("/ ") + ".md")
        .filter(lambda name: not name.startswith(".") and "/." not in name),
        st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip("\0").strip())),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=40, deadline=None)
def test_any_name_names_a_member(
    tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]
) -> None:
    file = tmp_path_factory.mktemp("in") / "a.zip"
    said = {name: "." + text.replace("\0", "") for name, text in texts.items()}
    file.write_bytes(making.zipped({name: text.encode() for name, text in said.items()}))
    found = {item.id.removeprefix("a.zip!/"): item.text for item in documents(read(file))}
    assert found == said
    assert all(str(item) == str(item).splitlines()[0] for item in faults(read(file)))


@pytest.mark.parametrize(
    ("source", "document_id"),
    [
        ("a.zip!/n.md", "docs/a.zip!/n.md"),
        ("a.zip!/in.zip!/x.jsonl:1", "good"),
        ("a.zip!/t.csv:3", "docs/a.zip!/t.csv:3"),
        ("odd!/n.md", "docs/odd!/n.md"),
        ("two:2", "docs/two:2"),
    ],
)
def test_a_source_is_read_again(write: Write, source: str, document_id: str) -> None:
    inner = making.zipped({"x.jsonl": GOOD})
    table = b"text\none\ntwo\n"
    write("a.zip", making.zipped({"n.md": b"# N\n", "in.zip": inner, "t.csv": table}))
    write("odd!/n.md", b"# N\n")
    folder = write("two:2.md", b"# N\n").parent
    source = source if source != "two:2" else "two:2.md"
    again = read_again(str(folder / source), document_id)
    assert again is not None
    assert again.source == str(folder / source)
    assert read_again(str(folder / "gone.zip!/n.md"), "gone") is None


def test_archives_in_archives_end(write: Write) -> None:
    data = making.zipped({"a.md": b"# Deep"})
    for _ in range(6):
        data = making.zipped({"a.zip": data, "a.md": b"# A"})
    items = read(write("a.zip", data))
    assert len(documents(items)) == 3
    assert faults(items) == ["a.zip:0: archives in archives, more than 3 deep"]


def _bomb(size: int = 70_000_000) -> bytes:
    return making.zipped({"a.md": b" " * size, "b.md": b"# B"})


def test_a_bomb_is_refused_unread_and_its_neighbours_are_read(write: Write) -> None:
    file = write("a.zip", _bomb())
    nested = write("b.zip", making.zipped({"in.zip": _bomb(), "c.md": b"# C"}))
    tracemalloc.start()
    items = read(file, nested)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [item.id for item in documents(items)] == [
        *("a.zip!/b.md", "b.zip!/c.md", "b.zip!/in.zip!/b.md")
    ]
    assert faults(items) == 2 * [
        "a.md:0: a bomb? It unpacks to more than 200 times its size",
    ]
    assert peak < 5_000_000


def test_a_gzip_bomb_is_refused_where_it_shows(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl.gz"
    with gzip.open(file, "wb") as stream:
        stream.write(GOOD)
        for _ in range(80):
            stream.write(b" " * 900_000 + b"\n")
    items = read(file)
    assert [item.id for item in documents(items)] == ["good"]
    assert len(faults(items)) == 1
    assert faults(items)[0].endswith(": a bomb? It unpacks to more than 200 times its size")


def test_an_archive_has_so_many_bytes_and_members_and_no_more(write: Write) -> None:
    members = {f"{n}.md": b"# Title" for n in range(5)}
    nested = making.zipped(members)
    file = write("a.zip", making.zipped({"0.zip": nested, "1.md": b"# A", "2.md": b"# B"}))

    def read_with(limits: IndexSettings) -> tuple[int, list[str]]:
        items = list(read_paths([file], limits=limits))
        return len(documents(items)), [item.reason for item in items if isinstance(item, Fault)]

    assert read_with(IndexSettings(max_members=7)) == (
        6,
        ["more than 7 members (index.max_members): left out from 2.md on"],
    )
    count, (reason,) = read_with(IndexSettings(max_archive_bytes=len(nested) + 36))
    assert count == 5
    assert reason == (
        f"it unpacks to more than {len(nested) + 36:,} bytes (index.max_archive_bytes): "
        "left out from 1.md on"
    )


def test_a_member_larger_than_a_file_may_be_is_a_fault(write: Write) -> None:
    file = write("a.zip", making.zipped({"a.md": b"x" * 101, "b.md": b"x" * 100}))
    items = list(read_paths([file], limits=IndexSettings(max_file_bytes=100)))
    assert [item.id for item in documents(items)] == ["a.zip!/b.md"]
    assert faults(items) == ["a.md:0: larger than 100 bytes (index.max_file_bytes)"]


def _encrypted() -> bytes:
    data = bytearray(making.zipped({"a.md": b"# A"}))
    data[6] |= 1  # the flag in the member's header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the list of members
    return bytes(data)


def _damaged() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.md", b"# Alpha")
        archive.writestr("b.md", b"# B")
    return stream.getvalue().replace(b"# Alpha", b"# Omega")


@pytest.mark.parametrize(
    ("data", "count", "reason"),
    [
        (b"PK\x03\x04 no", 0, "a.zip:0: damaged archive: File is not a zip file"),
        (
            making.zipped({"a.md": b"x"})[:-30],
            0,
            "a.zip:0: damaged archive: File is not a zip file",
        ),
        (_encrypted(), 0, "a.md:0: password-protected: unpack it yourself"),
        (_damaged(), 1, "a.md:0: damaged archive: Bad CRC-32 for file 'a.md'"),
        (b"", 0, "a.zip:0: damaged archive: File is not a zip file"),
    ],
)
def test_a_bad_archive_is_a_fault(write: Write, data: bytes, count: int, reason: str) -> None:
    items = read(write("a.zip", data))
    assert len(documents(items)) == count
    assert faults(items) == [reason]
