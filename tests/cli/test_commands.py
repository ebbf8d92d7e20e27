"""The commands with the packaged encoder, on a small folder with good and bad files."""

import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import httpx
import msgspec
import pytest
import pytrec_eval

from eval.experiments.record import open_record
from tests.cli.outcome import Firstcite, Outcome
from tests.eval.tiny import QRELS, write_beir

pytestmark = pytest.mark.model

FILES: dict[str, bytes] = {
    "freezer.md": (
        "# Sample freezer 🧊\n\nThe sample freezer stays cold for two days without power. "
        "Keep its door shut meanwhile.\n"
    ).encode(),
    "badge.txt": b"Lost badges\n\nA lost badge is reported at the front desk on the same day.\n",
    "staff.jsonl": (
        b'{"_id": "ada", "title": "Ada", "text": "Ada runs the print shop.", "year": 2020}\n'
        b"{broken\n"
        b'{"_id": "bob", "text": "Bob waters the plants on the roof.", "year": 2024}\n'
        b'{"title": "nobody"}\n'
        b'{"_id": "ada", "text": "Another Ada."}\n'
    ),
    "empty.md": b"",
    "image.txt": b"\x89PNG\r\n\x1a\n\0\0\0",
    "latin.txt": "Café ".encode() + b"Caf\xe9 opens at nine.\n",
    "ignored.xyz": b"not a format that is known",
}
QUESTION = "How long does the sample freezer stay cold without power?"
TRACEBACK = "Traceback"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with docs/."""
    home = tmp_path_factory.mktemp("home")
    (home / "docs").mkdir()
    for name, data in FILES.items():
        (home / "docs" / name).write_bytes(data)
    return home


@pytest.fixture(scope="module")
def indexed(home: Path, script: Path) -> Outcome:
    """What `firstcite index docs` did there."""
    done = subprocess.run([script, "index", "docs"], cwd=home, capture_output=True, text=True)
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def at_home(home: Path, indexed: Outcome, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, indexed, as the current one."""
    del indexed
    monkeypatch.chdir(home)
    return home


def value(outcome: Outcome) -> dict[str, Any]:
    assert (outcome.code, outcome.err) == (0, "")
    decoded: dict[str, Any] = json.loads(outcome.out)
    return decoded


def text_of(source: str) -> str:
    """Return the text of a file as the documents mean it."""
    return Path(source).read_bytes().decode("utf-8-sig")


def test_indexing_reports_what_was_skipped_by_file_and_line_and_keeps_the_rest(
    home: Path, indexed: Outcome
) -> None:
    assert indexed.code == 3
    assert re.match(
        r"default: 4 documents, 4 chunks in [\d.]+ s; 4 chunks encoded \([\d,]+ chunks/s\)\n"
        r"4 new, 0 changed, 0 unchanged; 6 inputs skipped\n$",
        indexed.out,
    )
    skipped = [line for line in indexed.err.splitlines() if line.startswith("skipped ")]
    docs = home / "docs"
    assert [line.removeprefix(f"skipped {docs}/").split(": ")[0] for line in skipped] == [
        "empty.md",
        "image.txt:3",
        "latin.txt:1",
        "staff.jsonl:2",
        "staff.jsonl:4",
        "staff.jsonl:5",
    ]
    assert "encoding chunks: 4 of 4" in indexed.err
    assert TRACEBACK not in indexed.err


@pytest.mark.usefixtures("at_home")
def test_indexing_again_changes_nothing(firstcite: Firstcite) -> None:
    before = value(firstcite("search", "badge", "--json"))["results"]
    outcome = firstcite("index", "docs")
    assert outcome.code == 3
    assert "4 documents, 4 chunks" in outcome.out
    assert "0 chunks encoded" in outcome.out
    assert "0 new, 0 changed, 4 unchanged; 6 inputs skipped" in outcome.out
    assert value(firstcite("search", "badge", "--json"))["results"] == before


