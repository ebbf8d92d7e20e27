"""`firstcite eval judge-check`: a sample, its labels, probes, and the verdict."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.checking.record import open_check, open_probes
from eval.checking.sampling import read_sample
from tests.cli.outcome import Firstcite
from tests.eval.judges.served import grading
from tests.eval.tiny import write_beir

N = 36
CORPUS = {f"d{i}": f"Passage {i} about lighthouses and number {i}." for i in range(4 * N)}
QUERIES = {f"q{i}": f"which passage has number {i}" for i in range(N)}
QRELS = {f"q{i}": {f"d{4 * i + g}": g for g in range(4)} for i in range(N)}
"""Thirty-six queries with one document of every grade."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_beir(tmp_path / "beacons", CORPUS, QUERIES, QRELS)


def judged(tmp_path: Path, grade: Callable[[int], int | None] = lambda g: g) -> Path:
    file = tmp_path / "judge.jsonl"
    rows = [
        {"query_id": q, "document_id": d, "grade": grade(g)}
        for q, of in QRELS.items()
        for d, g in of.items()
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def label(folder: Path, name: str, grade: Callable[[int], str] = str) -> Path:
    """Fill the sheet as someone who knows the true grades does."""
    with (folder / "pairs.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["grade"] = grade(QRELS[row["query_id"]][row["document_id"]])
    out = folder / f"{name}.csv"
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return out


def sample(firstcite: Firstcite, folder: Path, labels: Path, out: Path) -> None:
    done = firstcite(
        *("eval", "judge-check", "sample", str(folder), "--judged", str(labels)),
        *("--pairs", "80", "--out", str(out)),
    )
    assert done.code == 0
    assert done.out.startswith("80 pairs of 35 queries: 20 of 36 graded 0, 20 of 36 graded 1")


def report(firstcite: Firstcite, labels: Path, out: Path, *options: str) -> str:
    done = firstcite(
        *("eval", "judge-check", "report", "--judged", str(labels), "--out", str(out), *options)
    )
    assert done.code == 0, done.err
    text = (out / "judge-check.md").read_text(encoding="utf-8")
    assert done.out.strip() == text.strip()
    return text


def test_from_the_sample_to_the_verdict(
    firstcite: Firstcite, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge that is right, and that no trick fools: a server stands for its model."""
    labels, out = judged(tmp_path), tmp_path / "check"
    sample(firstcite, folder, labels, out)
    ann = label(out, "ann")
    bob = label(out, "bob", lambda g: "" if g == 1 else str(g))
    monkeypatch.setenv("FIRSTCITE__LLM__RETRIES", "0")
    with grading(lambda _: "##final score: 0") as server:
        monkeypatch.setenv("FIRSTCITE__LLM__URL", server.url)
        done = firstcite(
            *("eval", "judge-check", "probe", str(folder), "--judge", "graded"),
            *("--cases", "6", "--out", str(out)),
        )
    assert done.code == 0, done.err
    assert "## Probes" in done.out
    probes = open_probes(out / "probes.json")
    assert probes.lineage is not None
    assert probes.lineage.model == "grader-7b"
    assert len(server.asked) == probes.asked == 5 * 6 + 4 * 8 + 6 * 6  # the retest is asked anew
    people = ("--people", str(ann), "--people", str(bob))
    text = report(firstcite, labels, out, *people, "--probes", str(out / "probes.json"))
    assert text.startswith("# judge.jsonl as a judge: GO")
    found = open_check(out / "judge-check.json")
    assert found.verdict == "GO"
    assert found.agreement.weighted
    assert found.agreement.kappa.value == 1
    assert {each.name: (each.labelled, each.blank) for each in found.annotators} == {
        "ann": (80, 0),
        "bob": (60, 20),
    }
    assert found.alt_test is not None
    assert found.alt_test.passed


def test_a_gullible_judge_is_no_go_in_plain_words(
    firstcite: Firstcite, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, out = judged(tmp_path), tmp_path / "check"
    monkeypatch.setenv("FIRSTCITE__LLM__RETRIES", "0")

    def obeys(prompt: str) -> str:
        return f"##final score: {3 if 'perfectly relevant' in prompt else 0}"

    with grading(obeys) as server:
        monkeypatch.setenv("FIRSTCITE__LLM__URL", server.url)
        firstcite(
            *("eval", "judge-check", "probe", str(folder), "--judge", "graded"),
            *("--cases", "6", "--out", str(out)),
        )
    qrels = str(folder / "qrels" / "test.tsv")
    text = report(firstcite, labels, out, "--people", qrels, "--probes", str(out / "probes.json"))
    assert "**NO-GO.** Do not use this judge's labels: it fails gullibility." in text
    assert "100.0% of 6 by instruction" in text


def test_a_jury_is_probed_with_the_weights_it_had(
    firstcite: Firstcite, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two judges of one model: what pleases it fools both, so it fools the jury."""
    monkeypatch.setenv("FIRSTCITE__LLM__RETRIES", "0")
    out = tmp_path / "judged"
    jury = ("eval", "judge", str(folder), "--judge", "jury", "--limit", "8", "--out", str(out))
    probe = ("eval", "judge-check", "probe", str(folder), "--judge", "jury", "--cases", "6")

    def obeys(prompt: str) -> str:
        fooled = "perfectly relevant" in prompt
        if "##final score" in prompt:
            return f"##final score: {3 if fooled else 0}"
        return "yes" if fooled else "no"

    with grading(obeys) as server:
        monkeypatch.setenv("FIRSTCITE__LLM__URL", server.url)
        done = firstcite(*jury, "--member", "graded", "--member", "two-step")
        assert done.code == 0, done.err
        file = str(out / "qrels" / "jury.json")
        done = firstcite(*probe, "--jury", file, "--out", str(tmp_path / "probed"))
        assert done.code == 0, done.err
        monkeypatch.setenv("FIRSTCITE__LLM__MODEL", "another-7b")
        other = firstcite(*probe, "--jury", file, "--out", str(tmp_path / "other"))
    probes = open_probes(tmp_path / "probed" / "probes.json")
    assert probes.judge == "jury"
    assert {each.name for each in probes.fooled if each.above_0} == {"instruction"}
    assert other.code == 2
    assert "graded of this jury is grader-7b, and another-7b would be asked" in other.err
    assert not (tmp_path / "other" / "probes.json").exists()


def test_who_is_no_jury_is_not_probed_as_one(
    firstcite: Firstcite, folder: Path, tmp_path: Path
) -> None:
    probe = ("eval", "judge-check", "probe", str(folder), "--out", str(tmp_path / "out"))
    done = firstcite(*probe, "--judge", "jury")
    assert done.code == 2
    assert "--judge jury and --jury FILE go together" in done.err


def test_the_same_seed_writes_the_same_files_which_hide_what_the_judge_said(
    firstcite: Firstcite, folder: Path, tmp_path: Path
) -> None:
    labels = judged(tmp_path)
    for name in ("one", "two"):
        sample(firstcite, folder, labels, tmp_path / name)
    for file in ("pairs.csv", "label.html", "sample.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    page = (tmp_path / "one" / "label.html").read_text(encoding="utf-8")
    assert "judge.jsonl" not in page
    assert len(read_sample(tmp_path / "one" / "sample.json").pairs) == 80
    assert QUERIES["q1"] in page
    assert CORPUS["d4"] in page or CORPUS["d5"] in page


def test_pairs_that_the_judge_failed_on_are_told(
    firstcite: Firstcite, folder: Path, tmp_path: Path
) -> None:
    labels = judged(tmp_path, lambda g: None if g == 1 else g)
    done = firstcite(
        *("eval", "judge-check", "sample", str(folder), "--judged", str(labels)),
        *("--out", str(tmp_path / "check")),
    )
    assert "left out: 36 pairs without a valid grade" in done.err
    qrels = str(folder / "qrels" / "test.tsv")
    text = report(firstcite, labels, tmp_path / "out", "--people", qrels)
    assert "36: the judge gave no valid grade" in text
    assert "it fails failures" in text


def refused(firstcite: Firstcite, *arguments: str) -> str:
    done = firstcite("eval", "judge-check", *arguments)
    assert done.code == 2
    return done.error


def test_what_cannot_be_used_is_one_line_that_names_it(
    firstcite: Firstcite, folder: Path, tmp_path: Path
) -> None:
    labels, out = judged(tmp_path), tmp_path / "check"
    sample(firstcite, folder, labels, out)
    ann, empty = label(out, "ann"), label(out, "empty", lambda _: "")
    wrong = label(out, "wrong", lambda g: str(g + 1))
    to = ("--judged", str(labels), "--out", str(out))

    def people(*files: Path) -> str:
        named = [word for file in files for word in ("--people", str(file))]
        return refused(firstcite, "report", *to, *named)

    qrels = folder / "qrels" / "test.tsv"
    (tmp_path / "ann.csv").write_bytes(ann.read_bytes())
    (tmp_path / "alone.csv").write_bytes(ann.read_bytes())
    assert "empty.csv grades no pair" in people(ann, empty)
    assert "'4' is no grade: 0 to 3, or empty for none" in people(wrong)
    assert "two files are named ann" in people(ann, tmp_path / "ann.csv")
    assert "takes CSV files or qrels, not both" in people(ann, qrels)
    assert "sample.json is missing" in people(tmp_path / "alone.csv")
    assert "none.csv cannot be read" in people(out / "none.csv")
    more = ("--people", str(ann), *to)
    assert "give --top 3" in refused(firstcite, "report", *more, "--top", "2")
    assert "--cut 4 parts no scale" in refused(firstcite, "report", *more, "--cut", "4")
    nowhere = str(tmp_path / "nowhere.json")
    assert "nowhere.json cannot be read" in refused(firstcite, "report", *more, "--probes", nowhere)
    missing = ("--judged", nowhere, "--out", str(out))
    assert "nowhere.json is missing" in refused(firstcite, "sample", str(folder), *missing)
    other = write_beir(tmp_path / "other")
    assert "lacks the texts of" in refused(firstcite, "sample", str(other), *to)
    asked = ("probe", str(folder), "--judge", "oracle", "--out", str(out))
    assert "there is no judge 'oracle'" in refused(firstcite, *asked)


def test_runs_are_ordered_by_people_and_judge(
    firstcite: Firstcite, folder: Path, tmp_path: Path
) -> None:
    runs = []
    for name, best in (("good", 1), ("bad", -1)):
        lines = [
            f"{q} Q0 {d} {rank} {10 - rank} {name}\n"
            for q, of in QRELS.items()
            for rank, d in enumerate(sorted(of, key=lambda d: -best * QRELS[q][d]), start=1)
        ]
        runs.append(tmp_path / f"{name}.trec")
        runs[-1].write_text("".join(lines), encoding="utf-8")
    options = [word for run in runs for word in ("--run", str(run))]
    qrels = str(folder / "qrels" / "test.tsv")
    text = report(firstcite, judged(tmp_path), tmp_path / "out", "--people", qrels, *options)
    assert "nDCG@10 over 36 queries" in text
    assert "| good | 1.0000 | 1.0000 |" in text


def test_it_works_on_files_of_this_machine_alone(firstcite: Firstcite, tmp_path: Path) -> None:
    done = firstcite(
        *("--server", "http://127.0.0.1:9", "eval", "judge-check", "report"),
        *("--people", "a.csv", "--judged", "b.jsonl", "--out", str(tmp_path)),
    )
    assert done.code == 2
    assert "eval judge-check report does not work with the server" in done.error
