"""Two folders of answers are compared by the questions that both were asked."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from eval.answers.comparing import to_json, to_markdown, write_comparison
from eval.answers.preferring import Preferred
from eval.answers.systems import System, dominant, pairs, read_system
from rag.errors import BadCollection

Figure = Mapping[str, float | None]


def written(folder: Path, answers: Mapping[str, str], figures: Mapping[str, Figure]) -> Path:
    """Write what `firstcite eval answers` writes of its answers."""
    folder.mkdir()
    rows = [
        {
            "topic_id": i,
            "topic": f"{i}?",
            "answer": [{"text": s, "citations": []} for s in text.split("|") if s],
        }
        for i, text in answers.items()
    ]
    scores = [{"_id": i, "words": 1, "judges": {"words": of}} for i, of in figures.items()]
    for name, lines in (("answers", rows), ("scores", scores)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def systems(tmp_path: Path) -> tuple[System, System]:
    a = written(
        tmp_path / "long",
        {"1": "Cold for 48 hours.|Keep it shut.", "2": "No.", "3": "", "4": "Mine."},
        {
            "1": {"W": 1.0, "WR all": 1.0},
            "2": {"W": 0.0, "WR all": 0.5},
            "3": {"W": None, "WR all": None},
        },
    )
    b = written(
        tmp_path / "short",
        {"1": "Cold.", "2": "Yes.", "3": "Perhaps."},
        {
            "1": {"W": 0.5, "WR all": 1.0},
            "2": {"W": 1.0, "WR all": 0.0},
            "3": {"W": None, "WR all": 1.0},
        },
    )
    return read_system(a), read_system(b)


def test_the_twin_prefers_what_is_better_on_one_axis_and_no_worse_on_the_other(
    systems: tuple[System, System],
) -> None:
    found = to_json(*systems)
    by = found["judges"]["words"]
    assert (by["wins"], by["ties"], by["losses"], by["not_judged"]) == (1, 1, 0, 1)
    assert by["rate"]["mean"] == 0.75
    assert (found["questions"], found["only_a"], found["only_b"]) == (3, 1, 0)


def test_a_models_preferences_stand_beside_with_what_the_order_did(
    systems: tuple[System, System],
) -> None:
    said = [Preferred("first", "second"), Preferred("first", "first"), Preferred(None, "tie")]
    by = to_json(*systems, {"judge-1": said})["judges"]["judge-1"]
    assert (by["wins"], by["ties"], by["losses"], by["not_judged"]) == (1, 1, 0, 1)
    assert by["order"] == {
        "pairs": 2,
        "consistent": 0.5,
        "primacy": 0.5,
        "recency": 0.0,
        "failed": 1,
    }


def test_figures_are_compared_over_the_questions_that_both_have(
    systems: tuple[System, System],
) -> None:
    found = to_json(*systems)["figures"]["words"]["W"]
    assert (found["questions"], found["a"], found["b"], found["difference"]) == (
        2,
        0.5,
        0.75,
        -0.25,
    )
    assert found["low"] <= found["difference"] <= found["high"]


def test_swapping_the_systems_swaps_all_that_is_said(systems: tuple[System, System]) -> None:
    one, other = to_json(*systems), to_json(systems[1], systems[0])
    ours, theirs = one["judges"]["words"], other["judges"]["words"]
    assert (ours["wins"], ours["losses"]) == (theirs["losses"], theirs["wins"])
    for rate in ("rate", "at_equal_length"):
        assert ours[rate]["mean"] + theirs[rate]["mean"] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("a", "b", "winner"),
    [
        ({"W": 1.0, "WR all": 1.0}, {"W": 0.0, "WR all": 1.0}, "a"),
        ({"W": 1.0, "WR all": 0.0}, {"W": 0.0, "WR all": 1.0}, "tie"),
        ({"W": 1.0, "WR all": 1.0}, {"W": 1.0, "WR all": 1.0}, "tie"),
        ({"W": 0.0, "WR all": None}, {"W": 1.0, "WR all": 0.0}, "b"),
        ({"W": None, "WR all": 0.2}, {"W": None, "WR all": 0.4}, "b"),
        ({"W": None, "WR all": None}, {"W": 1.0, "WR all": 1.0}, None),
        ({}, {}, None),
    ],
)
def test_who_is_better_is_a_matter_of_both_axes(a: Figure, b: Figure, winner: str | None) -> None:
    assert dominant(a, b) == winner


def test_the_markdown_is_made_from_the_json_alone(
    systems: tuple[System, System], tmp_path: Path
) -> None:
    report = to_json(*systems, {"judge-1": [Preferred("tie", "tie")] * 3})
    markdown = write_comparison(report, tmp_path)
    text = (tmp_path / "comparison.json").read_text(encoding="utf-8")
    assert to_markdown(json.loads(text)) == markdown.read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    said = markdown.read_text(encoding="utf-8")
    assert said.startswith(
        "# A (long) against B (short)\n\n3 questions that both were asked; 1 only A"
    )
    assert "| words | 1 / 1 / 0 | 1 | 0.750 (" in said


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    one = written(tmp_path / "one", {"1": "x"}, {})
    other = written(tmp_path / "other", {"2": "x"}, {})
    with pytest.raises(BadCollection, match="no question in common"):
        pairs(read_system(one), read_system(other))
    with pytest.raises(BadCollection, match=r"answers.jsonl is missing: name a folder"):
        read_system(tmp_path)
    (one / "scores.jsonl").write_text("{\n", encoding="utf-8")
    with pytest.raises(BadCollection, match=r"scores.jsonl:1: no scores"):
        read_system(one)
