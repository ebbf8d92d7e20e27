"""The real thing without models: the handbook, a hashed encoder, stages that points share."""

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("optuna", reason="tuning is not installed: pip install 'firstcite[tune]'")

from eval.experiments.definition import SystemTable
from eval.experiments.reading import read_tested
from eval.experiments.record import Lineage, Price, Row, StageCost
from eval.experiments.running import SystemRun
from eval.tables import ROOT
from eval.tuning.choosing import Verdict, choose
from eval.tuning.definition import Study, read_study
from eval.tuning.evaluating import spent, troubled
from eval.tuning.halves import Halves, halves
from eval.tuning.report import write_report
from eval.tuning.searching import BASELINE, run_study
from eval.tuning.values import Found
from eval.tuning.writing import write_settings
from rag.errors import BadCollection, BadInput
from rag.sections import LLMSettings, Secret
from rag.settings import Settings, load_settings
from tests.eval.experiments.fakes import Lab
from tests.eval.tiny import write_beir

TEXT = f"""
name = "handbook"
trials = 8
sampler = "tpe"
settings.index.splitter = "none"
[[collections]]
path = "{ROOT / "examples" / "handbook"}"
[search]
search.fusion = ["rrf", "dbsf", "convex"]
search.dense_weight = {{low = 0.0, high = 1.0}}
branches = [["bm25"], ["bm25", "dense"]]
"""


def described(folder: Path, text: str = TEXT) -> tuple[Study, Halves]:
    file = folder / "tune.toml"
    file.write_text(text, encoding="utf-8")
    study = read_study(file, Settings())
    return study, halves([read_tested(one) for one in study.table.collections])


def tuned(lab: Lab, text: str = TEXT) -> tuple[Study, Halves, Found, Verdict]:
    study, split = described(lab.folder, text)

    def show(stage: str, done: int, total: int) -> None:
        lab.shown.append((stage, done, total))

    out = lab.folder / "out"
    found = asyncio.run(run_study(study, split, out, lab.engine, lab.model_opened, show))
    return study, split, found, choose(study, found)


def test_points_share_what_is_searched_and_a_second_run_evaluates_nothing(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    _, split, found, _ = tuned(lab)
    assert len(found.trials) == 9
    asked = [query for query in lab.encoder.queries if "?" in query or query]
    texts = {text for half in split.of.values() for one in half for text in one.queries.values()}
    counts = [asked.count(text) for text in texts]
    assert set(counts) <= {0, 1}, "no point encodes a query that another has"
    again = Lab(tmp_path)
    assert tuned(again)[2] == found
    assert again.encoder.queries == []
    assert again.encoder.documents == []


def test_a_hashed_encoder_is_no_help_and_the_report_says_what_was_found(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    study, split, found, verdict = tuned(lab)
    text = write_report(tmp_path, study, split, found, verdict).read_text(encoding="utf-8")
    table = text.partition("## The baseline")[2].splitlines()
    rows = [line for line in table if line.startswith("| baseline")]
    assert len(rows) == 2, "on held-out queries and on those it was searched with"
    assert "winner's curse" in text
    assert str(tmp_path) not in text
    assert (write_settings(tmp_path, study, verdict) is None) is (verdict.trial is None)
    held_out = found.held_out[BASELINE]
    assert len(held_out.quality) == split.count("held out") == len(held_out.ms)


def test_the_settings_file_of_a_point_can_be_loaded(tmp_path: Path) -> None:
    study, _ = described(tmp_path)
    llm = LLMSettings(api_key=Secret("very secret"), model='a "quoted" name')
    study = Study(study.table, study.space, Settings(llm=llm))
    found = tuned(Lab(tmp_path))[2]
    file = write_settings(tmp_path, study, Verdict(found.trials[3], "it is the third"))
    assert file is not None
    loaded = load_settings(file, {})
    point = found.trials[3].point
    assert loaded.search.fusion == point["search.fusion"]
    assert loaded.search.dense_weight == point["search.dense_weight"]
    assert loaded.llm.model == llm.model
    text = file.read_text(encoding="utf-8")
    assert "very secret" not in text
    assert "FIRSTCITE__LLM__API_KEY" in text
    assert "branches" in text
    assert write_settings(tmp_path, study, Verdict(None, "nothing")) is None
    assert not file.exists()


def test_other_settings_are_another_study(tmp_path: Path) -> None:
    tuned(Lab(tmp_path))
    with pytest.raises(BadInput, match="holds another study"):
        tuned(Lab(tmp_path), TEXT.replace('"convex"]', '"convex"]\nsearch.depth = [20, 40]'))


def test_too_few_queries_are_refused(tmp_path: Path) -> None:
    write_beir(tmp_path / "tiny")
    text = TEXT.replace(str(ROOT / "examples" / "handbook"), "tiny")
    with pytest.raises(BadCollection, match="at least 2 are needed"):
        described(tmp_path, text)


def run_of(*costs: StageCost, model: str = "gpt") -> SystemRun:
    rows = (Row("q1", costs), Row("q2"))
    return SystemRun(SystemTable("s"), {}, rows, (Lineage("reranker", "gpt", model),))


def test_cost_is_tokens_by_price() -> None:
    run = run_of(StageCost("rerank", 1.0, tokens_in=2_000, tokens_out=100))
    assert spent(run, [Price("gpt", 3.0, 10.0)]) == ((2_000 * 3 + 100 * 10) / 1e6, 0.0)
    with pytest.raises(BadInput, match="say nothing about 'gpt'"):
        spent(run, [Price("other", 3.0, 10.0)])


def test_rows_that_failed_or_were_degraded_are_no_figures() -> None:
    assert troubled(run_of(StageCost("rerank", 1.0)).rows) == ""
    assert troubled(run_of(StageCost("rerank", 1.0, "failed")).rows).startswith(
        "rerank failed for 1"
    )
    assert troubled((Row("q", error="no answer"),)) == "1 of 1 queries failed, e.g. no answer"
