"""Wrong usage and bad settings: exit code 2 and one line, before anything is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

from rag.__main__ import COMMANDS
from tests.cli.outcome import Firstcite

GROUP = (
    "index",
    "reindex",
    "collections",
    "search",
    "ask",
    "serve",
    "mcp",
    "eval",
    "doctor",
    "models",
    "route",
)


def test_help_names_every_command(firstcite: Firstcite) -> None:
    for flag in ("--help", "-h"):
        outcome = firstcite(flag)
        assert (outcome.code, outcome.err) == (0, "")
        assert all(f"  {command}" in outcome.out for command in GROUP)


@pytest.mark.parametrize(
    "command",
    [
        *GROUP,
        *("eval run", "eval answers", "models fetch", "models export", "models check"),
        "eval compare-answers",
        "route train",
        *(f"collections {name}" for name in ("list", "info", "count", "drop", "verify")),
        *("collections snapshot", "collections restore"),
    ],
)
def test_every_command_explains_itself(firstcite: Firstcite, command: str) -> None:
    outcome = firstcite(*command.split(), "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: firstcite {command}")


def test_the_version_is_the_installed_one(firstcite: Firstcite) -> None:
    assert firstcite("--version").out.startswith("firstcite, version ")


def test_help_imports_no_model_library() -> None:
    code = (
        "import sys; sys.argv = ['firstcite', '--help']\n"
        "from rag.__main__ import main\n"
        "main()\n"
        "heavy = {'torch', 'transformers', 'haystack', 'qdrant_client', 'litestar', 'pydantic'}\n"
        "print('imported', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("imported []\n")


def test_the_console_script_is_python_dash_m_rag(version: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rag", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == version


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serch", "x"],
        ["search"],
        ["search", "a", "b"],
        ["search", "x", "-k", "ten"],
        ["search", "x", "--limit", "3"],
        ["ask"],
        ["index"],
        ["index", "/no/such/place"],
        ["serve", "--port", "70000"],
        ["serve", "--port", "-1"],
        ["eval"],
        ["eval", "run", "/no/such/place", "--out", "x"],
        ["eval", "run", "."],
        ["eval", "run", ".", "--out", "x", "--splitter", "chapters"],
        ["eval", "answers", "/no/such/place", "--out", "x"],
        ["eval", "answers", "."],
        ["eval", "answers", ".", "--out", "x", "--queries", "0"],
        ["eval", "answers", ".", "--out", "x", "--judge", "somebody"],
        ["eval", "compare-answers", "a", "--out", "x"],
    ],
)
def test_wrong_usage_is_exit_code_2_with_the_usage(
    firstcite: Firstcite, arguments: list[str]
) -> None:
    outcome = firstcite(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("Usage: firstcite")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["serve", "--workers", "2"], "can open the embedded store: set store.url"),
        (["search", ""], "the query is empty"),
        (["search", " \t "], "the query is empty"),
        (["ask", ""], "the query is empty"),
        (["search", "x" * 20_001], "20,001 characters"),
        (["search", "\udcff"], "Unicode"),
        (["search", "x", "-k", "0"], "k is 0: ask for 1 to 1000 results"),
        (["search", "x", "-k", "-3"], "k is -3"),
        (["search", "x", "-k", "1001"], "k is 1001"),
        (["ask", "x", "-k", "0"], "k is 0"),
        (["search", "x", "--branch", "sparse"], "Known: bm25, dense"),
        (["search", "x", "--fusion", "sum"], "Known: rrf, dbsf, convex"),
        (["search", "x", "--filter", "metadata.year=2020"], "--filter is not JSON"),
        (["search", "x", "--filter", ""], "--filter is not JSON"),
        (["search", "x", "--filter", "[" * 100_000], "--filter is not JSON"),
        (["search", "x", "--filter", "9" * 5_000], "--filter is not JSON"),
        (["search", "x", "--filter", "[]"], "a filter is an object"),
        (["search", "x", "--filter", '{"year": 2020}'], "unknown filter field 'year'"),
        (["search", "x", "--filter", '{"metadata.y": {"near": 1}}'], "operator 'near'"),
        (["search", "x", "--filter", '{"metadata.y": NaN}'], "finite numbers"),
        (["search", "x", "--filter", '{"metadata.y": 1e999}'], "finite numbers"),
        (["search", "x", "--filter", '{"metadata.y": "\\ud800"}'], "valid Unicode"),
        (["ask", "x", "--filter", "{"], "--filter is not JSON"),
        (["search", "x", "--principal", ""], "no principal"),
        (["search", "x", "--as-of", "last May"], "give a date of ISO 8601, such as 2024-05-01"),
        (["ask", "x", "--principal", "ada", "--principal", " "], "no principal"),
    ],
)
def test_a_query_that_cannot_be_used_is_one_line_naming_the_remedy(
    firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch, arguments: list[str], named: str
) -> None:
    # Were a model loaded before the query is looked at, its absence would be the error.
    monkeypatch.setenv("FIRSTCITE__ENCODER__MODEL", "/no/such/model")
    outcome = firstcite(*arguments)
    assert outcome.code == 2
    assert outcome.error.startswith("firstcite: ")
    assert named in outcome.error


ANY = ["search", "x"]


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("FIRSTCITE__STORE__PTH", "x", ["pth", "store.path"]),
        ("FIRSTCITE__STOR__PATH", "x", ["stor", "store"]),
        ("FIRSTCITE__STORE", "x", ["FIRSTCITE__STORE", "SECTION__KEY"]),
        ("FIRSTCITE__SEARCH__FUSION", "sum", ["search.fusion", "sum"]),
        ("FIRSTCITE__SEARCH__DEPTH", "0", ["search.depth", ">= 1"]),
        ("FIRSTCITE__SERVER__PORT", "http", ["server.port"]),
    ],
)
def test_an_unknown_or_impossible_setting_is_one_line(
    firstcite: Firstcite,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    named: list[str],
) -> None:
    monkeypatch.setenv(variable, value)
    outcome = firstcite(*ANY)
    assert outcome.code == 2
    for part in named:
        assert part in outcome.error


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[store]\npth = 'x'\n", "pth"),
        ("[stroe]\n", "stroe"),
        ("path = 'x'\n", "outside a section"),
        ("[store\n", "not a TOML file"),
    ],
)
def test_a_bad_settings_file_is_one_line(firstcite: Firstcite, text: str, named: str) -> None:
    Path("firstcite.toml").write_text(text, encoding="utf-8")
    outcome = firstcite(*ANY)
    assert outcome.code == 2
    assert named in outcome.error


def test_a_settings_file_that_is_named_must_exist(firstcite: Firstcite) -> None:
    outcome = firstcite("--settings", "missing.toml", *ANY)
    assert outcome.code == 2
    assert "missing.toml" in outcome.error


def test_an_error_with_line_breaks_in_it_is_one_line_all_the_same(firstcite: Firstcite) -> None:
    outcome = firstcite("--settings", "no\n  such.toml", *ANY)
    assert outcome.code == 2
    assert outcome.error.startswith("firstcite: no such.toml: ")


def test_a_key_is_not_printed_with_the_setting_that_is_wrong(
    firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTCITE__STORE__API_KEY", "hunter2")
    monkeypatch.setenv("FIRSTCITE__STORE__TIMEOUT_S", "-1")
    assert "hunter2" not in firstcite(*ANY).error


def beir(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d", "text": "x"}\n', encoding="utf-8")
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "x"}\n', encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("q\td\t1\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--split", "dev"], "dev.tsv is missing. Splits here: test"),
        (["--system", "bm52"], "unknown system 'bm52'. Known: bm25, dense, fused"),
    ],
)
def test_an_unknown_split_or_system_is_one_line_before_anything_is_loaded(
    firstcite: Firstcite, tmp_path: Path, options: list[str], named: str
) -> None:
    folder = beir(tmp_path / "tiny")
    outcome = firstcite("eval", "run", str(folder), "--out", "report", *options)
    assert outcome.code == 2
    assert named in outcome.error


@pytest.mark.parametrize("what", ["run", "answers"])
def test_a_folder_that_is_no_collection_is_one_line(
    firstcite: Firstcite, tmp_path: Path, what: str
) -> None:
    outcome = firstcite("eval", what, str(tmp_path), "--out", "report")
    assert outcome.code == 2
    assert "needs corpus.jsonl" in outcome.error


def test_queries_that_cannot_be_asked_are_one_line_before_anything_is_loaded(
    firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FIRSTCITE__ENCODER__MODEL", "/no/such/model")
    folder = beir(tmp_path / "tiny")
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": 7}\n', encoding="utf-8")
    outcome = firstcite("eval", "answers", str(folder), "--out", "report")
    assert outcome.code == 2
    assert "queries.jsonl:1: no query: " in outcome.error
    assert "wanted is a line per query" in outcome.error


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_measured(
    firstcite: Firstcite, tmp_path: Path
) -> None:
    folder = beir(tmp_path / "tiny")
    taken = tmp_path / "file"
    taken.write_text("", encoding="utf-8")
    outcome = firstcite("eval", "run", str(folder), "--out", str(taken))
    assert outcome.code == 2
    assert "is a file" in outcome.err
    below = firstcite("eval", "run", str(folder), "--out", str(taken / "report"))
    assert below.code == 1
    assert str(taken / "report") in below.error


def test_every_command_module_is_loaded_by_the_entry_point() -> None:
    folder = Path(__file__).parents[2] / "rag" / "cli"
    modules = {f.stem for f in folder.glob("*.py") if "@cli" in f.read_text(encoding="utf-8")}
    assert modules - {"root"} == set(COMMANDS)


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "rag", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert running.stdout is not None
    running.stdout.close()
    _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rag", "--help"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "firstcite: [Errno 28] No space left on device\n"


def test_a_terminal_that_lacks_a_character_gets_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    code = (
        "import sys; sys.argv = ['x', '--version']\n"
        "from rag.__main__ import main\n"
        "main()\n"
        "print('–')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "\\u2013"
