"""Silver labels: the cheapest way that was right, else the set's, else none."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import BadInput
from rag.route.routes import KINDS, Kind
from rag.route.silver import Hops, Outcome, read_outcomes, silver

OUTCOMES = st.builds(
    Outcome,
    st.text(min_size=1),
    st.fixed_dictionaries({kind: st.booleans() for kind in KINDS}),
    st.sampled_from(["single", "multi", ""]),
)


in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(right: str, hops: Hops = "") -> Outcome:
    return Outcome("q", {kind: kind in right for kind in KINDS}, hops)


@pytest.mark.parametrize(
    ("right", "hops", "kind"),
    [
        ("ABC", "", "A"),
        ("AC", "multi", "A"),
        ("BC", "multi", "B"),
        ("B", "", "B"),
        ("C", "single", "C"),
        ("", "single", "B"),
        ("", "multi", "C"),
    ],
)
def test_the_label_is_the_cheapest_that_was_right_or_the_bias_of_the_set(
    right: str, hops: Hops, kind: Kind
) -> None:
    (labelled,) = silver([outcome(right, hops)]).labelled
    assert labelled.kind == kind


def test_what_nothing_answers_and_no_set_labels_is_left_out() -> None:
    made = silver([outcome(""), outcome("B"), Outcome("untried", {})])
    assert [labelled.outcome for labelled in made.labelled] == [outcome("B")]
    assert made.left_out == 2


def test_labels_are_counted_by_how_they_were_made() -> None:
    made = silver(
        [outcome("A"), outcome("AB"), outcome("B"), outcome("", "single"), outcome("", "multi")]
    )
    assert made.solved == {"A": 2, "B": 1, "C": 0}
    assert made.biased == {"A": 0, "B": 1, "C": 1}


@given(st.lists(OUTCOMES))
def test_every_outcome_is_counted_once_and_a_label_was_right_where_anything_was(
    outcomes: list[Outcome],
) -> None:
    made = silver(outcomes)
    total = sum(made.solved.values()) + sum(made.biased.values()) + made.left_out
    assert total == len(outcomes)
    for labelled in made.labelled:
        right = labelled.outcome.right
        assert right[labelled.kind] or not any(right.values())
        assert not any(right[kind] for kind in KINDS[: KINDS.index(labelled.kind)])


LINE = {"question": "Who?", "A": True, "B": False, "C": False}


def test_a_file_of_outcomes_is_read(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.jsonl"
    more = LINE | {"hops": "multi", "scores": [2, 0.5]}
    file.write_bytes(
        b"\xef\xbb\xbf" + json.dumps(LINE).encode() + b"\r\n\n" + json.dumps(more).encode()
    )
    right: dict[Kind, bool] = {"A": True, "B": False, "C": False}
    assert read_outcomes(file) == (
        Outcome("Who?", right),
        Outcome("Who?", right, "multi", (2.0, 0.5)),
    )


@in_one_folder
@given(st.lists(OUTCOMES))
def test_outcomes_survive_the_file(tmp_path: Path, outcomes: list[Outcome]) -> None:
    kept = [one for one in outcomes if one.question.strip()]
    lines = [json.dumps({"question": o.question, **o.right, "hops": o.hops}) for o in kept]
    (tmp_path / "o.jsonl").write_text("\n".join(lines))
    assert read_outcomes(tmp_path / "o.jsonl") == tuple(kept)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("what?", "malformed"),
        ("[1]", "Expected `object`, got `array`"),
        ('{"question": "q", "A": true, "B": true}', "missing required field `C`"),
        ('{"question": "q", "A": 1, "B": true, "C": true}', r"Expected `bool`, got `int`.*\$\.A"),
        (json.dumps(LINE | {"hops": "two"}), "Invalid enum value 'two'"),
        (json.dumps(LINE | {"hop": "multi"}), "unknown field `hop`"),
        (json.dumps(LINE | {"question": 7}), "Expected `str`"),
        (json.dumps(LINE | {"question": " \t"}), "the question is empty"),
        (json.dumps(LINE)[:-1], "truncated"),
        ('{"question": ' + "[" * 5000, "Expected `str`, got `array`"),
        ('{"question": "\xff"}', "utf-8"),
    ],
)
def test_a_line_that_is_no_outcome_is_named_with_the_remedy(
    tmp_path: Path, line: str, message: str
) -> None:
    file = tmp_path / "outcomes.jsonl"
    file.write_bytes(json.dumps(LINE).encode() + b"\n\n" + line.encode("latin-1"))
    with pytest.raises(BadInput, match=message) as raised:
        read_outcomes(file)
    assert "outcomes.jsonl:3: " in str(raised.value)
    assert "write" in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.jsonl: No such file.*name a readable file"):
        read_outcomes(tmp_path / "none.jsonl")
