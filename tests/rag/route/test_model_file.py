"""The model's file: read back as it was written, or refused with what is wrong."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import BadInput, BadSettings
from rag.route.classifier import Classifier
from rag.route.model_file import read, write
from rag.route.routes import KINDS
from tests.rag.route.test_classifier import TINY

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ABOVE = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def classifiers(draw: st.DrawFn) -> Classifier:
    names = draw(st.lists(st.from_regex(r"[a-z0-9_-]{1,8}", fullmatch=True), unique=True))
    some = draw(st.sampled_from(["AB", "AC", "BC", "ABC"]))
    kinds = tuple(kind for kind in KINDS if kind in some)
    rows = st.tuples(*[FINITE] * len(names))
    return Classifier(
        features=tuple(names),
        means=draw(rows),
        scales=draw(st.tuples(*[ABOVE] * len(names))),
        kinds=kinds,
        weights=draw(st.tuples(*[rows] * len(kinds))),
        biases=draw(st.tuples(*[FINITE] * len(kinds))),
        counts={kind: draw(st.integers(0, 10**6)) for kind in kinds},
        l2=draw(ABOVE),
        trained=draw(st.dates()),
        accuracy=draw(st.none() | st.floats(0, 1)),
        fusion=draw(st.sampled_from(["", "rrf", "dbsf"])),
    )


@in_one_folder
@given(classifiers())
def test_what_is_written_is_read_back_exactly(tmp_path: Path, model: Classifier) -> None:
    file = tmp_path / "route.toml"
    write(model, file)
    assert read(file) == model


def test_people_can_read_the_file(tmp_path: Path) -> None:
    write(replace(TINY, accuracy=0.5), tmp_path / "route.toml")
    text = (tmp_path / "route.toml").read_text()
    assert "trained = 2026-11-21\naccuracy = 0.5  # share of right routes, held out\n" in text
    assert "[counts]  # examples\nA = 3\nB = 4\n" in text
    assert "[features.words]\nmean = 2.0\nscale = 4.0\nA = 1.09861228866810" in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "is no model of the router: Invalid enum value 2"),
        ('kind = "classifier"', "", "missing required field `kind`"),
        ('kind = "classifier"', 'kind = "neighbours"', "Invalid enum value 'neighbours'"),
        ("l2 = 1.0", 'l2 = 1.0\nfusion = "my own"', "fusion is no name of a fusion"),
        ("format = 1", "", "missing required field `format`"),
        ("mean = 2.0", 'mean = "two"', "Expected `float`, got `str`"),
        ("mean = 2.0", "", "features.words must have A, B, mean, scale"),
        ("mean = 2.0", "mean = 2.0\nC = 1.0", "features.words must have A, B, mean, scale"),
        ("mean = 2.0", "mean = nan", "features.words has a number that is not finite"),
        ("scale = 4.0", "scale = 0", "features.words.scale is 0.0, not above 0"),
        ("A = 3", "A = -3", "a count is below 0"),
        ("A = 3\n", "", "bias and counts must be of the same kinds"),
        ("l2 = 1.0", "l2 = 0", "l2 is not above 0"),
        ("l2 = 1.0", "l2 = 1.0\naccuracy = 2", "accuracy is not between 0 and 1"),
        ("l2 = 1.0", "l2 = 1.0\ncolour = 1", "unknown field `colour`"),
        ("B = 0.0", "B = inf", "is not finite"),
        ("[features.words]", "[features.'two words']", "'two words' is no name of a feature"),
        ("trained = 2026-11-21", "trained = yesterday", "Invalid value"),
    ],
)
def test_a_damaged_file_is_refused_with_what_is_wrong(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = tmp_path / "route.toml"
    write(TINY, file)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(BadSettings, match=message) as raised:
        read(file)
    assert "route.toml" in str(raised.value)
    assert "firstcite route train" in str(raised.value)


def test_a_model_of_one_kind_is_refused(tmp_path: Path) -> None:
    one = replace(TINY, kinds=("A",), weights=((1.0,),), biases=(0.0,), counts={"A": 3})
    write(one, tmp_path / "route.toml")
    with pytest.raises(BadSettings, match="two at least"):
        read(tmp_path / "route.toml")


def test_kinds_may_stand_in_any_order(tmp_path: Path) -> None:
    file = tmp_path / "route.toml"
    write(replace(TINY, biases=(0.5, 0.25)), file)
    file.write_text(file.read_text().replace("A = 0.5\nB = 0.25", "B = 0.25\nA = 0.5"))
    assert read(file) == replace(TINY, biases=(0.5, 0.25))


@in_one_folder
@given(st.binary())
def test_bytes_that_are_no_model_are_refused(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "junk").write_bytes(junk)
    with pytest.raises(BadSettings, match="is no model of the router"):
        read(tmp_path / "junk")


@in_one_folder
@given(st.data())
def test_a_cut_or_changed_file_is_a_model_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    file = tmp_path / "route.toml"
    write(TINY, file)
    text = file.read_text()
    place = data.draw(st.integers(0, len(text)))
    changed = text[:place] + data.draw(st.text(max_size=3)) + text[data.draw(st.integers(place)) :]
    file.write_text(changed, encoding="utf-8", newline="")
    try:
        model = read(file)
    except BadSettings:
        return
    assert isinstance(model.trained, date)
    assert model.route(dict.fromkeys(model.features, 1.0)).kind in KINDS


def test_numbers_too_large_or_too_deep_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "route.toml"
    write(TINY, file)
    text = file.read_text()
    for new in ("mean = 1" + "0" * 400, "mean = " + "[" * 5000):
        file.write_text(text.replace("mean = 2.0", new))
        with pytest.raises(BadSettings, match="is no model of the router"):
            read(file)


def test_a_file_that_is_missing_or_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"none\.toml: No such file.*firstcite route train"):
        read(tmp_path / "none.toml")
    with pytest.raises(BadInput, match=r"route\.toml: No such file .*name a file that can be"):
        write(TINY, tmp_path / "no folder" / "route.toml")
