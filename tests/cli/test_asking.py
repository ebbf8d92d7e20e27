"""`firstcite ask` as events, and where the language model that was asked for is not there."""

import json
from pathlib import Path

import pytest

from tests.cli.outcome import Firstcite

pytestmark = pytest.mark.model

COLD = "The sample freezer stays cold for two days without power."


@pytest.fixture
def indexed(tmp_path: Path, firstcite: Firstcite) -> None:
    """A folder with one document, indexed."""
    (tmp_path / "freezer.txt").write_text(f"{COLD} Keep its door shut.\n", "utf-8")
    assert firstcite("index", "freezer.txt").code == 0


@pytest.mark.usefixtures("indexed")
def test_a_stream_is_a_json_object_a_line_and_ends_with_the_answer(firstcite: Firstcite) -> None:
    outcome = firstcite("ask", "How long does the sample freezer stay cold?", "--stream")
    assert (outcome.code, outcome.err) == (0, "")
    events = [json.loads(line) for line in outcome.out.splitlines()]
    names = [event["event"] for event in events]
    assert names[:2] == ["meta", "search_results"]
    assert names[-2:] == ["final", "done"]
    told = "".join(event["data"]["text"] for event in events if event["event"] == "delta")
    assert told == events[-2]["data"]["answer"]
    assert COLD in told


@pytest.mark.usefixtures("indexed")
def test_a_model_that_is_not_there_is_said_and_sentences_are_quoted(
    firstcite: Firstcite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FIRSTCITE__LLM__CACHE", str(tmp_path / "no-models"))
    question = "How long does the sample freezer stay cold?"
    outcome = firstcite("ask", question, "--generator", "inline")
    assert outcome.code == 0
    assert COLD in outcome.out
    assert outcome.err.startswith("generate failed: extractive")
    assert "firstcite models fetch embedded" in outcome.err


def test_an_unknown_generator_is_refused_before_anything_is_loaded(firstcite: Firstcite) -> None:
    outcome = firstcite("ask", "who?", "--generator", "poet")
    assert outcome.code == 2
    assert "unknown generator 'poet'. Known: extractive, inline, attribute-first" in outcome.err
