"""`firstcite rerank` keeps every document, says what happened, and never fails for a model."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from eval.data.runs import ScoredDocument, read_run, write_run
from tests.cli.outcome import Firstcite
from tests.eval.tiny import write_beir

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there
RUN = {
    "q1": [ScoredDocument(d, 9.0 - i) for i, d in enumerate(("dog", "fox", "cat"))],
    "q3": [ScoredDocument("fish", 2.0)],
}


@pytest.fixture
def beir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "in.trec", RUN, "first")
    return write_beir(tmp_path / "beir")


def said(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_whose_model_cannot_be_reached_comes_out_whole_and_degraded(
    firstcite: Firstcite, beir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTCITE__LLM__URL", NOBODY)
    monkeypatch.setenv("FIRSTCITE__LLM__RETRIES", "0")
    outcome = firstcite(
        *("rerank", "--method", "first", "--run", "in.trec", "--collection-path", str(beir)),
        *("--depth", "2", "--out", "out.trec", "--trace", "trace.jsonl", "--jobs", "2"),
    )
    assert outcome.code == 3
    assert "degraded, e.g. q1: first" in outcome.err
    assert outcome.out == "out.trec: 2 queries reranked, 2 of them degraded\n"
    found = read_run(Path("out.trec"))
    assert {q: [d.document_id for d in docs] for q, docs in found.items()} == {
        "q1": ["dog", "fox", "cat"],
        "q3": ["fish"],
    }
    first, second = said(Path("trace.jsonl").read_text())
    assert (first["query_id"], first["status"]) == ("q1", "degraded")
    assert "is it up" in first["detail"] or "ConnectError" in first["detail"]
    assert [c["document_id"] for c in first["candidates"]] == ["dog", "fox"]
    assert {"calls", "tokens_in", "tokens_out", "depth", "missing", "malformed", "cached"} <= set(
        second
    )


def test_lines_come_back_in_the_order_they_went_in(
    firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        {"id": 7, "query": "cat", "documents": ["one", {"text": "two", "id": "b", "score": 0.1}]},
        {"query": "dog", "documents": []},
    ]
    stdin = io.TextIOWrapper(io.BytesIO("\n".join(map(json.dumps, lines)).encode()))
    monkeypatch.setattr("sys.stdin", stdin)
    outcome = firstcite("rerank")
    assert outcome.code == 0, outcome.err
    first, second = said(outcome.out)
    assert (first["id"], second["id"]) == (7, None)
    assert [c["document_id"] for c in first["candidates"]] == ["0", "b"]
    assert (first["status"], second["candidates"]) == ("ok", [])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"{", "standard input, line 1: "),
        (b'{"query": "x"}', "documents"),
        (b'{"query": "x", "documents": [3]}', "documents"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(
    firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: bytes, fault: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line)))
    outcome = firstcite("rerank")
    assert outcome.code == 2
    assert fault in outcome.error
    assert 'write {"query": "…", "documents": ["…"]}' in outcome.error


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--method", "frist"), "rerank.method is 'frist'"),
        (("--method", "first", "--schedule", "heap"), "rerank.schedule is 'heap'"),
        (("--run", "in.trec", "--out", "out.trec"), "--run needs --collection-path and --out"),
        (("--run", "none.trec", "--collection-path", "beir", "--out", "o"), "none.trec is missing"),
        (("--run", "alien.trec", "--collection-path", "beir", "--out", "o"), "lacks 1 documents"),
        (("--run", "asked.trec", "--collection-path", "beir", "--out", "o"), "lacks 'q9'"),
        (("--trace", "trace.jsonl"), "--trace go with --run"),
        (("--depth", "-1"), "depth"),
        (("--seconds", "-1"), "seconds"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    firstcite: Firstcite, beir: Path, arguments: tuple[str, ...], fault: str
) -> None:
    del beir
    write_run(Path("alien.trec"), {"q1": [ScoredDocument("unicorn", 1.0)]}, "t")
    write_run(Path("asked.trec"), {"q9": [ScoredDocument("cat", 1.0)]}, "t")
    outcome = firstcite("rerank", *arguments)
    assert outcome.code == 2
    assert fault in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.model
def test_a_method_without_a_language_model_reranks_for_real(
    firstcite: Firstcite, beir: Path
) -> None:
    outcome = firstcite(
        *("rerank", "--method", "late-interaction", "--run", "in.trec", "--guard", "none"),
        *("--collection-path", str(beir), "--out", "out.trec"),
    )
    assert outcome.code == 0, outcome.err
    assert "0 of them degraded" in outcome.out
    assert read_run(Path("out.trec"))["q1"][-1].document_id == "fox"
