"""`firstcite eval judge`: over a real server, through a kill, and with every exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from eval.data.collection import read_qrels
from eval.judges.ledger import read_ledger
from eval.judges.sources import read_provenance
from tests.cli.outcome import Firstcite
from tests.eval.judges.served import grading
from tests.eval.judges.test_places import write_runs
from tests.eval.tiny import QRELS, write_beir


def score(prompt: str) -> str:
    return f"##final score: {2 if 'cat' in prompt.partition('<passage>')[2] else 0}"


def at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Let the commands of a test ask this server, without the cache of replies."""
    monkeypatch.setenv("FIRSTCITE__LLM__URL", url)
    monkeypatch.setenv("FIRSTCITE__LLM__REPLIES_MB", "0")
    monkeypatch.setenv("FIRSTCITE__LLM__RETRIES", "0")


def test_a_server_judges_the_labelled_pairs_and_human_qrels_stay_as_they_are(
    firstcite: Firstcite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = write_beir(tmp_path / "tiny"), tmp_path / "out"
    human = (folder / "qrels" / "test.tsv").read_bytes()
    with grading(score) as server:
        at(monkeypatch, server.url)
        done = firstcite("eval", "judge", str(folder), "--judge", "graded", "--out", str(out))
        again = firstcite("eval", "judge", str(folder), "--judge", "graded", "--out", str(out))
    assert done.code == again.code == 0
    assert done.out.startswith("tiny: 5 of 5 pairs graded by graded (grader-7b), 0 without")
    assert ", 0 questions in" in again.out
    assert len(server.asked) == 5
    assert read_qrels(out / "qrels" / "graded.tsv") == {
        q: {d: 2 if d in {"cat", "dog"} else 0 for d in of} for q, of in QRELS.items()
    }
    of = read_provenance(out / "qrels" / "graded.json")
    assert (of.lineage.model, of.kind, of.pairs, of.missing) == ("grader-7b", "labelled", 5, 0)
    assert (of.tokens_out, of.parsers) == (15, ("final-score/1",))
    assert (folder / "qrels" / "test.tsv").read_bytes() == human


def test_a_run_that_is_killed_goes_on_and_asks_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = {f"d{n}": f"The document number {n} of many." for n in range(60)}
    qrels = {"q1": dict.fromkeys(corpus, 1)}
    folder = write_beir(tmp_path / "many", corpus, {"q1": "which one"}, qrels)
    lanes, out = 3, tmp_path / "out"
    monkeypatch.setenv("FIRSTCITE__LLM__CONCURRENCY", str(lanes))
    command = [sys.executable, "-m", "rag", "eval", "judge", str(folder)]
    command += ["--judge", "graded", "--out", str(out)]
    with grading(lambda _: "##final score: 1", pause_s=0.02) as server:
        at(monkeypatch, server.url)
        environment = dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parents[2])}
        first = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        ledger = out / "ledger.jsonl"
        while not ledger.is_file() or ledger.read_bytes().count(b"\n") < 10:
            assert first.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        os.kill(first.pid, signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
        time.sleep(0.2)  # what was under way is counted before the next run begins
        kept = ledger.read_bytes().count(b"\n")
        before = len(server.asked)
        with ledger.open("ab") as torn:
            torn.write(b'{"key":"half a li')
        second = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert second.returncode == 0, second.stderr
    assert 10 <= kept < 60
    assert before - kept <= lanes
    assert len(server.asked) - before == 60 - kept
    twice = [n for n in Counter(server.asked).values() if n > 1]
    assert len(twice) <= lanes
    assert len(read_qrels(out / "qrels" / "graded.tsv")["q1"]) == 60
    assert len({entry.key for entry in read_ledger(ledger)}) == 60


def test_a_model_that_fails_in_the_middle_says_what_is_kept_and_how_to_go_on(
    firstcite: Firstcite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = write_beir(tmp_path / "tiny"), tmp_path / "out"
    options = ("eval", "judge", str(folder), "--judge", "graded", "--out", str(out))
    monkeypatch.setenv("FIRSTCITE__LLM__CONCURRENCY", "1")
    with grading(lambda prompt: "" if "pond" in prompt else score(prompt)) as server:
        at(monkeypatch, server.url)
        failed = firstcite(*options)
        assert failed.code == 1
        assert "3 replies of this run are kept in" in failed.err
        assert "give the same command again to go on" in failed.err
        assert not (out / "qrels").exists()
        server.reply = score
        assert firstcite(*options).code == 0
    assert len(server.asked) == 6  # the one that failed was asked again


def test_too_many_pairs_without_a_grade_are_an_exit_code_of_their_own(
    firstcite: Firstcite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = write_beir(tmp_path / "tiny"), tmp_path / "out"
    options = ("eval", "judge", str(folder), "--judge", "graded", "--out", str(out))
    with grading(lambda p: "Hm." if "<query>\nunicorn" in p else score(p)) as server:
        at(monkeypatch, server.url)
        done = firstcite(*options)
        assert done.code == 4
        assert "20.0% of the pairs have no valid grade, 1.0% are allowed" in done.err
        assert firstcite(*options, "--failures", "0.2").code == 0
    assert "q4" not in read_qrels(out / "qrels" / "graded.tsv")
    of = read_provenance(out / "qrels" / "graded.json")
    assert (of.missing, of.again) == (1, 1)


def test_data_that_cannot_be_used_is_an_exit_code_of_its_own(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    folder = write_beir(tmp_path / "tiny", qrels={"q1": {"cow": 1}})
    options = ("--judge", "graded", "--out", str(tmp_path / "out"))
    outcome = firstcite("eval", "judge", str(folder), *options)
    assert outcome.code == 3
    assert "e.g. 'cow'" in outcome.error


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--judge", "umbrela"), "there is no judge 'umbrela'"),
        (("--judge", "graded", "--member", "expected"), "add --judge jury"),
        (("--judge", "graded", "--fit", "f.json"), "has no thresholds to --fit"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_asked(
    firstcite: Firstcite, tmp_path: Path, options: tuple[str, ...], why: str
) -> None:
    folder = write_beir(tmp_path / "tiny")
    outcome = firstcite("eval", "judge", str(folder), "--out", str(tmp_path / "out"), *options)
    assert outcome.code == 2
    assert why in outcome.error


def test_holes_of_runs_are_judged_into_qrels_of_their_own(
    firstcite: Firstcite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = write_beir(tmp_path / "tiny"), tmp_path / "out"
    run = ("--run", str(write_runs(tmp_path / "run.trec")), "--depth")
    options = ("eval", "judge", str(folder), "--judge", "graded", "--out", str(out), *run)
    with grading(score) as server:
        at(monkeypatch, server.url)
        assert "nothing to judge" in firstcite(*options, "1").out
        assert firstcite(*options, "3").code == 0
    filled = read_qrels(out / "qrels" / "graded.tsv")
    assert filled == {"q1": {"fish": 0, "fox": 0}, "q2": {"cat": 2}}
    of = read_provenance(out / "qrels" / "graded.json")
    assert (of.kind, of.settings["depth"], of.settings["runs"]) == ("holes", 3, ["run.trec"])


def test_a_jury_is_made_of_judges_and_of_what_other_models_said(
    firstcite: Firstcite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = write_beir(tmp_path / "tiny"), tmp_path / "out"
    judge = ("eval", "judge", str(folder), "--out", str(out), "--judge")
    with grading(lambda p: "yes" if "yes or no" in p else score(p)) as server:
        at(monkeypatch, server.url)
        assert firstcite(*judge, "graded", "--source", "elsewhere").code == 0
        members = ("--member", str(out / "qrels" / "elsewhere.tsv"), "--member", "graded")
        assert firstcite(*judge, "jury", *members).code == 0
        examined = firstcite(*judge, "jury", *members, "--exam", "3", "--source", "examined")
    assert len(server.asked) == 5  # the ledger answered the jury
    assert read_qrels(out / "qrels" / "jury.tsv") == read_qrels(out / "qrels" / "elsewhere.tsv")
    said = json.loads((out / "qrels" / "jury.json").read_bytes())
    assert {n: m["weight"] for n, m in said["settings"]["members"].items()} == {
        "elsewhere": 0.5,
        "graded": 0.5,
    }
    assert said["lineage"]["model"] == "grader-7b"
    assert examined.code == 0
    of = json.loads((out / "qrels" / "examined.json").read_bytes())["settings"]
    assert of["members"]["graded"]["exam"] == {"score": 0.8, "answered": 3, "of": 3}
    assert of["exam_pairs"] == [["q1", "cat"], ["q2", "fox"], ["q3", "fish"]]
