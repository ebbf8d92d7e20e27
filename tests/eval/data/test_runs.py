"""Runs: documents by their best chunk, and TREC files that keep the ranking."""

import gzip
import re
import struct
from pathlib import Path

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.data.runs import ScoredDocument, best_chunks, read_run, write_run
from rag.errors import BadCollection
from rag.values import Candidate, Chunk

Rows = list[tuple[str, str, str, int, str, str]]


def rows(file: Path) -> Rows:
    """Return the columns of a run file."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        query_id, q0, document_id, rank, score, tag = line.split(" ")
        found.append((query_id, q0, document_id, int(rank), score, tag))
    return found


def float32(text: str) -> float:
    """Return a number as trec_eval holds it."""
    value: float = struct.unpack("f", struct.pack("f", float(text)))[0]
    return value


def as_trec_eval_sorts(found: Rows) -> list[str]:
    """Return the document ids by falling float32 score, ties by falling id; ranks are ignored."""
    ordered = sorted(found, key=lambda row: row[2], reverse=True)
    ordered.sort(key=lambda row: float32(row[4]), reverse=True)
    return [row[2] for row in ordered]


def candidate(document_id: str, number: int, score: float) -> Candidate:
    return Candidate(Chunk(f"{document_id}#{number}", document_id, "", 0, 0), score, {})


def test_a_document_counts_by_its_best_chunk() -> None:
    found = [candidate("b", 1, 0.9), candidate("a", 1, 0.8), candidate("b", 2, 0.7)]
    assert best_chunks(found, 10) == (ScoredDocument("b", 0.9), ScoredDocument("a", 0.8))


def test_depth_counts_documents_and_not_chunks() -> None:
    found = [candidate("b", i, 0.9) for i in range(5)] + [candidate("a", 1, 0.1)]
    assert [d.document_id for d in best_chunks(found, 2)] == ["b", "a"]
    assert [d.document_id for d in best_chunks(found, 1)] == ["b"]


def test_nothing_found_is_an_empty_ranking() -> None:
    assert best_chunks([], 10) == ()


def test_a_run_has_six_columns_ranks_from_one_and_the_tag(tmp_path: Path) -> None:
    file = tmp_path / "run.trec"
    ranked = {"q1": (ScoredDocument("b", 2.5), ScoredDocument("a", 1.0)), "q2": ()}
    write_run(file, ranked, "bm25")
    assert file.read_text(encoding="utf-8") == (
        "q1 Q0 b 1 2.500000000 bm25\n"  #
        "q1 Q0 a 2 1.000000000 bm25\n"
    )


def test_ties_become_scores_that_fall(tmp_path: Path) -> None:
    file = tmp_path / "run.trec"
    write_run(file, {"q": (ScoredDocument("a", 1.0), ScoredDocument("b", 1.0))}, "x")
    assert as_trec_eval_sorts(rows(file)) == ["a", "b"]


def test_scores_that_float32_cannot_tell_apart_become_scores_that_it_can(tmp_path: Path) -> None:
    file = tmp_path / "run.trec"
    near = (ScoredDocument("a", 100.0000002), ScoredDocument("b", 100.0000001))
    assert float32("100.0000002") == float32("100.0000001")
    write_run(file, {"q": near}, "x")
    assert as_trec_eval_sorts(rows(file)) == ["a", "b"]


def test_scores_that_fall_enough_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "run.trec"
    write_run(file, {"q": (ScoredDocument("a", 0.75), ScoredDocument("b", 0.5))}, "x")
    assert [row[4] for row in rows(file)] == ["0.750000000", "0.500000000"]


@pytest.mark.parametrize("white", [" ", "\t", "\n", "\u00a0", "\u2028"])
def test_white_space_in_ids_does_not_make_columns(tmp_path: Path, white: str) -> None:
    file = tmp_path / "run.trec"
    documents = (ScoredDocument(f"a{white}b", 2.0), ScoredDocument(f"a{white}{white}b", 1.0))
    write_run(file, {f"q{white}1": documents}, "x")
    assert [(row[0], row[2]) for row in rows(file)] == [
        ("q%201", "a%20b"),
        ("q%201", "a%20%20b"),
    ]


SCORES = st.floats(-1e30, 1e30, allow_nan=False) | st.sampled_from([0.0, -0.0, 1.0, 1e-9, 2 / 3])
IDS = st.lists(st.from_regex(r"[a-c]{1,3}", fullmatch=True), unique=True, min_size=1, max_size=30)


@settings(max_examples=100, deadline=None)
@given(IDS, st.data())
def test_sorting_a_run_as_trec_eval_does_gives_back_the_ranking(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], data: st.DataObject
) -> None:
    scores = data.draw(st.lists(SCORES, min_size=len(ids), max_size=len(ids)))
    if data.draw(st.booleans()):
        scores.sort(reverse=True)
    ranking = tuple(ScoredDocument(d, s) for d, s in zip(ids, scores, strict=True))
    file = tmp_path_factory.mktemp("run") / "run.trec"
    write_run(file, {"q": ranking}, "x")
    assert as_trec_eval_sorts(rows(file)) == ids
    assert [row[3] for row in rows(file)] == list(range(1, len(ids) + 1))


@settings(max_examples=50, deadline=None)
@given(IDS, st.floats(-1e6, 1e6, allow_nan=False), st.data())
def test_trec_eval_finds_the_document_of_every_rank_where_it_stands(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], score: float, data: st.DataObject
) -> None:
    relevant = data.draw(st.sampled_from(ids))
    ranking = tuple(ScoredDocument(d, score) for d in ids)  # all tied
    file = tmp_path_factory.mktemp("run") / "run.trec"
    write_run(file, {"q": ranking}, "x")
    with file.open(encoding="utf-8") as lines:
        run = pytrec_eval.parse_run(lines)
    evaluator = pytrec_eval.RelevanceEvaluator({"q": {relevant: 1}}, {"recip_rank"})
    found = evaluator.evaluate(run)["q"]["recip_rank"]
    assert found == pytest.approx(1 / (ids.index(relevant) + 1))


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1), st.text(min_size=1))
def test_every_line_has_six_columns_whatever_the_ids(
    tmp_path_factory: pytest.TempPathFactory, query_id: str, document_id: str
) -> None:
    file = tmp_path_factory.mktemp("run") / "run.trec"
    write_run(file, {query_id: (ScoredDocument(document_id, 1.0),)}, "x")
    text = file.read_bytes().decode("utf-8")
    assert re.fullmatch(r"\S+ Q0 \S+ 1 1\.000000000 x\n", text)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=4)
RUNS = st.dictionaries(WORDS, st.dictionaries(WORDS, st.floats(-9, 9), min_size=1))


@given(RUNS)
@settings(max_examples=50, deadline=None)
def test_a_run_that_was_written_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, run: dict[str, dict[str, float]]
) -> None:
    file = tmp_path_factory.mktemp("run") / "a.trec"
    written = {
        q: [ScoredDocument(d, s) for d, s in documents.items()] for q, documents in run.items()
    }
    write_run(file, written, "tag")
    if not run:
        with pytest.raises(BadCollection, match="holds no ranking"):
            read_run(file)
        return
    found = read_run(file)
    assert {q: [d.document_id for d in docs] for q, docs in found.items()} == {
        q.replace("%20", " "): [d.replace("%20", " ") for d in docs] for q, docs in run.items()
    }


def test_scores_decide_and_ranks_break_ties(tmp_path: Path) -> None:
    file = tmp_path / "a.trec"
    file.write_text("q Q0 low 1 1.0 t\nq Q0 third 3 2.0 t\nq Q0 second 2 2.0 t\n")
    assert [d.document_id for d in read_run(file)["q"]] == ["second", "third", "low"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("q Q0 d 1\n", "a.trec:1: expected query-id Q0"),
        ("q Q0 d first 1.0 t\n", "a.trec:1: expected query-id Q0"),
        ("q Q0 d 1 nan t\n", "a.trec:1: nan is no score"),
        ("q Q0 d 1 2.0 t\nq Q0 d 2 1.0 t\n", "a.trec:2: q ranks d twice"),
        ("\n", "holds no ranking"),
    ],
)
def test_a_run_that_is_none_is_refused_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "a.trec"
    file.write_text(text)
    with pytest.raises(BadCollection, match=said):
        read_run(file)
    with pytest.raises(BadCollection, match="missing"):
        read_run(tmp_path / "none.trec")


def test_a_run_can_be_gzipped_the_same_bytes_each_time_with_a_comment_at_its_head(
    tmp_path: Path,
) -> None:
    file, ranked = tmp_path / "run.trec.gz", {"q": (ScoredDocument("a", 1.0),)}
    write_run(file, ranked, "x", "made by:\n  us")
    first = file.read_bytes()
    write_run(file, ranked, "x", "made by:\n  us")
    assert file.read_bytes() == first
    assert gzip.decompress(first).decode() == "# made by:\n#   us\nq Q0 a 1 1.000000000 x\n"
    assert read_run(file) == ranked


@given(st.text("#% 2306q", min_size=1).filter(lambda id_: id_.strip() == id_))
def test_an_id_that_begins_like_a_comment_comes_back(
    tmp_path_factory: pytest.TempPathFactory, id_: str
) -> None:
    if "%20" in id_:
        return  # those that stand for others
    file, ranked = tmp_path_factory.mktemp("r") / "run", {id_: (ScoredDocument(id_, 1.0),)}
    write_run(file, ranked, "x", "# comment")
    assert read_run(file) == ranked