@pytest.mark.usefixtures("at_home")
def test_search_shows_the_place_of_every_chunk(firstcite: Firstcite) -> None:
    outcome = firstcite("search", "lost badge", "-k", "2")
    assert (outcome.code, outcome.err) == (0, "")
    first, second = re.findall(r"^ +(\d)\. (\S.*?)  \[[\d.]+; .*\]$", outcome.out, re.MULTILINE)
    assert first == ("1", "Lost badges")
    assert second[0] == "2"
    assert re.search(r"^ +docs/badge\.txt, characters 0–\d+$", outcome.out, re.MULTILINE)


@pytest.mark.usefixtures("at_home")
def test_search_as_json_gives_spans_that_hold_in_the_files(firstcite: Firstcite) -> None:
    found = value(firstcite("search", "cold freezer", "--json"))["results"]
    assert found[0]["document_id"] == "docs/freezer.md"
    assert found[0]["ranks"] == {"bm25": 1, "dense": 1}
    for result in found:
        if not result["source"].partition(".jsonl")[1]:
            span, text = result["span"], text_of(result["source"])
            assert text[span["start"] : span["end"]] == result["text"]


@pytest.mark.usefixtures("at_home")
def test_a_filter_and_a_branch_narrow_the_search(firstcite: Firstcite) -> None:
    wanted = '{"metadata.year": {"gte": 2021}}'
    found = value(firstcite("search", "who", "--filter", wanted, "--branch", "dense", "--json"))
    assert [one["document_id"] for one in found["results"]] == ["bob"]


@pytest.mark.usefixtures("at_home")
def test_nothing_found_is_said(firstcite: Firstcite) -> None:
    outcome = firstcite("search", "zyzzyva", "--branch", "bm25")
    assert (outcome.code, outcome.out) == (0, "nothing found\n")


@pytest.mark.usefixtures("at_home")
def test_ask_answers_with_numbered_sources(firstcite: Firstcite) -> None:
    outcome = firstcite("ask", QUESTION)
    assert (outcome.code, outcome.err) == (0, "")
    sentence = "The sample freezer stays cold for two days without power."
    start = text_of("docs/freezer.md").index(sentence)
    assert outcome.out.startswith(f"{sentence} [1]")
    assert "\n[1] Sample freezer 🧊, docs/freezer.md, characters " in outcome.out
    assert f"{start}–{start + len(sentence)}" in outcome.out


@pytest.mark.usefixtures("at_home")
def test_ask_as_json_cites_verbatim(firstcite: Firstcite) -> None:
    answer = value(firstcite("ask", QUESTION, "--json"))
    sources = {reference["ref"]: reference["source"] for reference in answer["references"]}
    citations = [c for sentence in answer["sentences"] for c in sentence["citations"]]
    assert citations
    for citation in citations:
        span, text = citation["span"], text_of(sources[citation["ref"]])
        assert text[span["start"] : span["end"]] == citation["quote"]
    for sentence in answer["sentences"]:
        span = sentence["span"]
        assert answer["answer"][span["start"] : span["end"]] == sentence["text"]


@pytest.mark.usefixtures("at_home")
def test_ask_abstains_with_a_reason(firstcite: Firstcite) -> None:
    outcome = firstcite("ask", "What is the boiling point of tungsten on Venus?")
    assert outcome.code == 0
    assert outcome.out.startswith("No answer: no sentence of the ")


def test_ask_verify_looks_every_quote_up(at_home: Path, firstcite: Firstcite) -> None:
    outcome = firstcite("ask", QUESTION, "--verify")
    assert outcome.code == 0
    assert "[1] docs/freezer.md: every quote stands in the file\n" in outcome.err
    file = at_home / "docs" / "freezer.md"
    try:
        file.write_bytes(FILES["freezer.md"].replace(b"two", b"six"))
        changed = firstcite("ask", QUESTION, "--verify")
    finally:
        file.write_bytes(FILES["freezer.md"])
    assert changed.code == 1
    assert "[1] docs/freezer.md: the file has changed or is gone\n" in changed.err


