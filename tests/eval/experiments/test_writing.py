"""What a run leaves behind: a record that can be read, and nothing of the machine it ran on."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval.data.runs import read_run
from eval.experiments.record import Lineage, Record, Snippet, open_record, write_record
from eval.experiments.summary import notes, troubles
from eval.experiments.writing import write_experiment
from eval.measures import score
from eval.reports.sections.whole import subtitle
from eval.reports.writing import write_report
from rag.settings import Settings
from tests.eval.experiments.fakes import Lab
from tests.eval.experiments.test_running import FOREIGN, described, with_run
from tests.eval.tiny import CORPUS, QRELS, QUERIES, write_beir

pytestmark = pytest.mark.anyio


async def recorded(folder: Path, text: str, lab: Lab | None = None) -> Record:
    lab = lab or Lab(folder)
    runs = await lab.run(text)
    file, definition = folder / "experiment.toml", lab.describe(text)
    return write_experiment(folder / "out", file, definition, Settings(), runs)


async def test_everything_that_was_found_can_be_read_again(tmp_path: Path) -> None:
    await recorded(tmp_path, described(tmp_path, "bm25", "likely"))
    record = open_record(tmp_path / "out")
    assert record.queries("tiny") == QUERIES
    assert record.qrels("tiny") == QRELS
    rows = list(record.rows("tiny", "likely"))
    assert [row.query_id for row in rows] == list(QUERIES)
    assert [cost.name for cost in rows[0].stages][-1] == "rerank"
    assert rows[0].stages[-1].calls > 0
    snippets = {one.document_id: one for one in record.snippets("tiny")}
    assert snippets["cat"] == Snippet("cat", "", CORPUS["cat"])
    (collection,) = record.experiment.collections
    assert (collection.documents, collection.split) == (len(CORPUS), "test")
    assert len(collection.fingerprint) == 64
    likely = record.experiment.systems[1]
    assert likely.asked["rerank"] == {
        "method": "query-likelihood",
        "depth": 3,
        "schedule": "",
        "guard": "pool",
        "seconds": 600.0,
    }
    assert likely.lineage[0].role == "reranker"


async def test_runs_begin_with_where_they_come_from_and_are_read_all_the_same(
    tmp_path: Path,
) -> None:
    record = await recorded(tmp_path, described(tmp_path, "bm25", "fused"))
    file = record.run("tiny", "fused")
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    head = lines[1 : lines.index("# ir_metadata.end")]
    assert lines[0] == "# ir_metadata.start"
    parts = [line[2:-1] for line in head if line[2] != " " and line.endswith(":")]
    assert parts == ["platform", "implementation", "method", "data"]
    run = {q: [one.document_id for one in of] for q, of in read_run(file).items()}
    assert score(run, record.qrels("tiny")).means["nDCG@10"] > 0


async def test_nothing_tells_whose_machine_it_was(tmp_path: Path) -> None:
    text = with_run(tmp_path, FOREIGN) + f'\n[settings.llm]\nmodel = "{tmp_path}/tiny-llm"\n'
    await recorded(tmp_path, text)
    for file in (tmp_path / "out").rglob("*.*"):
        data = file.read_bytes()
        said = gzip.decompress(data) if file.suffix == ".gz" else data
        assert str(tmp_path).encode() not in said, file


async def test_where_figures_come_from_is_told(tmp_path: Path) -> None:
    record = await recorded(tmp_path, described(tmp_path, "fused", "likely"))
    said = json.loads(json.dumps(record.experiment.provenance))
    assert said["settings"] == {"index.splitter": "none"}
    assert said["concurrency"] == 1
    assert said["collections"]["tiny"]["indexes"][0]["encoder"] == "hashed/64"
    assert set(said["stages"]["tiny, likely"]) == {"find bm25", "find dense", "fuse", "rerank"}
    assert set(said["stages"]["tiny, likely"]["rerank"]) == {"commit", "time"}
    assert said["dirty"] == str(said["commit"]).endswith("-dirty")


async def test_the_same_experiment_writes_the_same_files(tmp_path: Path) -> None:
    text = described(tmp_path, "fused", "likely")
    record = await recorded(tmp_path, text)
    before = {file: file.read_bytes() for file in record.of("tiny").rglob("*.jsonl")}
    assert len(before) == 4
    await recorded(tmp_path, text)
    assert {file: file.read_bytes() for file in record.of("tiny").rglob("*.jsonl")} == before


async def test_systems_that_went_leave_nothing_and_judges_that_came_stay(tmp_path: Path) -> None:
    record = await recorded(tmp_path, described(tmp_path, "bm25", "fused"))
    judged = record.of("tiny") / "qrels" / "judge.tsv"
    judged.write_text("query-id\tcorpus-id\tscore\nq1\tfox\t1\n", encoding="utf-8")
    judge = Lineage("judge", "scripted", "scripted")
    judges, failures = {"judge": judge}, {"judge": 0.5, "gone": 0.1}
    experiment = replace(record.experiment, judges=judges, judge_failures=failures)
    write_record(replace(record, experiment=experiment))
    (judged.parent / "stray.tsv").write_text("", encoding="utf-8")
    record = await recorded(tmp_path, described(tmp_path, "bm25"))
    assert record.experiment.collections[0].sources == ("human", "judge")
    assert record.experiment.judges == {"judge": judge}
    assert record.experiment.judge_failures == {"judge": 0.5}
    assert record.qrels("tiny", "judge") == {"q1": {"fox": 1}}
    assert not record.run("tiny", "fused").exists()
    assert list(record.rows("tiny", "fused")) == []


async def test_a_system_may_run_over_some_collections_alone(tmp_path: Path) -> None:
    write_beir(tmp_path / "other")
    (tmp_path / "other.trec.gz").write_bytes(gzip.compress(FOREIGN.encode()))
    text = with_run(tmp_path, FOREIGN) + 'collections = ["other"]\n'
    text += '[[collections]]\npath = "other"\n'
    record = await recorded(tmp_path, text)
    names = {of.name: of.systems for of in record.experiment.collections}
    assert names == {"tiny": ("bm25",), "other": ()}, "() is all"
    assert [one.name for one in record.systems("tiny")] == ["bm25"]
    report = write_report(record, tmp_path / "out")
    found = {of.name: [one.name for one in of.systems] for of in report.collections}
    assert found == {"tiny": ["bm25"], "other": ["bm25", "theirs"]}
    assert subtitle(report).startswith("2 systems on tiny (3 queries), other (3 queries)")
    for face in ("report.html", "report.md"):
        assert "theirs" in (tmp_path / "out" / face).read_text(encoding="utf-8")


async def test_what_was_left_out_is_told_and_what_is_only_worth_knowing_apart(
    tmp_path: Path,
) -> None:
    text = with_run(tmp_path, FOREIGN)
    with (tmp_path / "tiny" / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    lab = Lab(tmp_path)
    lab.encoder.refuses = "fish"
    runs = await lab.run(text + '[[systems]]\nname = "dense"\nbranches = ["dense"]\n')
    assert len(notes(runs)) == 2
    skipped, failed = troubles(runs)
    assert skipped.startswith("tiny: skipped corpus.jsonl:5: ")
    assert failed == (
        "tiny, dense: 1 queries failed and count 0, e.g. q3: ModelUnavailable: no fish; run again "
        "to try them again"
    )
