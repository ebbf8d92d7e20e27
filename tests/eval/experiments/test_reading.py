"""Collections of every kind are read alike; what cannot be tested on is refused."""

import json
from pathlib import Path

import msgspec
import pytest

from eval.experiments.definition import CollectionTable
from eval.experiments.reading import read_corpus, read_tested
from rag.errors import BadCollection
from rag.sections import IndexSettings
from tests.eval.tiny import CORPUS, QRELS, QUERIES, write_beir


def trec(folder: Path, topics: str = "", qrels: str = "") -> CollectionTable:
    """Write the tiny collection as TREC would, and return its table."""
    corpus = folder / "documents.jsonl"
    lines = (json.dumps({"_id": i, "text": text}) + "\n" for i, text in CORPUS.items())
    corpus.write_text("".join(lines), encoding="utf-8")
    rows = (f"{q} 0 {d} {g}\n" for q, grades in QRELS.items() for d, g in grades.items())
    (folder / "qrels").write_text(qrels or "".join(rows), encoding="utf-8")
    said = topics or "".join(f"{q}\t{text}\n" for q, text in QUERIES.items())
    (folder / "topics").write_text(said, encoding="utf-8")
    return CollectionTable(
        kind="trec",
        name="tiny",
        topics=str(folder / "topics"),
        qrels=str(folder / "qrels"),
        corpus=(str(corpus),),
    )


def test_the_same_collection_is_the_same_as_beirs_and_as_trecs(tmp_path: Path) -> None:
    beir = CollectionTable(path=str(write_beir(tmp_path / "tiny")), name="tiny")
    one, other = read_tested(beir), read_tested(trec(tmp_path))
    assert (one.queries, one.qrels) == (other.queries, other.qrels) == (QUERIES, QRELS)
    limits = IndexSettings()
    assert read_corpus(one, limits) == read_corpus(other, limits)
    assert read_corpus(one, limits).documents == len(CORPUS)


def test_topics_that_nobody_judged_are_left_out_and_named(tmp_path: Path) -> None:
    found = read_tested(trec(tmp_path, qrels="q2 0 fox 1\n"))
    assert list(found.queries) == ["q2"]
    assert found.left_out == dict.fromkeys(("q1", "q3", "q4"), "no judgment")


def test_questions_are_asked_where_something_supports_their_answer(tmp_path: Path) -> None:
    corpus = trec(tmp_path).corpus
    file = tmp_path / "questions.jsonl"
    rows = [{"id": "a", "question": "Who sleeps?", "ids": ["cat"]}, {"id": "b", "question": "?"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = read_tested(CollectionTable(kind="qa", name="q", path=str(file), corpus=corpus))
    assert (found.queries, found.qrels) == ({"a": "Who sleeps?"}, {"a": {"cat": 1}})
    assert found.left_out == {"b": "no judgment"}


def test_the_first_queries_are_asked_with_their_grades_alone(tmp_path: Path) -> None:
    found = read_tested(msgspec.structs.replace(trec(tmp_path), queries=2))
    assert list(found.queries) == list(found.qrels) == ["q1", "q2"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"topics": ""}, "collection 'tiny' is of kind trec: give its `topics`"),
        ({"corpus": ("/nowhere",)}, "/nowhere is missing: correct `corpus`"),
        ({"grades": (0, 1)}, "q1 cat has grade 2; declared are 0 to 1"),
        ({"kind": "qa"}, "is of kind qa: give its `path`"),
        ({"kind": "beir"}, "is of kind beir: give its `path`"),
    ],
)
def test_a_collection_that_cannot_be_tested_on_is_refused(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    table = msgspec.structs.replace(trec(tmp_path), **changes)
    with pytest.raises(BadCollection) as refused:
        read_tested(table)
    assert why in str(refused.value)


def test_qrels_of_topics_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCollection, match=r"judges 1 topics that .*topics lacks, e\.g\. 'q9'"):
        read_tested(trec(tmp_path, qrels="q1 0 cat 1\nq9 0 cat 1\n"))


def test_a_document_that_stands_twice_is_refused_with_where(tmp_path: Path) -> None:
    table = trec(tmp_path)
    with Path(table.corpus[0]).open("a", encoding="utf-8") as file:
        file.write('{"_id": "cat", "text": "Another cat."}\n')
    tested = read_tested(table)
    with pytest.raises(BadCollection, match=r"documents.jsonl.*'cat' stands twice in the corpus"):
        read_corpus(tested, IndexSettings())


def test_an_empty_corpus_is_refused(tmp_path: Path) -> None:
    table = trec(tmp_path)
    Path(table.corpus[0]).write_text("", encoding="utf-8")
    with pytest.raises(BadCollection, match="no document of the corpus can be read"):
        read_corpus(read_tested(table), IndexSettings())


def test_judgments_of_documents_that_are_not_there_are_counted(tmp_path: Path) -> None:
    tested = read_tested(trec(tmp_path, qrels="q1 0 cat 1\nq1 0 owl 1\nq2 0 emu 0\n"))
    assert read_corpus(tested, IndexSettings()).lacking(tested.qrels) == 2
