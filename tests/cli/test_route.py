"""`firstcite route train`: outcomes in, a router that people can read out."""

import json
from pathlib import Path

from rag.route.methods import routers
from tests.cli.outcome import Firstcite

SINGLE = [f"When was the tower number {i} built?" for i in range(20)]
SEVERAL = [f"Is the mayor of town {i} older than the founder of town {i + 1}?" for i in range(20)]


def outcomes(folder: Path) -> Path:
    lines = [{"question": q, "A": False, "B": True, "C": True} for q in SINGLE]
    lines += [{"question": q, "A": False, "B": False, "C": True} for q in SEVERAL]
    path = folder / "outcomes.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_a_router_is_learnt_and_told(firstcite: Firstcite, tmp_path: Path) -> None:
    out = tmp_path / "route.toml"
    done = firstcite("route", "train", str(outcomes(tmp_path)), "--out", str(out))
    assert (done.code, done.err) == (0, "")
    assert f"{out}: set search.router to it" in done.out
    classifier = routers(str(out))["classifier"]
    assert classifier("When was the tower of Pisa built?", ()).kind == "B"
    question = "Is the mayor of Pisa older than the founder of Siena?"
    assert classifier(question, ()).kind == "C"


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
