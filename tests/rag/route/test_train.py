"""Training: from a file of outcomes to a model, and honest about what it can do."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import BadInput
from rag.route.features import features
from rag.route.model_file import read, write
from rag.route.routes import KINDS, Kind
from rag.route.silver import Labelled, Outcome
from rag.route.train import stratified, train
from tests.rag.route.test_classifier import DAY

WORDED: dict[Kind, str] = {
    "A": "what do you think about number {}?",
    "B": "When was Item {} made?",
    "C": "Which of the things that came after Item {} or Part {} is older?",
}


def line(kind: Kind, i: int, right: str = "") -> dict[str, object]:
    """Return an outcome whose cheapest right way is the kind."""
    right = right or {"A": "ABC", "B": "BC", "C": "C"}[kind]
    return {"question": WORDED[kind].format(i, i)} | {k: k in right for k in KINDS}


def kept(folder: Path, lines: list[dict[str, object]]) -> Path:
    file = folder / "outcomes.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return file


def lines(each: int) -> list[dict[str, object]]:
    return [line(kind, i) for i in range(each) for kind in KINDS]


def test_kinds_that_are_worded_differently_are_told_apart(tmp_path: Path) -> None:
    model, report = train(kept(tmp_path, lines(20)), DAY)
    assert report.accuracy == model.accuracy == 1.0
    assert report.baseline == pytest.approx(1 / 3)
    assert report.confusion == {k: {o: 20 * (k == o) for o in KINDS} for k in KINDS}
    assert report.answered == pytest.approx(
        {"routed": 1.0, "always A": 1 / 3, "always B": 2 / 3, "always C": 1.0, "best": 1.0}
    )
    assert model.counts == {"A": 20, "B": 20, "C": 20}
    assert model.route(features("When was Item 777 made?")).kind == "B"


def test_labels_without_a_pattern_are_searched_for_like_always(tmp_path: Path) -> None:
    drawn = np.random.default_rng(5).permutation(["BC"] * 60 + ["ABC"] * 60)
    rows = [line("B", 100 + i, str(right)) for i, right in enumerate(drawn)]
    _, report = train(kept(tmp_path, rows), DAY)
    assert abs(report.accuracy - report.baseline) < 0.1
    assert report.confusion["B"]["A"] < 10


def test_the_report_says_everything_in_lines(tmp_path: Path) -> None:
    unsolved = [
        {"question": f"x {i}", "A": False, "B": False, "C": False, "hops": hops}
        for i, hops in enumerate(["multi", "single", ""])
    ]
    text = str(train(kept(tmp_path, lines(10) + unsolved), DAY)[1]).splitlines()
    assert text[0] == (
        "32 questions: 10 A, 10 B, 10 C by what answered them, 0 A, 1 B, 1 C by their set; "
        "1 left out"
    )
    assert text[1].startswith("right routes, held out: 0.")
    assert text[1].endswith("(always B: 0.34)")
    assert text[2].startswith("  A routed as ")
    assert text[5].startswith("right answers: routed 0.")
    assert text[5].endswith("always A 0.31, always B 0.62, always C 0.94, best 0.94")


def test_the_same_file_gives_the_very_same_model_and_report(tmp_path: Path) -> None:
    rows = lines(8) + [line("B", i, "AB") for i in range(50, 60)]
    file = kept(tmp_path, rows)
    assert train(file, DAY) == train(file, DAY)


def test_a_trained_model_survives_its_file(tmp_path: Path) -> None:
    model, _ = train(kept(tmp_path, lines(8)), DAY)
    write(model, tmp_path / "route.toml")
    assert read(tmp_path / "route.toml") == model


def test_scores_of_the_first_search_are_learnt_from(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"question": f"item {i:03}", "A": False, "B": i % 2 == 0, "C": True}
        | {"scores": [0.9, 0.1] if i % 2 == 0 else [0.2, 0.1]}
        for i in range(40)
    ]
    model, report = train(kept(tmp_path, rows), DAY, fusion="rrf")
    assert report.accuracy == 1.0
    assert model.fusion == "rrf"
    assert train(kept(tmp_path, lines(20)), DAY, fusion="rrf")[0].fusion == ""


def test_a_kind_with_one_example_does_not_stop_training(tmp_path: Path) -> None:
    model, report = train(kept(tmp_path, [line("B", i) for i in range(25)] + [line("C", 1)]), DAY)
    assert model.kinds == ("B", "C")
    assert report.confusion["C"] == {"A": 0, "B": 1, "C": 0}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (lines(6), r"18 outcomes have a label \(0 have none"),
        ([], "0 outcomes have a label"),
        ([line("B", i) for i in range(30)], "all 30 questions are of kind B"),
    ],
)
def test_too_little_to_learn_from_is_refused(
    tmp_path: Path, rows: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(BadInput, match=message) as raised:
        train(kept(tmp_path, rows), DAY)
    assert "outcomes.jsonl: " in str(raised.value)
    assert ": log " in str(raised.value)


def test_fewer_than_two_folds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="folds is 1: give 2"):
        train(kept(tmp_path, lines(8)), DAY, folds=1)


LABELLED = st.builds(
    Labelled,
    st.builds(Outcome, st.sampled_from("abcdefghABCDEFGH"), st.just({})),
    st.sampled_from(KINDS),
)


@given(st.lists(LABELLED), st.integers(2, 7), st.integers(0, 5))
def test_folds_share_out_all_questions_and_keep_repeated_ones_together(
    labelled: list[Labelled], folds: int, seed: int
) -> None:
    dealt = stratified(labelled, folds, seed)
    assert len(dealt) == folds
    assert sorted(place for fold in dealt for place in fold) == list(range(len(labelled)))
    texts = [{labelled[place].outcome.question.lower() for place in fold} for fold in dealt]
    assert sum(map(len, texts)) == len(set().union(*texts))


def test_folds_have_each_kind_alike_and_depend_on_the_seed() -> None:
    counts: dict[Kind, int] = {"A": 10, "B": 25, "C": 5}
    labelled = [Labelled(Outcome(f"{k} {i}", {}), k) for k, n in counts.items() for i in range(n)]
    for fold in stratified(labelled):
        assert Counter(labelled[place].kind for place in fold) == {"A": 2, "B": 5, "C": 1}
    assert stratified(labelled, seed=1) == stratified(labelled, seed=1)
    assert stratified(labelled, seed=1) != stratified(labelled, seed=2)
