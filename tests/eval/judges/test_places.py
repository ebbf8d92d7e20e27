"""What is judged, and where it is written: holes, texts, provenance."""

import gzip
from pathlib import Path

import msgspec
import pytest

from eval.data.collection import read_qrels
from eval.data.runs import ScoredDocument, write_run
from eval.experiments.record import (
    Analysis,
    CollectionRecord,
    Experiment,
    Lineage,
    Record,
    Snippet,
    SystemRecord,
    open_record,
    write_record,
)
from eval.judges.judge import Assessment
from eval.judges.pairs import spread
from eval.judges.places import Wanted, note, places
from eval.judges.sources import Provenance, check_source, read_provenance, write_source
from rag.errors import BadCollection, BadInput
from tests.eval.tiny import QRELS, write_beir

ME = Lineage("judge", "smollm", "tiny", "abc")
RUN = {
    "q1": ["cat", "fish", "fox", "dog"],
    "q2": ["fox", "cat"],
    "q9": ["cat"],  # nobody labelled anything for it
}


def write_runs(file: Path, *, packed: bool = False) -> Path:
    ranked = {q: [ScoredDocument(d, 9.0 - i) for i, d in enumerate(of)] for q, of in RUN.items()}
    write_run(file, ranked, "run")
    if packed:
        file.with_suffix(".trec.gz").write_bytes(gzip.compress(file.read_bytes()))
    return file


def provenance(**changed: object) -> Provenance:
    fields: dict[str, object] = {
        "source": "graded",
        "judge": "graded",
        "lineage": ME,
        "fingerprint": "f",
        "parsers": ("p/1",),
        "kind": "holes",
        "collection": "tiny",
        "split": "test",
        "pairs": 3,
        "missing": 1,
        "again": 1,
        "shortened": 0,
        "asked": 4,
        "tokens_in": 9,
        "tokens_out": 9,
        "seconds": 0.5,
    }
    return msgspec.convert(fields | changed, Provenance)


def test_the_labelled_pairs_of_a_folder_come_with_their_texts(tmp_path: Path) -> None:
    (place,) = places(write_beir(tmp_path / "tiny"), Wanted(), tmp_path / "out")
    assert (place.name, place.split, place.kind) == ("tiny", "test", "labelled")
    assert {(c.query_id, c.document_id) for c in place.cases} == {
        (q, d) for q, of in QRELS.items() for d in of
    }
    (cat,) = (c for c in place.cases if c.document_id == "cat")
    assert (cat.query, cat.text) == ("cat", "The cat sleeps on the mat.")


def test_holes_are_what_runs_found_and_nobody_labelled(tmp_path: Path) -> None:
    folder, run = write_beir(tmp_path / "tiny"), write_runs(tmp_path / "run.trec")
    for depth, wanted in {1: set(), 3: {"q1 fish", "q1 fox", "q2 cat"}}.items():
        (place,) = places(folder, Wanted(runs=(run,), depth=depth), tmp_path / "out")
        assert {f"{c.query_id} {c.document_id}" for c in place.cases} == wanted
        assert place.kind == "holes"


def test_a_limit_takes_pairs_of_as_many_queries_as_can_be(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "tiny")
    (place,) = places(folder, Wanted(limit=4, exam=2), tmp_path / "out")
    assert [c.query_id for c in place.cases] == ["q1", "q2", "q3", "q4"]
    assert [(c.query_id, grade) for c, grade in place.exam] == [("q1", 2), ("q2", 1)]
    pairs = [(f"q{i // 3}", str(i)) for i in range(9)]
    assert [spread(pairs, n) for n in (0, 9, 20)] == [pairs] * 3


def test_a_document_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "tiny", qrels={"q1": {"cat": 1, "cow": 2}})
    with pytest.raises(BadCollection, match=r"lacks the texts of 1 .* e\.g\. 'cow'"):
        places(folder, Wanted(), tmp_path / "out")
    with pytest.raises(BadInput, match="--out is missing"):
        places(folder, Wanted(), None)


def a_record(folder: Path) -> Record:
    collection = CollectionRecord("tiny", "test", 4, "f")
    record = Record(folder, Experiment("e", (collection,), (SystemRecord("bm25"),), Analysis(), {}))
    write_record(record)
    of = record.of("tiny")
    (of / "qrels").mkdir(parents=True)
    (of / "runs").mkdir()
    beir = write_beir(folder / "beir")
    (of / "queries.jsonl").write_bytes((beir / "queries.jsonl").read_bytes())
    (of / "qrels" / "human.tsv").write_bytes((beir / "qrels" / "test.tsv").read_bytes())
    write_runs(of / "runs" / "bm25.trec", packed=True)
    snippets = [Snippet("fish", "Fish", "They swim."), Snippet("fox", "", "It hunts.")]
    snippets.append(Snippet("cat", "", "It sleeps."))
    (of / "snippets.jsonl").write_bytes(b"".join(msgspec.json.encode(s) + b"\n" for s in snippets))
    return record


def test_the_holes_of_a_record_are_judged_by_its_snippets_and_noted_in_it(tmp_path: Path) -> None:
    record = a_record(tmp_path / "record")
    (place,) = places(record.folder, Wanted(depth=3), None)
    assert {c.document_id: c.text for c in place.cases} == {
        "fish": "Fish. They swim.",
        "fox": "It hunts.",
        "cat": "It sleeps.",
    }
    (whole,) = places(record.folder, Wanted(depth=3, corpus=record.folder / "beir"), None)
    assert "The fox sleeps at day." in next(c.text for c in whole.cases if c.document_id == "fox")
    note(record.folder, "graded", {"tiny": ME}, {"tiny": 0.25})
    again = open_record(record.folder).experiment
    assert again.collections[0].sources == ("human", "graded")
    assert again.judges == {"graded": ME}
    assert again.judge_failures == {"graded": 0.25}
    with pytest.raises(BadInput, match="leave out --out"):
        places(record.folder, Wanted(), tmp_path / "out")


def test_qrels_of_a_judge_say_who_made_them_and_leave_out_what_is_missing(tmp_path: Path) -> None:
    said = [
        Assessment("q1", "a", 0, 0.2, {"gate": 1.0}),
        Assessment("q1", "b", None),
        Assessment("q2", "a", 3),
    ]
    tsv, info, rows = write_source(tmp_path, said, provenance())
    assert read_qrels(tsv) == {"q1": {"a": 0}, "q2": {"a": 3}}
    assert read_provenance(info) == provenance()
    kept = [msgspec.json.decode(line, type=Assessment) for line in rows.read_bytes().splitlines()]
    assert kept == said


def test_what_people_or_another_judge_made_is_never_replaced(tmp_path: Path) -> None:
    check_source(tmp_path, "graded", ME)
    write_source(tmp_path, [Assessment("q1", "a", 0)], provenance())
    check_source(tmp_path, "graded", ME)
    other = Lineage("judge", "qwen", "large", "abc")
    with pytest.raises(BadInput, match="by tiny with the prompts abc, not by large"):
        check_source(tmp_path, "graded", other)
    (tmp_path / "test.tsv").write_text("q\td\t1\n")
    with pytest.raises(BadInput, match="is there and no judge's"):
        check_source(tmp_path, "test", ME)
    for name in ("human", "", "../up", ".hidden"):
        with pytest.raises(BadInput, match="cannot name"):
            check_source(tmp_path, name, ME)
