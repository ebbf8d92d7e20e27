"""The report: JSON with everything, Markdown made from nothing else, runs that score the same."""

import json
import re
from pathlib import Path

import msgspec
import pytest
import pytrec_eval

from eval.data.collection import Collection, read_collection
from eval.data.runs import ScoredDocument
from eval.measures import MEASURES, score
from eval.report import table, to_json, to_markdown, write_report
from eval.retrieval import Experiment, SystemResult
from indexers.bulk import IndexReport
from rag.values import Fault
from tests.eval.tiny import QRELS, QUERIES, write_beir

RANKED = {
    "bm25": {"q1": ["cat", "dog"], "q2": ["dog", "fox"], "q3": ["fish"], "q4": []},
    "dense": {"q1": ["fox", "cat", "dog"], "q2": ["fox"], "q3": ["cat"], "q4": ["cat", "fox"]},
}


def system(name: str) -> SystemResult:
    ranked = {
        query_id: tuple(ScoredDocument(d, 1.0 / (1 + i)) for i, d in enumerate(documents))
        for query_id, documents in RANKED[name].items()
    }
    return SystemResult(name, ranked, score(RANKED[name], QRELS), 1.5, 2.25)


def experiment(collection: Collection, *faults: Fault) -> Experiment:
    return Experiment(
        collection,
        IndexReport(4, 5, faults=faults, seconds=1.26),
        (system("bm25"), system("dense")),
        {"encoder": "hashed/64", "mean_length": 3.25, "store": "qdrant edge"},
    )


@pytest.fixture
def tiny(tmp_path: Path) -> Collection:
    return read_collection(write_beir(tmp_path / "tiny"), "test")


def test_a_report_is_one_run_per_system_and_the_two_reports(
    tiny: Collection, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "folder"
    assert write_report(experiment(tiny), out) == out / "report.md"
    assert sorted(file.name for file in out.iterdir()) == [
        "bm25.trec",
        "dense.trec",
        "report.json",
        "report.md",
    ]


def test_the_markdown_is_made_from_the_json_alone(tiny: Collection, tmp_path: Path) -> None:
    write_report(experiment(tiny), tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert to_markdown(report) == (tmp_path / "report.md").read_text(encoding="utf-8")


def test_writing_again_replaces_the_report(tiny: Collection, tmp_path: Path) -> None:
    write_report(experiment(tiny), tmp_path)
    before = (tmp_path / "bm25.trec").read_bytes()
    write_report(experiment(tiny), tmp_path)
    assert (tmp_path / "bm25.trec").read_bytes() == before
    json.loads((tmp_path / "report.json").read_bytes())


def test_the_json_holds_means_and_every_query_of_every_system(tiny: Collection) -> None:
    report = to_json(experiment(tiny))
    assert [s["name"] for s in report["systems"]] == ["bm25", "dense"]
    for found in report["systems"]:
        assert tuple(found["means"]) == MEASURES
        assert set(found["per_query"]) == set(QUERIES)
        relevant = [values["AP"] for q, values in found["per_query"].items() if q != "q3"]
        assert found["means"]["AP"] == pytest.approx(sum(relevant) / 3, abs=2e-6)
    bm25 = report["systems"][0]
    assert bm25["means"]["RR@10"] == pytest.approx((1 + 1 / 2 + 0) / 3, abs=1e-6)
    assert (bm25["unanswered_queries"], bm25["queries_without_relevant"]) == (1, 1)
    assert report["collection"] == {"name": "tiny", "split": "test", "queries": 4, "judgments": 5}
    assert report["index"] == {"documents": 4, "chunks": 5, "seconds": 1.3, "faults": []}
    said = {"commit", "dirty", "command", "time", "machine", "versions"}
    assert said == set(report["provenance"])


def test_the_written_runs_score_what_the_report_says(tiny: Collection, tmp_path: Path) -> None:
    write_report(experiment(tiny), tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    for found in report["systems"]:
        with (tmp_path / f"{found['name']}.trec").open(encoding="utf-8") as file:
            run = pytrec_eval.parse_run(file)
        evaluator = pytrec_eval.RelevanceEvaluator(QRELS, {"ndcg_cut.10", "map", "recall.100"})
        theirs = evaluator.evaluate(run)
        for query_id, values in found["per_query"].items():
            theirs_q = theirs.get(query_id, {"ndcg_cut_10": 0, "map": 0, "recall_100": 0})
            assert values["nDCG@10"] == pytest.approx(theirs_q["ndcg_cut_10"], abs=1e-6)
            assert values["AP"] == pytest.approx(theirs_q["map"], abs=1e-6)
            assert values["R@100"] == pytest.approx(theirs_q["recall_100"], abs=1e-6)


def test_the_markdown_table_has_a_row_per_system_and_four_decimals(tiny: Collection) -> None:
    lines = to_markdown(to_json(experiment(tiny))).splitlines()
    assert lines[0] == "# Retrieval on tiny (test)"
    head = lines.index(
        "| system | nDCG@10 | R@100 | MRR@10 | MAP | Judged@10 | unanswered | p50 ms | p95 ms |"
    )
    assert lines[head + 1] == "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    # bm25 finds q1 whole, q2 at rank 2, q4 not: nDCG (1 + 1/log2(3) + 0) / 3, AP (1 + 1/2) / 3.
    assert lines[head + 2].startswith("| bm25 | 0.5436 | 0.6667 | 0.5000 | 0.5000 | ")
    assert lines[head + 2].endswith(" | 1 | 1.5 | 2.2 |")
    assert lines[head + 3].startswith("| dense | ")


def test_the_markdown_says_what_was_left_out_and_how_it_was_made(tiny: Collection) -> None:
    text = to_markdown(to_json(experiment(tiny)))
    assert "4 documents in 5 chunks, 4 queries, 5 judgments, 0 inputs skipped." in text
    assert "1 queries have no relevant document and are left out of the means" in text
    assert "| encoder | hashed/64 |" in text
    assert re.search(r"Made by `.*` at commit `\w+(-dirty)?`, .* cores of .*, Python 3", text)


def test_no_folder_of_the_machine_is_in_the_report(
    tiny: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = str(tiny.folder / "corpus.jsonl")
    for folder in (tiny.folder, Path("tiny")):
        monkeypatch.chdir(tmp_path)
        collection = Collection(
            folder, folder / "corpus.jsonl", tiny.queries, tiny.qrels, tiny.split
        )
        report = to_json(experiment(collection, Fault(source, 3, "not JSON")))
        assert report["index"]["faults"] == ["corpus.jsonl:3: not JSON"]
        assert str(tmp_path) not in msgspec.json.encode(report).decode()


def test_a_table_has_its_first_column_left_and_the_others_right() -> None:
    assert table(["a", "b", "c"], [["x", "1", "2"], ["y", "3", "4"]]) == [
        "| a | b | c |",
        "|---|---:|---:|",
        "| x | 1 | 2 |",
        "| y | 3 | 4 |",
    ]


def test_a_bar_in_a_cell_does_not_make_a_column() -> None:
    assert table(["a"], [["x | y"]])[2] == r"| x \| y |"


def test_a_table_without_rows_is_its_head() -> None:
    assert table(["a", "b"], []) == ["| a | b |", "|---|---:|"]
