"""A filter becomes conditions, or one error that names the field, the value and what is known."""

import json
import re

import pytest

from rag.errors import BadFilter
from rag.filters import OPERATORS, parse_where
from rag.values import Condition


def test_the_four_forms_of_the_docstring() -> None:
    assert parse_where({"metadata.kind": "manual"}) == (Condition("metadata.kind", "eq", "manual"),)
    assert parse_where({"metadata.lang": {"in": ["en", "de"]}}) == (
        Condition("metadata.lang", "in", ("en", "de")),
    )
    assert parse_where({"metadata.year": {"gte": 2020, "lt": 2024}}) == (
        Condition("metadata.year", "gte", 2020),
        Condition("metadata.year", "lt", 2024),
    )
    assert parse_where({"document_id": "docs/setup.md", "source": "a", "title": "b"}) == (
        Condition("document_id", "eq", "docs/setup.md"),
        Condition("source", "eq", "a"),
        Condition("title", "eq", "b"),
    )


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_filter_is_no_condition(nothing: object) -> None:
    assert parse_where(nothing) == ()


@pytest.mark.parametrize("value", ["x", "", "42", 42, -1, 0, 3.5, True, False])
def test_a_bare_value_means_equal_and_keeps_its_type(value: str | float) -> None:
    (bare,) = parse_where({"metadata.x": value})
    (spelled,) = parse_where({"metadata.x": {"eq": value}})
    assert bare == spelled == Condition("metadata.x", "eq", value)
    assert type(bare.value) is type(value)


@pytest.mark.parametrize("operator", ["gte", "gt", "lte", "lt"])
def test_range_operators_take_whole_and_broken_numbers(operator: str) -> None:
    assert [c.value for n in (2020, 0.5) for c in parse_where({"metadata.x": {operator: n}})] == [
        2020,
        0.5,
    ]


def test_metadata_may_be_nested() -> None:
    (condition,) = parse_where({"metadata.author.last_name-2": "Cormack"})
    assert condition.field == "metadata.author.last_name-2"


@pytest.mark.parametrize("filters", [[], "x", 1, True, [{"title": "x"}], ()])
def test_a_filter_that_is_no_object_is_refused_with_an_example(filters: object) -> None:
    with pytest.raises(BadFilter, match=r'a filter is an object such as \{"metadata.kind"'):
        parse_where(filters)


@pytest.mark.parametrize(
    "field",
    [
        "year",
        "metadata",
        "metadata.",
        "metadata..a",
        "metadata.a[]",
        "metadata.a b",
        "metadata.ä",
        "metadata.a\n",
        " title",
        "Title",
        "text",
        "",
    ],
)
def test_an_unknown_field_is_refused_with_the_known_ones(field: str) -> None:
    with pytest.raises(
        BadFilter, match=r"unknown filter field .*(?s:.*)Known: document_id, source"
    ):
        parse_where({field: "x"})


@pytest.mark.parametrize("field", ["tenant", "metadata.x.tenant\x00", "chunk_id"])
def test_the_tenant_and_inner_fields_can_not_be_filtered_on(field: str) -> None:
    with pytest.raises(BadFilter, match="unknown filter field"):
        parse_where({field: "other"})


@pytest.mark.parametrize("operator", ["ne", "GTE", "$gte", "", "not in", "eq "])
def test_an_unknown_operator_is_refused_with_the_known_ones(operator: str) -> None:
    known = re.escape(", ".join(OPERATORS))
    with pytest.raises(BadFilter, match=f"unknown filter operator .* on 'title'. Known: {known}"):
        parse_where({"title": {operator: 1}})


def test_an_empty_test_is_refused_rather_than_ignored() -> None:
    with pytest.raises(BadFilter, match=r"filter on 'title' has no operator. Known: eq, in, gte"):
        parse_where({"title": {}})


@pytest.mark.parametrize("value", [None, [], ["a"], {"eq": {}}, {"eq": None}, {"eq": ["a"]}])
def test_equal_to_something_that_is_no_scalar_is_refused(value: object) -> None:
    with pytest.raises(BadFilter, match="'title' eq needs a string, number or boolean"):
        parse_where({"title": value})


@pytest.mark.parametrize(
    "members", [[], "abc", 3, None, ["a", 1], [1, 2.0], [True, False], [1, True], [[]], {"a": 1}]
)
def test_any_of_takes_strings_or_integers_and_no_mixture(members: object) -> None:
    with pytest.raises(BadFilter, match="'title' in needs a list of strings or of integers"):
        parse_where({"title": {"in": members}})


@pytest.mark.parametrize("value", ["2020", True, None, [1], {}])
def test_a_range_over_something_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(BadFilter, match=r"'metadata.year' gte needs a number, got [^:]*$"):
        parse_where({"metadata.year": {"gte": value}})


def test_one_bad_condition_spoils_the_filter() -> None:
    with pytest.raises(BadFilter, match="'mean'"):
        parse_where({"title": "fine", "metadata.year": {"gte": 2020, "mean": 1}})


@pytest.mark.parametrize("test", ["%s", '{"eq": %s}', '{"in": [%s]}', '{"gte": %s}'])
@pytest.mark.parametrize(
    "value",
    ["1" + "0" * 30, "-1" + "0" * 400, str(2**63), str(-(2**63) - 1), "1e400", "-1e400", "NaN"],
)
def test_numbers_that_no_store_can_hold_are_refused(test: str, value: str) -> None:
    # Python's JSON reads all of them; the stores raised TypeError or OverflowError.
    with pytest.raises(BadFilter, match=r"'metadata\.x' (eq|in|gte) needs .*64 bits"):
        parse_where(json.loads('{"metadata.x": ' + test.replace("%s", value) + "}"))


def test_64_bit_integers_are_taken_to_the_last() -> None:
    edges = (-(2**63), 2**63 - 1)
    assert parse_where({"metadata.x": {"in": list(edges)}}) == (
        Condition("metadata.x", "in", edges),
    )


@pytest.mark.parametrize("test", ["caf\udce9", {"in": ["en", "caf\udce9"]}])
def test_text_that_is_no_unicode_is_refused(test: object) -> None:
    with pytest.raises(BadFilter, match=r"'title' (eq|in) needs .*valid Unicode") as caught:
        parse_where({"title": test})
    str(caught.value).encode()  # the message can be printed


def test_a_refusal_does_not_repeat_a_megabyte() -> None:
    with pytest.raises(BadFilter) as caught:
        parse_where({"title": {"gte": "x" * 1_000_000}})
    assert len(str(caught.value)) < 200
    with pytest.raises(BadFilter) as caught:
        parse_where({"x" * 1_000_000: 1})
    assert len(str(caught.value)) < 200
    with pytest.raises(BadFilter) as caught:
        parse_where({"title": {"x" * 1_000_000: 1}})
    assert len(str(caught.value)) < 200


def test_a_deep_value_is_refused_like_any_other() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadFilter, match="'title' eq needs"):
        parse_where({"title": deep})
