"""Commands with `--server`: what they do there is what they do here, and they say it alike."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from api.app import create_app
from api.keys import Keyring
from rag.cli.remote.where import ASK, CANNOT
from rag.cli.root import cli
from rag.settings import Settings
from rag.wiring import build
from tests.api.served import Served, engine_of, fill, settings_over, wait_until_ready
from tests.cli.outcome import Firstcite, Outcome

QUESTION = "How long does the sample freezer stay cold?"
COLD = "The sample freezer stays cold for two days without power."


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings over a store that holds the documents; the commands have the same."""
    settings = settings_over(tmp_path / "store")
    fill(settings)
    monkeypatch.setenv("FIRSTCITE__STORE__PATH", settings.store.path)
    monkeypatch.setenv("FIRSTCITE__SERVER__COLLECTION", "handbook")
    return settings


@pytest.fixture
def server(settings: Settings) -> Iterator[str]:
    served = Served(create_app(settings, lambda: engine_of(settings)))
    wait_until_ready(served.client)
    yield str(served.client.base_url)
    served.stop()


def test_a_search_is_told_with_places_scores_and_stages(firstcite: Firstcite, server: str) -> None:
    outcome = firstcite("--server", server, "search", "freezer", "-k", "1", "--explain")
    assert (outcome.code, outcome.err) == (0, "")
    assert re.match(r"  1\. Freezer  \[[\d.]+; bm25 1, dense 1\]\n", outcome.out)
    assert "     /handbook/freezer.md, characters 0–77\n" in outcome.out
    assert re.search(r"ms  find, ok: ", outcome.out)
    found = firstcite(
        "--server", server, "search", "who", "--filter", '{"metadata.kind": "policy"}'
    )
    assert "Badge" in found.out
    assert "Freezer" not in found.out
    nobody = firstcite("--server", server, "search", "party", "--tenant", "lab", "--principal", "e")
    assert "Lab" in nobody.out
    assert "Party" not in nobody.out


