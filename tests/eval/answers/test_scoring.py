"""Answers are scored against references on both axes, and reported with what is missing."""

import asyncio
from collections.abc import Mapping

import msgspec
import pytest

from eval.answers.axes import METRICS, figures, shown, values
from eval.answers.judge import AnswerJudge, Words
from eval.answers.nuggets import Nugget
from eval.answers.ragas import RAGAS, known_as
from eval.answers.references import Reference
from eval.answers.scoring import Judged, judged, together
from tests.eval.answers.judging import DESK, DOOR, FREEZER, asking, between, checked

WRONG = "The freezer stays cold for 36 hours without power."
REFERENCES = {
    "right": Reference((f"{FREEZER} {DOOR}",), answerable=True),
    "wrong": Reference((FREEZER,), answerable=True),
    "silent": Reference((DESK,), answerable=True),
    "refused": Reference(answerable=False),
    "unknown": Reference(),
}
ANSWERS = [
    checked((FREEZER, (FREEZER,)), query_id="right"),
    checked((WRONG, (FREEZER,)), query_id="wrong"),
    checked(query_id="silent"),
    checked(query_id="refused"),
    checked((DESK, (DESK,)), query_id="unknown"),
]
QUERIES = dict.fromkeys(REFERENCES, "How long does it stay cold?")


def by(judge: AnswerJudge) -> Judged:
    return asyncio.run(judged(ANSWERS, QUERIES, REFERENCES, judge))


def of(said: Judged, name: str) -> Mapping[str, float | None]:
    return {one.query_id: values(one)[name] for one in said.scores}


def test_answers_are_scored_by_words_on_both_axes() -> None:
    said = by(Words())
    nothing: dict[str, float | None] = {"refused": None, "unknown": None}
    assert of(said, "V_strict") == {"right": 0.5, "wrong": 0, "silent": 0, **nothing}
    assert of(said, "recall") == {"right": 0.5, "wrong": 0, "silent": 0, **nothing}
    assert of(said, "precision") == {"right": 1, "wrong": 0, "silent": None, **nothing}
    assert of(said, "hallucination")["wrong"] == 1
    assert of(said, "claim recall")["silent"] == 1  # the desk was found, and not told
    grounded = {"right": 1, "wrong": 0, "silent": None, "refused": None, "unknown": 1}
    assert of(said, "WR all") == of(said, "WP first") == of(said, "faithfulness") == grounded


def test_means_leave_out_what_is_not_there_and_count_it() -> None:
    found = figures(by(Words()))
    strict = found["metrics"]["V_strict"]
    assert (strict["mean"], strict["answers"], strict["without"], strict["failed"]) == (
        pytest.approx(0.5 / 3, abs=1e-6),
        3,
        2,
        0,
    )
    assert strict["low"] <= strict["mean"] <= strict["high"]
    table = found["abstention"]
    assert (table["answered_answerable"], table["refused_answerable"]) == (2, 1)
    assert (table["answered_other"], table["refused_other"], table["unknown"]) == (0, 1, 1)
    assert table["refused"]["share"] == 1


def test_there_is_no_figure_that_mixes_the_axes() -> None:
    assert {metric.axis for metric in METRICS.values()} == {
        "coverage",
        "groundedness",
        "correctness",
        "search",
        "origin",
    }
    assert set(figures(by(Words()))) == {"metrics", "abstention", "nuggets_made", "cost"}


def reply(text: str) -> str:
    """Answer as a model that reads well, but cannot say anything of the desk."""
    if "<facts>" in text and "<answer>" in text:
        return "1. support\n2. partial_support"
    if "<facts>" in text:
        return "1. vital\n2. okay"
    if "<passages>" in text:
        return "cold for 48 hours\nkeep the door shut"
    if "<text>" in text:
        return between(text, "text")
    if "desk" in text:
        return "Hm."
    return "FS" if "36" not in text else "NS"


def test_a_model_judges_the_same_answers_and_what_it_cannot_say_is_counted() -> None:
    judge, _ = asking(reply)
    said = by(judge)
    assert of(said, "W")["right"] == pytest.approx((1 + 0.5 * 0.5) / 1.5, abs=1e-6)
    assert of(said, "V_strict")["silent"] == 0
    assert of(said, "WR all")["wrong"] == 0
    assert of(said, "WR all")["unknown"] is None
    found = figures(said)
    assert found["metrics"]["WR all"]["failed"] == 1
    assert found["metrics"]["faithfulness"]["failed"] > 0
    assert found["nuggets_made"] == 6
    assert found["cost"]["calls"] == said.cost.calls > 0
    assert said.made["right"].nuggets == (
        Nugget("cold for 48 hours", "vital"),
        Nugget("keep the door shut", "okay"),
    )


def test_claims_that_cannot_be_had_are_one_failure_and_no_figure() -> None:
    judge, _ = asking(lambda text: "" if "<text>" in text else reply(text))
    said = by(judge)
    assert of(said, "precision")["right"] is None
    assert said.scores[0].claims.failed == 2


def test_several_sets_of_answers_are_pooled_judge_by_judge() -> None:
    one = by(Words())
    (both,) = together([[one], [one]])
    assert len(both.scores) == 2 * len(one.scores)
    assert figures(both)["metrics"]["W"]["mean"] == figures(one)["metrics"]["W"]["mean"]
    assert together([]) == ()


def test_the_markdown_says_what_the_json_does() -> None:
    found = msgspec.json.decode(msgspec.json.encode(figures(by(Words()))))
    text = "\n".join(shown("words", found))
    assert "| coverage: V_strict | 0.167 |" in text
    assert "| answerable | 2 | 1 | 0.667 answered |" in text
    assert "| not answerable | 0 | 1 | 1.000 refused |" in text
    assert "Of 1 questions nobody said" in text
    assert "calls of the judge" not in text


def test_every_name_of_ragas_leads_to_figures_that_exist_or_is_refused() -> None:
    for name, alias in RAGAS.items():
        assert set(alias.ours) <= set(METRICS), name
        assert alias.ours or alias.differs.startswith("Refused: ")
    assert known_as("precision") == ["factual_correctness"]