@pytest.mark.usefixtures("at_home")
def test_tenants_are_apart(firstcite: Firstcite, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("The vault opens with the number nineteen.\n", encoding="utf-8")
    outcome = firstcite("index", str(secret), "--tenant", "mallory", "-c", "shared")
    assert outcome.code == 0
    assert firstcite("search", "vault number", "-c", "shared").out == "nothing found\n"
    theirs = firstcite(
        "ask", "Which number opens the vault?", "-c", "shared", "--tenant", "mallory"
    )
    assert "nineteen" in theirs.out


@pytest.mark.usefixtures("at_home")
def test_who_asks_sees_what_is_open_and_what_names_them(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    rows = [
        {"_id": "open", "text": "The party room is open to all."},
        {"_id": "ada's", "text": "The surprise party is on Friday.", "principals": ["ada", "bob"]},
        {"_id": "nobody's", "text": "The party hats.", "principals": []},
    ]
    (tmp_path / "party.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    indexed = firstcite("index", str(tmp_path / "party.jsonl"), "-c", "party")
    assert indexed.code == 3
    assert "party.jsonl:3: metadata.principals must be a name or a list of names" in indexed.err
    (tmp_path / "said.jsonl").write_text('{"role": "user", "content": "Hello."}\n')
    asked = ["-c", "party", "--preset", "fast", "--history", str(tmp_path / "said.jsonl")]

    def found(*names: str) -> set[str]:
        more = [part for name in names for part in ("--principal", name)]
        results = value(firstcite("search", "surprise party", *asked, "--json", *more))
        return {one["document_id"] for one in results["results"]}

    assert found() == found("ada") == found("eve", "bob") == {"open", "ada's"}
    assert found("eve") == {"open"}
    question = ["ask", "When is the surprise party?", *asked, "--principal"]
    assert "Friday" in firstcite(*question, "bob").out
    assert "Friday" not in firstcite(*question, "eve").out


def test_a_collection_that_does_not_exist_names_the_command(
    at_home: Path, firstcite: Firstcite
) -> None:
    for command in ("search", "ask"):
        outcome = firstcite(command, "x", "-c", "nope")
        assert outcome.code == 1
        assert "firstcite index PATH --collection nope" in outcome.error
    assert not (at_home / ".firstcite" / "nope").exists()


@pytest.mark.usefixtures("at_home")
def test_an_impossible_collection_name_is_bad_input(firstcite: Firstcite) -> None:
    for arguments in (["search", "x"], ["index", "docs"]):
        outcome = firstcite(*arguments, "-c", "../x")
        assert outcome.code == 2
        assert "no collection name" in outcome.err
        assert TRACEBACK not in outcome.err


def test_a_collection_of_another_encoder_is_refused_with_the_remedy(
    at_home: Path, firstcite: Firstcite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(at_home / ".firstcite", tmp_path / "store")
    file = tmp_path / "store" / "default@1" / "collection.json"
    spec = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**spec, "encoder_fingerprint": "other@1"}), encoding="utf-8")
    monkeypatch.setenv("FIRSTCITE__STORE__PATH", str(tmp_path / "store"))
    for arguments in (["search", "x"], ["ask", "x"], ["index", str(at_home / "docs/badge.txt")]):
        outcome = firstcite(*arguments)
        assert outcome.code == 1
        for part in ("other@1", "encoder.model", "firstcite reindex"):
            assert part in outcome.err
        assert TRACEBACK not in outcome.err


@pytest.mark.usefixtures("at_home")
def test_a_collection_of_other_bm25_settings_is_refused_with_the_remedy(
    firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTCITE__SPARSE__K1", "2")
    outcome = firstcite("search", "x")
    assert outcome.code == 1
    assert "set the sparse section back" in outcome.error


def test_a_model_that_is_missing_is_one_line_with_the_remedy(
    at_home: Path, firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTCITE__ENCODER__MODEL", str(at_home / "no-model"))
    outcome = firstcite("search", "x")
    assert outcome.code == 1
    assert "no-model" in outcome.error
    assert "encoder.model" in outcome.error


@pytest.mark.usefixtures("at_home")
def test_doctor_says_what_is_in_effect_and_why(firstcite: Firstcite) -> None:
    outcome = firstcite("doctor")
    lines = outcome.out.splitlines()
    assert outcome.code == (1 if any(line.startswith("MISSING") for line in lines) else 0)
    text = "\n".join(lines)
    assert re.search(r"^ok +encoder +all-MiniLM-L6-v2, 384 dimensions", text, re.MULTILINE)
    assert re.search(r"^ok +precision +(bf16|fp32) on torch: ", text, re.MULTILINE)
    assert re.search(r"^ok +store .*collections: default", text, re.MULTILINE)


def test_doctor_names_the_command_that_installs_what_is_missing(
    at_home: Path, firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTCITE__ENCODER__MODEL", str(at_home / "no-model"))
    monkeypatch.setenv("FIRSTCITE__STORE__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FIRSTCITE__STORE__GRPC", "false")
    monkeypatch.setenv("FIRSTCITE__LLM__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FIRSTCITE__LLM__RETRIES", "0")
    monkeypatch.setenv("FIRSTCITE__LLM__CACHE", str(at_home))
    outcome = firstcite("doctor")
    assert outcome.code == 1
    assert re.search(r"^MISSING encoder .*encoder\.model", outcome.out, re.MULTILINE)
    assert re.search(r"^MISSING store .*http://127\.0\.0\.1:9", outcome.out, re.MULTILINE)
    assert re.search(r"^MISSING llm .*127\.0\.0\.1:9.*llm\.url", outcome.out, re.MULTILINE)
    assert TRACEBACK not in outcome.err


def test_an_evaluation_writes_runs_that_score_what_the_report_says(
    tmp_path: Path, firstcite: Firstcite
) -> None:
    folder, out = write_beir(tmp_path / "tiny"), tmp_path / "report"
    outcome = firstcite("eval", "run", str(folder), "--out", str(out))
    assert outcome.code == 0
    assert outcome.out.startswith("# tiny\n")
    assert {"report.html", "report.json", "report.md"} <= {file.name for file in out.iterdir()}
    record, report = open_record(out), json.loads((out / "report.json").read_text("utf-8"))
    assert [system["name"] for system in report["collections"][0]["systems"]] == [
        "bm25",
        "dense",
        "fused",
    ]
    relevant = [query_id for query_id, grades in QRELS.items() if max(grades.values()) > 0]
    for system in report["collections"][0]["systems"]:
        with gzip.open(record.run("tiny", system["name"]), "rt", encoding="utf-8") as lines:
            run = pytrec_eval.parse_run(line for line in lines if line[0] != "#")
        measures = {"ndcg_cut.10", "recall.100", "map"}
        scores = pytrec_eval.RelevanceEvaluator(QRELS, measures).evaluate(run)
        for ours, theirs in (("nDCG@10", "ndcg_cut_10"), ("R@100", "recall_100"), ("AP", "map")):
            values = [scores.get(query_id, {}).get(theirs, 0.0) for query_id in relevant]
            mean = system["means"][ours]["mean"]
            assert mean == pytest.approx(sum(values) / len(values), abs=1e-6)
    for name in ("report.json", "report.html", "report.md", "experiment.json"):
        assert str(tmp_path) not in (out / name).read_text(encoding="utf-8")


def test_evaluation_says_by_its_exit_code_that_documents_were_skipped(
    tmp_path: Path, firstcite: Firstcite
) -> None:
    folder, out = write_beir(tmp_path / "tiny"), tmp_path / "report"
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    options = ["--system", "dense", "--splitter", "recursive", "--out", str(out)]
    outcome = firstcite("eval", "run", str(folder), *options)
    assert outcome.code == 3
    assert "corpus.jsonl:5: not JSON" in outcome.err
    experiment = open_record(out).experiment
    assert [system.name for system in experiment.systems] == ["dense"]
    assert "recursive/192" in msgspec.json.encode(experiment.provenance).decode()


def test_options_of_a_folder_are_refused_for_a_file(tmp_path: Path, firstcite: Firstcite) -> None:
    file = tmp_path / "experiment.toml"
    file.write_text("", encoding="utf-8")
    outcome = firstcite("eval", "run", str(file), "--out", "out", "--system", "bm25")
    assert outcome.code == 2
    assert "are for folders: write them into" in outcome.error
    other = firstcite("eval", "run", str(tmp_path), "--out", "out", "--collections", str(tmp_path))
    assert other.code == 2
    assert "--collections is for files" in other.error


def wait_for(stream: IO[str], said: str) -> list[str]:
    """Read lines until one says it; the process must not end before."""
    lines = []
    for line in stream:
        lines.append(line)
        if said in line:
            return lines
    raise AssertionError("".join(lines))


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """More documents than an encoder takes in one go."""
    folder = tmp_path / "many"
    folder.mkdir()
    with (folder / "many.jsonl").open("w", encoding="utf-8") as file:
        for i in range(1_500):
            text = f"Document {i} tells of freezer {i % 91} and of badge {i % 97}."
            file.write(json.dumps({"_id": f"d{i}", "text": text}) + "\n")
    return folder


# The process signals itself: a signal of another one may come when everything is encoded.
INTERRUPTED = """
import io, os, signal, sys, threading
from rag.__main__ import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored

class Watched(io.TextIOWrapper):
    def write(self, text):
        if "encoding chunks" in text:
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        return super().write(text)

sys.stderr = Watched(sys.stderr.buffer, encoding="utf-8", line_buffering=True)
main()
"""


def test_an_interrupted_run_ends_with_130_and_a_later_one_completes_it(
    many: Path, tmp_path: Path, firstcite: Firstcite
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, "index", str(many)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    out, err = done.stdout, done.stderr
    assert done.returncode == 130
    assert out == ""
    assert "encoding chunks" in err
    assert err.strip().splitlines()[-1].startswith("interrupted; ")
    assert TRACEBACK not in err
    outcome = firstcite("index", str(many))
    assert outcome.code == 0
    assert "1,500 documents, 1,500 chunks" in outcome.out
    found = value(firstcite("search", "Document 1499", "--branch", "bm25", "--json"))
    assert found["results"][0]["document_id"] == "d1499"


@pytest.fixture
def served(at_home: Path, script: Path) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client]]:
    """A real server on a free port, ready, and a client of it."""
    running = subprocess.Popen(
        [script, "serve", "--port", "0"], cwd=at_home, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    lines = wait_for(running.stderr, "Uvicorn running on ")
    found = re.search(r"http://127\.0\.0\.1:\d+", lines[-1])
    assert found
    client = httpx.Client(base_url=found[0], timeout=30)
    deadline = time.monotonic() + 120
    while client.get("/ready").status_code == 503:
        assert client.get("/health").status_code == 200
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield running, client
    client.close()
    running.kill()
    running.wait(60)
    running.stderr.close()


@pytest.mark.usefixtures("at_home")
def test_a_server_answers_holds_its_store_and_ends_with_0_on_sigterm(
    served: tuple["subprocess.Popen[str]", httpx.Client], firstcite: Firstcite
) -> None:
    running, client = served
    ready = client.get("/ready").json()
    assert (ready["status"], ready["encoder"]) == ("ready", "all-MiniLM-L6-v2")
    answer = client.post("/v1/answer", json={"query": QUESTION}).json()
    assert answer["answer"].startswith("The sample freezer stays cold for two days")
    span = answer["sentences"][0]["citations"][0]["span"]
    quote = answer["sentences"][0]["citations"][0]["quote"]
    assert text_of("docs/freezer.md")[span["start"] : span["end"]] == quote

    locked = firstcite("search", "freezer")
    assert locked.code == 1
    assert "open in another process" in locked.error

    running.send_signal(signal.SIGTERM)
    assert running.stderr is not None
    rest = running.stderr.read()
    assert running.wait(60) == 0
    assert TRACEBACK not in rest
    assert "warning" not in rest
    assert firstcite("search", "freezer", "-k", "1").code == 0, "the store is free again"


def test_a_server_without_its_model_says_that_it_has_no_keys_and_ends_with_1(
    at_home: Path, script: Path
) -> None:
    environment = {**os.environ, "FIRSTCITE__ENCODER__MODEL": str(at_home / "no-model")}
    done = subprocess.run(
        [script, "serve", "--port", "0"],
        cwd=at_home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("no API keys: ")
    assert "\nfirstcite: cannot load the encoder " in done.stderr
    assert "no-model" in done.stderr
    assert TRACEBACK not in done.stderr


def test_a_port_in_use_is_exit_code_1(script: Path, at_home: Path) -> None:
    environment = {**os.environ, "FIRSTCITE__ENCODER__MODEL": str(at_home / "no-model")}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [script, "serve", "--port", port],
            cwd=at_home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert TRACEBACK not in done.stderr
