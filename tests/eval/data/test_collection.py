"""Test collections: what is read, and what is refused with file and line."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.data.collection import read_collection, read_qrels, read_queries
from rag.errors import BadCollection

HEADER = "query-id\tcorpus-id\tscore\n"


def beir(
    folder: Path,
    queries: str = '{"_id": "q1", "text": "one"}\n{"_id": "q2", "text": "two"}\n',
    qrels: str = HEADER + "q1\td1\t2\nq1\td2\t0\n",
) -> Path:
    """Write a BEIR folder."""
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "text": "one"}\n', encoding="utf-8")
    (folder / "queries.jsonl").write_text(queries, encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
    return folder


def qrels_of(folder: Path, data: bytes) -> Path:
    file = folder / "test.tsv"
    file.write_bytes(data)
    return file


def test_a_collection_holds_the_judged_queries_of_the_split(tmp_path: Path) -> None:
    collection = read_collection(beir(tmp_path / "tiny"), "test")
    assert collection.name == "tiny"
    assert collection.split == "test"
    assert collection.queries == {"q1": "one"}, "q2 has no judgment in this split"
    assert collection.qrels == {"q1": {"d1": 2, "d2": 0}}
    assert collection.corpus == tmp_path / "tiny" / "corpus.jsonl"


def test_the_name_is_the_folder_even_when_it_is_given_as_a_dot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(beir(tmp_path / "tiny"))
    assert read_collection(Path(), "test").name == "tiny"


def test_every_query_can_be_read_judged_or_not(tmp_path: Path) -> None:
    assert read_queries(beir(tmp_path / "tiny")) == {"q1": "one", "q2": "two"}


def test_compressed_queries_are_read(tmp_path: Path) -> None:
    folder = beir(tmp_path / "tiny")
    plain = folder / "queries.jsonl"
    (folder / "queries.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert read_collection(folder, "test").queries == {"q1": "one"}


def test_ids_that_are_numbers_become_strings(tmp_path: Path) -> None:
    folder = beir(tmp_path / "tiny", '{"_id": 7, "text": "x", "metadata": {}}\n', "7\t12\t1\n")
    collection = read_collection(folder, "test")
    assert (collection.queries, collection.qrels) == ({"7": "x"}, {"7": {"12": 1}})


@pytest.mark.parametrize(
    ("data", "grades"),
    [
        (HEADER.encode() + b"q\td\t1\n", {"q": {"d": 1}}),
        (b"q\td\t1\n", {"q": {"d": 1}}),
        (b"q\td\t-1\n", {"q": {"d": -1}}),
        (b"q\td\t1", {"q": {"d": 1}}),
        (b"\xef\xbb\xbfq\td\t1\r\n\r\nq\te\t0\r\n", {"q": {"d": 1, "e": 0}}),
        (HEADER.encode() + "frage ü\tdoc\x85a\t3\n".encode(), {"frage ü": {"doc\x85a": 3}}),
    ],
)
def test_qrels_are_tab_separated_with_or_without_a_header(
    tmp_path: Path, data: bytes, grades: dict[str, dict[str, int]]
) -> None:
    assert read_qrels(qrels_of(tmp_path, data)) == grades


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"q\td", "expected query-id, corpus-id and an integer score, by tabs"),
        (b"q d 1", "by tabs"),
        (b"q\td\t1.0", "an integer score"),
        (b"q\td\thigh", "an integer score"),
        (b"q\td\t", "an integer score"),
        (b"q\t0\t1017759\t1", "by tabs"),
        (b"q\t\t1", "blank id"),
        (b" \td\t1", "blank id"),
        (b"q\td\t1017759", "1017759 is no grade"),
        (b"q\td\t" + b"9" * 5_000, "an integer score"),
        (b"q\td\xff\t1", "not UTF-8 (byte 3 of the line)"),
        (b"q1\td1\t2", "q1 d1 is judged twice"),
    ],
)
def test_a_malformed_judgment_is_refused_with_file_and_line(
    tmp_path: Path, line: bytes, said: str
) -> None:
    file = qrels_of(tmp_path, HEADER.encode() + b"q1\td1\t1\n\n" + line + b"\n")
    with pytest.raises(BadCollection) as error:
        read_qrels(file)
    assert str(error.value).startswith(f"{file}:4: ")
    assert said in str(error.value)


def test_qrels_without_a_judgment_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCollection, match="holds no judgment"):
        read_qrels(qrels_of(tmp_path, HEADER.encode()))


def test_an_unknown_split_names_those_that_are_there(tmp_path: Path) -> None:
    folder = beir(tmp_path / "tiny")
    (folder / "qrels" / "dev.tsv").write_text("q1\td1\t1\n", encoding="utf-8")
    with pytest.raises(BadCollection, match=r"train\.tsv is missing\. Splits here: dev, test"):
        read_collection(folder, "train")


def test_a_folder_without_qrels_says_that_it_has_no_split(tmp_path: Path) -> None:
    folder = beir(tmp_path / "tiny")
    (folder / "qrels" / "test.tsv").unlink()
    with pytest.raises(BadCollection, match="Splits here: none"):
        read_collection(folder, "test")


def test_a_folder_without_a_corpus_is_refused(tmp_path: Path) -> None:
    folder = beir(tmp_path / "tiny")
    (folder / "corpus.jsonl").unlink()
    with pytest.raises(BadCollection, match=r"needs corpus\.jsonl"):
        read_collection(folder, "test")


def test_a_folder_without_queries_is_refused(tmp_path: Path) -> None:
    folder = beir(tmp_path / "tiny")
    (folder / "queries.jsonl").unlink()
    with pytest.raises(BadCollection, match=r"no queries\.jsonl"):
        read_collection(folder, "test")


def test_a_judged_query_that_is_missing_is_refused_by_name(tmp_path: Path) -> None:
    folder = beir(tmp_path / "tiny", qrels="q1\td1\t1\nq8\td1\t1\nq9\td1\t1\n")
    with pytest.raises(BadCollection, match=r"judges 2 queries that .* lacks, e\.g\. 'q8'"):
        read_collection(folder, "test")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"_id": "q2"', "truncated"),
        ('{"_id": "q2"}', "text"),
        ('{"text": "two"}', "_id"),
        ('{"_id": null, "text": "two"}', "_id"),
        ('{"_id": " ", "text": "two"}', "blank"),
        ('{"_id": "q2", "text": null}', "text"),
        ('{"_id": "q2", "text": 7}', "text"),
        ('["q2", "two"]', "object"),
        ("two", "malformed"),
        ('{"_id": "q1", "text": "again"}', "'q1' stands here twice"),
        ('{"_id": "q2", "text": ' + "[" * 5_000, ""),
    ],
)
def test_a_malformed_query_is_refused_with_file_and_line(
    tmp_path: Path, line: str, said: str
) -> None:
    folder = beir(tmp_path / "tiny", '\ufeff{"_id": "q1", "text": "one"}\n\n' + line + "\n")
    with pytest.raises(BadCollection) as error:
        read_collection(folder, "test")
    assert str(error.value).startswith(f"{folder / 'queries.jsonl'}:3: ")
    assert said in str(error.value)


def test_queries_that_are_not_utf8_are_refused_with_file_and_line(tmp_path: Path) -> None:
    folder = beir(tmp_path / "tiny")
    (folder / "queries.jsonl").write_bytes(b'{"_id": "q1", "text": "caf\xe9"}\n')
    with pytest.raises(BadCollection, match=r"queries\.jsonl:1: not UTF-8 \(byte 26 of the line\)"):
        read_collection(folder, "test")


def test_a_damaged_archive_of_queries_is_refused(tmp_path: Path) -> None:
    folder = beir(tmp_path / "tiny")
    data = gzip.compress((folder / "queries.jsonl").read_bytes())
    (folder / "queries.jsonl").unlink()
    (folder / "queries.jsonl.gz").write_bytes(data[:-12])
    with pytest.raises(BadCollection, match=r"queries\.jsonl\.gz:\d+: damaged archive"):
        read_collection(folder, "test")


@pytest.mark.parametrize("text", ["", "  \n", "x" * 20_001])
def test_a_judged_query_that_cannot_be_asked_is_refused_before_any_work(
    tmp_path: Path, text: str
) -> None:
    folder = beir(tmp_path / "tiny", json.dumps({"_id": "q1", "text": text}))
    with pytest.raises(BadCollection, match="query 'q1' cannot be asked"):
        read_collection(folder, "test")


def test_an_unjudged_query_that_cannot_be_asked_does_no_harm(tmp_path: Path) -> None:
    folder = beir(tmp_path / "tiny", '{"_id": "q1", "text": "one"}\n{"_id": "q2", "text": ""}\n')
    assert read_collection(folder, "test").queries == {"q1": "one"}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_whatever_bytes_stand_there_they_are_judgments_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = qrels_of(tmp_path_factory.mktemp("qrels"), data)
    try:
        qrels = read_qrels(file)
    except BadCollection as error:
        assert str(file) in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert all(grades for grades in qrels.values())


ID = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\t\r\n\ufeff"), min_size=1
).filter(str.strip)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(ID, st.dictionaries(ID, st.integers(-2, 4), min_size=1), min_size=1))
def test_what_is_written_as_qrels_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, qrels: dict[str, dict[str, int]]
) -> None:
    rows = [f"{q}\t{d}\t{grade}\n" for q, grades in qrels.items() for d, grade in grades.items()]
    file = qrels_of(tmp_path_factory.mktemp("qrels"), (HEADER + "".join(rows)).encode())
    assert read_qrels(file) == qrels


def test_ids_that_are_numbers_here_and_strings_there_are_refused(tmp_path: Path) -> None:
    folder = beir(tmp_path / "tiny", '{"_id": 1, "text": "one"}\n{"_id": "2", "text": "two"}\n')
    with pytest.raises(BadCollection, match=r"jsonl:2: `_id` is a string here and a number before"):
        read_queries(folder)
