"""A judge's labels by file."""

import json
from pathlib import Path

import pytest

from eval.checking.judged import read_judged, read_qrels_of_people
from eval.experiments.record import Lineage
from eval.judges.judge import Assessment
from eval.judges.sources import Provenance, write_source
from rag.errors import BadCollection


def ledger(tmp_path: Path, *rows: object) -> Path:
    file = tmp_path / "ledger.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def row(query: str, document: str, grade: int | None) -> dict[str, object]:
    return {"query_id": query, "document_id": document, "grade": grade, "more": "is passed over"}


def test_grades_that_are_none_or_off_the_scale_are_failures(tmp_path: Path) -> None:
    file = ledger(
        tmp_path, row("q", "a", 2), row("q", "b", None), row("q", "c", 5), row("q", "d", -1)
    )
    found = read_judged(file, 3)
    assert found.grades == {("q", "a"): 2}
    assert found.failed == {("q", "b"), ("q", "c"), ("q", "d")}
    assert found.tells


SAID = Provenance(
    source="graded",
    judge="graded",
    lineage=Lineage("judge", "qwen", "Qwen/Qwen3-8B", "abc"),
    fingerprint="f",
    parsers=("final-score/1",),
    kind="labelled",
    collection="tiny",
    split="test",
    pairs=2,
    missing=1,
    again=0,
    shortened=0,
    asked=2,
    tokens_in=1,
    tokens_out=1,
    seconds=0.1,
)


def test_what_our_own_judges_write_is_read_with_its_failures_and_who_judged(
    tmp_path: Path,
) -> None:
    """Whichever of the files is named: the qrels lack what failed, the lines beside them do not."""
    said = [Assessment("q", "a", 2), Assessment("q", "b", None)]
    write_source(tmp_path, said, SAID)
    for name in ("graded.tsv", "graded.jsonl"):
        found = read_judged(tmp_path / name, 3)
        assert found.grades == {("q", "a"): 2}
        assert found.failed == {("q", "b")}
        assert found.tells
        assert found.lineage == SAID.lineage
        assert found.name == f"graded ({SAID.lineage.model})"


def test_qrels_do_not_tell_what_failed_but_what_is_off_the_scale(tmp_path: Path) -> None:
    file = tmp_path / "judge.tsv"
    file.write_text("query-id\tcorpus-id\tscore\nq\ta\t2\nq\tb\t5\n")
    found = read_judged(file, 3)
    assert (dict(found.grades), set(found.failed), found.tells) == (
        {("q", "a"): 2},
        {("q", "b")},
        False,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ('{"query_id": "q"}\n', r"ledger\.jsonl:1: no judgment: .*document_id"),
        (
            '{"query_id": "q", "document_id": "d", "grade": 1}\n{"query_id": 7}\n',
            r"ledger\.jsonl:2: no judgment",
        ),
        ('{"query_id": "q", "document_id": "d", "grade": "high"}\n', "grade"),
        ("q d 1\n", r"ledger\.jsonl:1: expected query-id"),
        (
            (
                '{"query_id": "q", "document_id": "d", "grade": null}\n'
                '{"query_id": "q", "document_id": "d", "grade": 1}\n'
            ),
            r"ledger\.jsonl:2: q d is judged twice",
        ),
        ("q\td\t1\nq\td\t1\n", r"ledger\.jsonl:2: q d is judged twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_line(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_text(text)
    with pytest.raises(BadCollection, match=message):
        read_judged(file, 3)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCollection, match=r"none\.jsonl is missing"):
        read_judged(tmp_path / "none.jsonl", 3)


def test_people_who_pooled_and_did_not_judge_are_counted_apart(tmp_path: Path) -> None:
    file = tmp_path / "people.tsv"
    file.write_text("q\ta\t2\nq\tb\t-1\n")
    assert read_qrels_of_people(file, 3) == ({("q", "a"): 2}, 1)
    with pytest.raises(BadCollection, match="q a has the grade 2: the scale is 0 to 1"):
        read_qrels_of_people(file, 1)


@pytest.mark.parametrize("between", [" ", "\t"])
def test_qrels_of_trec_are_read_too(tmp_path: Path, between: str) -> None:
    file = tmp_path / "judge.txt"
    file.write_text(between.join(["q", "0", "a", "2"]) + "\n")
    assert read_judged(file, 3).grades == {("q", "a"): 2}