def test_a_question_is_answered_streamed_and_verified(
    firstcite: Firstcite, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTCITE__CLIENT__URL", server)
    outcome = firstcite("ask", QUESTION)
    assert outcome.out == f"{COLD} [1]\n\n[1] Freezer, /handbook/freezer.md, characters 0–57\n"
    answer = json.loads(firstcite("ask", QUESTION, "--json").out)
    assert answer["answer"] == COLD
    events = [json.loads(line) for line in firstcite("ask", QUESTION, "--stream").out.splitlines()]
    assert [event["event"] for event in events] == [
        *("meta", "search_results", "delta", "citation", "final", "done")
    ]
    assert events[-2]["data"]["answer"] == COLD
    verified = firstcite("ask", QUESTION, "--verify")
    assert verified.code == 1
    assert "[1] freezer.md: the file has changed or is gone" in verified.err
    assert firstcite("--server", "", "keys", "list").code == 0  # here after all


def test_files_are_read_here_and_indexed_there(
    firstcite: Firstcite, server: str, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "snow.md").write_text("# Snow\n\nSnow melts.\n", "utf-8")
    rows = [
        {"_id": "ice", "text": "Ice floats.", "source": "a book", "year": 2020},
        {"text": "no id"},
        {"_id": "ice", "text": "Another."},
    ]
    (docs / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    there = ["--server", server]
    outcome = firstcite(*there, "index", str(docs), "-c", "new", "--report", "report.jsonl")
    assert outcome.code == 3
    assert re.match(
        r"new: 2 documents, 2 chunks in [\d.]+ s; 2 chunks encoded \([\d,]+ chunks/s\)\n"
        r"2 new, 0 changed, 0 unchanged; 2 inputs skipped\n$",
        outcome.out,
    )
    skipped = [line for line in outcome.err.splitlines() if line.startswith("skipped ")]
    assert [line.partition("rows.jsonl:")[2] for line in skipped] == [
        "2: no _id: every line needs one, a string or an integer",
        "3: duplicate id 'ice': the first one counts",
    ]
    report = [json.loads(line) for line in Path("report.jsonl").read_text("utf-8").splitlines()]
    assert [line.get("status") for line in report] == ["partial", "indexed", None]
    again = firstcite(*there, "index", str(docs), "-c", "new")
    assert "0 new, 0 changed, 2 unchanged" in again.out
    found = firstcite(*there, "search", "ice", "-c", "new", "-k", "1")
    assert f"{docs}/rows.jsonl:1, characters 0–11" in found.out.replace("docs/", f"{docs}/", 1)
    book = firstcite(
        *there, "search", "ice", "-c", "new", "--filter", '{"metadata.source": "a book"}'
    )
    assert "Ice floats." in book.out
    assert firstcite(*there, "ask", "What does ice do?", "-c", "new", "--verify").code == 0


def test_collections_are_told_as_they_are_here(firstcite: Firstcite, settings: Settings) -> None:
    commands = [
        *(["collections", "list"], ["collections", "list", "--json"]),
        *(["collections", "info", "handbook"], ["collections", "info", "handbook@1", "--json"]),
        *(
            ["collections", "count", "handbook"],
            ["collections", "count", "handbook", "--tenant", "lab"],
        ),
        ["collections", "count", "handbook", "--filter", '{"metadata.year": {"gte": 2021}}'],
        ["collections", "info", "nope"],
    ]
    here = [firstcite(*command) for command in commands]
    assert [outcome.code for outcome in here] == [0, 0, 0, 0, 0, 0, 0, 1]
    served = Served(create_app(settings, lambda: engine_of(settings)))
    try:
        wait_until_ready(served.client)
        url = str(served.client.base_url)
        assert [firstcite("--server", url, *command) for command in commands] == here
    finally:
        served.stop()


def test_a_collection_is_built_anew_and_dropped(firstcite: Firstcite, server: str) -> None:
    there = ["--server", server]
    outcome = firstcite(*there, "reindex")
    assert re.match(r"handbook: 5 documents, 5 chunks, 0 of them encoded, in ", outcome.out)
    assert "it is handbook@2 now\nhandbook@1 stays: firstcite collections drop" in outcome.out
    assert firstcite(*there, "collections", "drop", "handbook@1", "--yes").out == (
        "handbook@1: deleted\n"
    )
    again = firstcite(*there, "reindex", "--drop-old")
    assert again.out.endswith("it is handbook@3 now\nhandbook@2 is deleted\n")
    assert "freezer" in firstcite(*there, "search", "freezer", "-k", "1").out
    named = firstcite(*there, "collections", "alias", "live", "handbook")
    assert named.out == "live: stands for handbook@3\n"
    dropped = firstcite(*there, "collections", "drop", "live", "--yes")
    assert dropped.out == "the name live: deleted\n"
    dropped = firstcite(*there, "collections", "drop", "handbook", "--yes")
    assert dropped.out == "handbook@3: deleted\n"
    assert firstcite(*there, "search", "x").code == 1
    assert (
        firstcite(*there, "collections", "list").out == "no collection yet: firstcite index PATH\n"
    )


def test_lines_are_reranked(
    firstcite: Firstcite, server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    texts = ["fire", {"text": "ice", "id": "b"}]
    lines.write_text(json.dumps({"id": 7, "query": "ice", "documents": texts}) + "\n")
    with lines.open() as given:
        monkeypatch.setattr("sys.stdin", given)
        outcome = firstcite("--server", server, "rerank", "--method", "dense")
    told = json.loads(outcome.out)
    assert (outcome.code, told["id"], told["status"]) == (0, 7, "ok")
    assert [one["document_id"] for one in told["candidates"]] == ["b", "0"]


def test_doctor_says_how_the_server_is(firstcite: Firstcite, server: str) -> None:
    outcome = firstcite("--server", server, "doctor")
    assert outcome.code == 0
    assert f"ok      server     {server} is ready\n" in outcome.out
    assert "ok      encoder    hashed in fp32\n" in outcome.out
    assert re.search(r"^ok      search     fusion 'dbsf', ", outcome.out, re.MULTILINE)
    nobody = firstcite("--server", "http://127.0.0.1:9", "doctor")
    assert nobody.code == 1
    assert "MISSING server     http://127.0.0.1:9: no answer" in nobody.out


def test_the_key_is_that_of_the_settings_and_decides_the_tenant(
    firstcite: Firstcite, server: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = Keyring(Path(settings.server.keys)).add("mallory's", tenant="mallory")
    refused = firstcite("--server", server, "search", "freezer")
    assert refused.code == 1
    assert "the API key is missing" in refused.error
    monkeypatch.setenv("FIRSTCITE__CLIENT__KEY", key)
    found = firstcite("--server", server, "search", "freezer")
    assert "ice cream" in found.out
    assert "two days" not in found.out
    named = firstcite("--server", server, "search", "freezer", "--tenant", "default")
    assert "this key reaches the tenant 'mallory' alone" in named.error
    whole = firstcite("--server", server, "collections", "list")
    assert "this concerns every tenant" in whole.error
    told = firstcite("--server", server, "doctor")
    assert told.code == 0
    assert "not told to this key" in told.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["search", ""], 2, "query"),
        (["search", "x", "-k", "0"], 2, "k: "),
        (["search", "x", "--fusion", "best"], 2, "unknown fusion 'best'"),
        (["ask", "x", "--generator", "poet"], 2, "unknown generator 'poet'"),
        (["search", "x", "-c", "nope"], 1, "no collection 'nope'"),
        (["search", "x", "-c", "../x"], 2, "no collection name"),
        (["index", "nowhere"], 2, "nowhere does not exist"),
    ],
)
def test_what_is_refused_ends_as_it_does_here(
    firstcite: Firstcite, server: str, arguments: list[str], code: int, said: str
) -> None:
    outcome = firstcite("--server", server, *arguments)
    assert outcome.code == code
    assert said in outcome.err
    assert outcome.out == ""


def test_a_server_that_is_not_there_is_one_line(firstcite: Firstcite) -> None:
    outcome = firstcite("--server", "http://127.0.0.1:9", "search", "x")
    assert outcome.code == 1
    assert "no answer from http://127.0.0.1:9" in outcome.error


def commands(group: click.Group = cli, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_of_every_command_it_is_known_whether_it_asks_a_server(firstcite: Firstcite) -> None:
    assert firstcite("--version").code == 0  # loads every command
    assert set(commands()) == ASK | CANNOT.keys()
    assert not ASK & CANNOT.keys()


ARGUMENTS = {
    "migrate": ["--from", "a", "--to", "b"],
    "collections snapshot": ["x", "y"],
    "collections restore": ["y", "x"],
    "collections verify": ["x"],
    "route train": [__file__],
    "calibrate": [__file__],
    "keys add": ["x"],
    "keys revoke": ["x"],
    "eval answers": [".", "--out", "out"],
    "eval judge": [".", "--judge", "graded", "--out", "out"],
    "eval run": [__file__, "--out", "out"],
    "eval judge-check sample": [".", "--judged", __file__, "--out", "out"],
    "eval judge-check probe": [".", "--judge", "graded", "--out", "out"],
    "eval judge-check report": ["--people", __file__, "--judged", __file__, "--out", "out"],
    "eval compare-answers": [".", ".", "--out", "out"],
    "eval report": ["."],
    "eval compare": [__file__, __file__],
    "eval gate": [__file__, __file__],
    "eval tune": [__file__, "--out", "out"],
    **{
        f"train {name}": [".", "--out", "out"]
        for name in (
            *("data qrels", "data structure", "data synthetic", "data descriptions"),
            *("data rewrites", "data teacher"),
            *("retriever", "ranker", "first", "distill", "rewriter"),
        )
    },
    "models fetch": ["embedded"],
    "models export": ["embedded"],
    "models check": ["embedded"],
}


@pytest.mark.parametrize("command", CANNOT)
def test_a_command_that_cannot_be_done_there_says_why(firstcite: Firstcite, command: str) -> None:
    words = [*command.split(), *ARGUMENTS.get(command, [])]
    outcome = firstcite("--server", "http://127.0.0.1:9", *words)
    assert outcome.code == 2
    assert f"{command} does not work with the server http://127.0.0.1:9: " in outcome.err
    assert "run it" in outcome.err or "name them" in outcome.err


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["index", ".", "--prune"], "--prune"),
        (["index", ".", "--dry-run"], "--dry-run"),
        (["index", ".", "--engine", "ray"], "--engine"),
        (["rerank", "--depth", "3"], "--depth"),
        (["mcp", "--http"], "--http"),
    ],
)
def test_an_option_that_means_nothing_there_is_refused(
    firstcite: Firstcite, words: list[str], option: str
) -> None:
    outcome = firstcite("--server", "http://127.0.0.1:9", *words)
    assert outcome.code == 2
    assert f"{option} does not work with the server" in outcome.err


