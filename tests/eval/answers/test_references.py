"""References are read strictly and written as they are read; abstentions are counted in a table."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.answers.abstaining import abstention, rate
from eval.answers.intervals import interval
from eval.answers.nuggetizing import Made
from eval.answers.nuggets import Nugget
from eval.answers.references import Reference, made, read_references, write_references
from rag.errors import BadCollection


def read(folder: Path, *lines: str) -> object:
    file = folder / "references.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_references(file, {"1", "2"})


def test_references_are_read_as_they_were_written(tmp_path: Path) -> None:
    references = {
        "1": Reference(("a",), (Nugget("n", "okay"),), ("p",), answerable=True),
        "2": Reference(),
    }
    file = tmp_path / "references.jsonl"
    write_references(references, file)
    assert read_references(file, {"1", "2"}) == references


def test_ids_may_be_numbers_and_blank_answers_are_none(tmp_path: Path) -> None:
    assert read(tmp_path, '{"_id": 1, "answers": [" ", "a"]}') == {"1": Reference(("a",))}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["{"], r"references.jsonl:1: no reference: .*wanted is a line per question"),
        (['{"_id": "1", "answer": "a"}'], "unknown field `answer`"),
        (['{"_id": "1", "nuggets": [{"text": "n", "importance": "big"}]}'], "Invalid enum value"),
        (['{"_id": "1"}', '{"_id": "1"}'], "references.jsonl:2: query '1' stands here twice"),
        (['{"_id": "3"}'], "there is no query '3' in queries.jsonl"),
    ],
)
def test_bad_references_are_named_by_file_and_line(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    with pytest.raises(BadCollection, match=said):
        read(tmp_path, *lines)


def test_made_nuggets_join_the_references() -> None:
    known = {"1": Reference(("a",)), "2": Reference(("b",))}
    found = made(known, {"1": Made((Nugget("n"),))})
    assert found == {"1": Reference(("a",), (Nugget("n"),)), "2": Reference(("b",))}


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.booleans())))
def test_every_question_is_in_one_cell_of_the_table(told: list[tuple[bool | None, bool]]) -> None:
    found = abstention(told)
    cells = (
        found.answered_answerable,
        found.refused_answerable,
        found.answered_other,
        found.refused_other,
        found.unknown,
    )
    assert sum(cells) == len(told)
    for one in (found.answered, found.refused):
        assert 0 <= one.low <= (one.share or 0) + 1e-9 or one.share is None
        assert one.share is None or one.share <= one.high + 1e-9


def test_a_rate_of_nothing_is_unknown() -> None:
    assert (rate(0, 0).share, rate(0, 0).low, rate(0, 0).high) == (None, 0, 1)


def test_wilsons_interval_is_that_of_scipy() -> None:
    from scipy.stats import binomtest

    for of, n in ((0, 10), (3, 7), (299, 300), (150, 300)):
        known = binomtest(of, n).proportion_ci(method="wilson")
        ours = rate(of, n)
        assert (ours.low, ours.high) == pytest.approx((known.low, known.high), abs=1e-12)


def test_an_interval_of_a_mean_is_that_of_its_resamples() -> None:
    values = [0.0] * 50 + [1.0] * 50
    low, high = interval(values)
    assert (low, high) == interval(values)
    assert low == pytest.approx(0.4, abs=0.03)
    assert high == pytest.approx(0.6, abs=0.03)
