"""A line of JSON becomes a document, or a fault at its number; the other lines are read."""

import gzip
import hashlib
import json
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from indexers.reading import read_paths
from rag.values import Document
from tests.indexers.reading.giving import GOOD, Write, documents, faults, read


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


def _break_off(data: bytes) -> bytes:
    return data + data[:10] + b"\x07"  # a second member whose first block is of no known kind


@pytest.mark.parametrize(
    "hurt", [_truncate, _damage, _break_off, lambda data: data + b"trailing garbage"]
)
def test_a_damaged_archive_is_a_fault_and_what_came_before_it_counts(
    write: Write, hurt: Callable[[bytes], bytes]
) -> None:
    texts = [hashlib.sha512(b"%d" % n).hexdigest() for n in range(2_000)]
    rows = [f'{{"_id": "{n}", "text": "{text}"}}\n' for n, text in enumerate(texts)]
    file = write("a.jsonl.gz", hurt(gzip.compress("".join(rows).encode())))
    items = read(file)
    assert [document.text for document in documents(items)][:500] == texts[:500]
    assert re.match(r"a\.jsonl\.gz:\d+: damaged archive: ", faults(items)[-1])
    assert int(faults(items)[-1].split(":")[1]) >= 500


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
