"""`firstcite route train`: outcomes in, a router that people can read out."""

import json
from pathlib import Path

import pytest

from rag.route.features import features
from rag.route.log_file import read_log
from rag.route.model_file import read
from tests.cli.outcome import Firstcite

SINGLE = [f"When was the tower number {i} built?" for i in range(20)]
SEVERAL = [f"Is the mayor of town {i} older than the founder of town {i + 1}?" for i in range(20)]


def outcomes(folder: Path, **more: object) -> Path:
    lines = [{"question": q, "A": False, "B": True, "C": True, **more} for q in SINGLE]
    lines += [{"question": q, "A": False, "B": False, "C": True, **more} for q in SEVERAL]
    path = folder / "outcomes.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_a_router_is_learnt_and_told(firstcite: Firstcite, tmp_path: Path) -> None:
    out = tmp_path / "route.toml"
    done = firstcite("route", "train", str(outcomes(tmp_path)), "--out", str(out))
    assert (done.code, done.err) == (0, "")
    assert f"{out}: set search.router to it" in done.out
    classifier = read(out)
    assert classifier.fusion == ""  # there were no scores
    assert classifier.route(features("When was the tower of Pisa built?")).kind == "B"
    question = "Is the mayor of Pisa older than the founder of Siena?"
    assert classifier.route(features(question)).kind == "C"


def test_scores_are_those_of_the_fusion_that_is_set(
    firstcite: Firstcite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = outcomes(tmp_path, scores=(0.7, 0.2)), tmp_path / "route.toml"
    monkeypatch.setenv("FIRSTCITE__SEARCH__FUSION", "rrf")
    assert firstcite("route", "train", str(path), "--out", str(out)).code == 0
    assert read(out).fusion == "rrf"


@pytest.mark.model
def test_a_log_of_outcomes_is_a_router_too(firstcite: Firstcite, tmp_path: Path) -> None:
    out = tmp_path / "route.jsonl"
    done = firstcite(
        "route", "train", str(outcomes(tmp_path)), "--kind", "neighbours", "--out", str(out)
    )
    assert done.code == 0
    assert "40 questions: a search helped 40, did harm 0, made no difference to 0" in done.out
    assert read_log(out).vectors.shape == (40, 384)


def test_bad_outcomes_are_one_line_and_nothing_is_written(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    out, path = tmp_path / "route.toml", tmp_path / "outcomes.jsonl"
    path.write_text(
        '{"question": "When?", "A": false, "B": true, "C": true}\n{"question": 7}\n',
        encoding="utf-8",
    )
    done = firstcite("route", "train", str(path), "--out", str(out))
    assert done.code == 2
    assert "outcomes.jsonl:2" in done.error
    assert not out.exists()
    gone = firstcite("route", "train", str(tmp_path / "none.jsonl"), "--out", str(out))
    assert gone.code == 2
    assert "none.jsonl" in gone.error