def without_times(outcome: Outcome) -> Outcome:
    out = re.sub(r'("ms": ?)[\d.e-]+', r"\1…", outcome.out)
    out = re.sub(r'("request_id": ?)"\w*"', r"\1…", out)
    out = re.sub(r"^ *[\d.]+ ms", "… ms", out, flags=re.MULTILINE)
    out = re.sub(r"in [\d.]+ s", "in … s", out)
    return Outcome(outcome.code, re.sub(r"\([\d,]+ chunks/s\)", "(…)", out), outcome.err)


@pytest.mark.model
def test_every_command_says_there_what_it_says_here(firstcite: Firstcite, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "freezer.md").write_text(f"# Freezer\n\n{COLD} Keep its door shut.\n", "utf-8")
    (docs / "badge.txt").write_text("Badges\n\nA lost badge is reported at the desk.\n", "utf-8")
    (docs / "bad.jsonl").write_text("{broken\n", "utf-8")
    (tmp_path / "said.jsonl").write_text('{"role": "user", "content": "Hello."}\n')
    commands = [
        *(["search", "cold freezer"], ["search", "badge", "--json"], ["search", "x", "--explain"]),
        ["search", "lost", "--branch", "bm25", "--filter", '{"document_id": "docs/badge.txt"}'],
        ["search", "cold", "--preset", "fast", "--history", "said.jsonl", "--fusion", "rrf"],
        *(["ask", QUESTION], ["ask", QUESTION, "--json"], ["ask", QUESTION, "--stream"]),
        *(["ask", QUESTION, "--verify", "--explain"], ["ask", "Where is Mars?"]),
        *(["search", "x", "-c", "nope"], ["search", "x", "--filter", "{"]),
        ["search", "x", "--as-of", "never"],
    ]
    first = firstcite("index", "docs")
    here = [firstcite(*command) for command in commands]
    settings = Settings()
    served = Served(create_app(settings, lambda: build(settings)))
    try:
        wait_until_ready(served.client)
        there = ["--server", str(served.client.base_url)]
        for command, local in zip(commands, here, strict=True):
            remote = firstcite(*there, *command)
            assert without_times(remote) == without_times(local), command
        sent = firstcite(*there, "index", "docs", "-c", "other")
        expected = without_times(first)
        assert without_times(sent)[:2] == (3, expected.out.replace("default", "other", 1))
        assert [li for li in sent.err.splitlines() if "skipped" in li] == [
            li for li in first.err.splitlines() if "skipped" in li
        ]
        rows = [
            firstcite(*there, "search", "cold", *c, "--json").out for c in ([], ["-c", "other"])
        ]
        first_rows, second_rows = (json.loads(row)["results"] for row in rows)
        assert first_rows == second_rows
    finally:
        served.stop()


def test_the_option_after_the_command_is_told_its_place(firstcite: Firstcite) -> None:
    outcome = firstcite("ask", "--server", "http://127.0.0.1:1", QUESTION)
    assert outcome.code == 2
    assert outcome.err.endswith("--server stands before the command: firstcite --server …\n")
