"""A study's file: what it may say, and one clear message for what it may not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.tables import ROOT
from eval.tuning.definition import Study, read_study
from eval.tuning.halves import half_of
from eval.tuning.space import Choices, Range, point_of, settings_at, system_at
from rag.errors import BadInput, BadSettings
from rag.sections import SearchSettings
from rag.settings import Settings

EXAMPLE = ROOT / "examples" / "tune.toml"
TEXT = """
name = "small"
collections = [{path = "tiny"}]
[search]
search.depth = {low = 10, high = 200, log = true}
search.dense_weight = {low = 0, high = 1}
rerank.depth = [5, 10]
expand = [[], ["rm3", "rocchio"]]
"""


def read(folder: Path, text: str, settings: Settings | None = None) -> Study:
    file = folder / "tune.toml"
    file.write_text(text, encoding="utf-8")
    return read_study(file, settings or Settings())


def test_the_example_is_what_the_documentation_shows() -> None:
    study = read_study(EXAMPLE, Settings())
    assert study.table.trials == 20
    told = (ROOT / "docs" / "tuning.md").read_text(encoding="utf-8")
    search = EXAMPLE.read_text(encoding="utf-8").partition("[search]")[2].strip()
    assert search in told


def test_axes_have_the_types_of_their_settings(tmp_path: Path) -> None:
    depth, weight, rerank, expand = read(tmp_path, TEXT).space
    assert depth == Range("search.depth", 10, 200, whole=True, log=True)
    assert weight == Range("search.dense_weight", 0.0, 1.0, whole=False)
    assert rerank == Choices("rerank.depth", (5, 10))
    assert isinstance(rerank, Choices)
    assert rerank.ordered
    assert expand == Choices("expand", ((), ("rm3", "rocchio")))
    assert isinstance(expand, Choices)
    assert not expand.ordered


def test_the_baseline_is_a_point_where_it_lies_inside(tmp_path: Path) -> None:
    space = read(tmp_path, TEXT).space
    inside = settings_at(Settings(), {"rerank.depth": 10})
    assert point_of(space, inside) == {
        "search.depth": 100,
        "search.dense_weight": 0.5,
        "rerank.depth": 10,
        "expand": (),
    }
    assert point_of(space, Settings()) is None, "rerank.depth is 50"


def test_a_point_is_a_system_with_the_other_settings_as_they_are() -> None:
    settings = Settings(search=SearchSettings(fusion="rrf"))
    system = system_at("one", settings, {"search.depth": 30, "expand": ("rm3",)})
    assert system.expand == ("rm3",)
    assert system.settings["search"]["depth"] == 30
    assert system.settings["search"]["fusion"] == "rrf"


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("", r"\[search\] is empty"),
        ("search.deph = [1]", r"search.deph: unknown setting. Known: search.fusion, "),
        ('index.splitter = ["none"]', "index: unknown setting"),
        ('search.preset = ["fast"]', "search.preset changes nothing here"),
        ("search.depth = {low = 10, high = 10}", "the range 10 to 10 is empty"),
        ("search.depth = {low = 20, high = 10}", "the range 20 to 10 is empty"),
        ("search.depth = {low = 1.5, high = 10}", "is a whole number"),
        ("search.dense_weight = {low = 0, high = 1, log = true}", "logarithm begins above 0"),
        ("search.depth = {low = 1}", "missing required field `high`"),
        ("search.fusion = {low = 0, high = 1}", "search.fusion is no number"),
        ("search.depth = []", "give a list of values"),
        ("search.depth = 3", "give a list of values"),
        ("search.depth = [3, 3]", "a value stands there twice"),
        ('expand = ["rm3"]', "'rm3' is no list of names"),
        ('expand = [["rm4"]]', "unknown 'rm4'. Known: "),
        ('iterate = ["never"]', "unknown 'never'. Known: "),
    ],
)
def test_what_cannot_be_searched_is_one_clear_message(
    tmp_path: Path, search: str, message: str
) -> None:
    text = f'name = "small"\ncollections = [{{path = "tiny"}}]\n[search]\n{search}\n'
    with pytest.raises(BadInput, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "search",
    [
        'search.fusion = ["rrf", "sum"]',
        "search.dense_weight = {low = 0.0, high = 1.5}",
        "search.depth = {low = 0, high = 10}",
        'rerank.method = ["fisrt"]',
    ],
)
def test_values_that_a_setting_cannot_have_are_refused_before_anything_runs(
    tmp_path: Path, search: str
) -> None:
    text = f'name = "small"\ncollections = [{{path = "tiny"}}]\n[search]\n{search}\n'
    with pytest.raises(BadSettings):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("name =", "nmae =", "unknown key 'nmae'"),
        ("[search]", "trials = 0\n[search]", "Expected `int` >= 1"),
        ("[search]", 'objectives.quality = "nDGC@10"\n[search]', "objectives.quality: .*nDGC"),
        ("[search]", "objectives.qualty = 1\n[search]", r"unknown key 'qualty' of \[objectives\]"),
        ("[search]", "objectives.cost = true\n[search]", "cost is an objective: say"),
        ("[search]", "limits.cost = 1.0\n[search]", "cost has a limit: say"),
        ('path = "tiny"', 'path = "{collections}/tiny"', "--collections"),
        ("[search]", "[search", "not a TOML file"),
    ],
)
def test_a_file_that_describes_no_study_is_one_clear_message(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path, TEXT.replace(before, after))


@given(st.floats(-10, 10))
def test_what_is_drawn_is_rounded_into_its_range(value: float) -> None:
    assert 0.25 <= Range("search.dense_weight", 0.25, 0.75, whole=False).rounded(value) <= 0.75
    found = Range("search.depth", 1, 5, whole=True).rounded(value)
    assert isinstance(found, int)
    assert 1 <= found <= 5


def test_halves_are_near_halves_and_depend_on_the_query_alone() -> None:
    halves = [half_of("handbook", f"q{i}") for i in range(1_000)]
    assert 440 < halves.count("tuning") < 560
    assert half_of("other", "q1") in {"tuning", "held out"}
