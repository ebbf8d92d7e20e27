"""Any JSON is a filter or a `BadFilter`, never anything else."""

import json
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import BadFilter
from rag.filters import OPERATORS, parse_where
from rag.values import Condition, Operator

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from([2**63 - 1, 2**63, -(2**63), 10**40, "caf\udce9"])
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "document_id",
        "source",
        "title",
        "metadata.year",
        "metadata.a.b-c_1",
        "tenant",
        "metadata.",
        "text",
    ]
)
TESTS = st.dictionaries(st.sampled_from([*OPERATORS, "ne", "not"]), JSON, max_size=3)
NEARLY = st.dictionaries(FIELDS, TESTS | JSON, max_size=4)


def sound(condition: Condition) -> bool:
    """Whether every store can hold what the condition says."""
    value = condition.value
    if condition.operator == "in":
        assert isinstance(value, tuple)
        return (
            len(value) > 0 and len({type(v) for v in value}) == 1 and type(value[0]) in {str, int}
        )
    return type(value) in ({str, int, float, bool} if condition.operator == "eq" else {int, float})


@given(JSON | NEARLY)
@settings(max_examples=100, deadline=None)
def test_any_json_parses_or_is_refused(filters: object) -> None:
    try:
        where = parse_where(filters)
    except BadFilter as refusal:
        str(refusal).encode()  # printable anywhere
    else:
        assert all(condition.operator in get_args(Operator) for condition in where)
        assert all(map(sound, where))


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_field_name_parses_or_is_refused(field: str) -> None:
    try:
        (condition,) = parse_where({field: 1})
    except BadFilter:
        return
    assert condition.field == field


GOOD = st.dictionaries(
    st.sampled_from(["document_id", "title", "metadata.year", "metadata.a.b"]),
    st.dictionaries(
        st.sampled_from(["gte", "gt", "lte", "lt"]),
        st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
        min_size=1,
    ),
)


@given(GOOD)
@settings(max_examples=100, deadline=None)
def test_every_test_of_a_good_filter_becomes_one_condition_in_order(
    filters: dict[str, dict[str, float]],
) -> None:
    assert [(c.field, c.operator, c.value) for c in parse_where(filters)] == [
        (field, operator, value)
        for field, tests in filters.items()
        for operator, value in tests.items()
    ]


@given(GOOD)
@settings(max_examples=50, deadline=None)
def test_a_filter_means_the_same_after_a_round_trip_through_json(
    filters: dict[str, dict[str, float]],
) -> None:
    assert parse_where(json.loads(json.dumps(filters))) == parse_where(filters)


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_can_be_written(operator: str) -> None:
    value = [1, 2] if operator == "in" else 1
    (condition,) = parse_where({"metadata.x": {operator: value}})
    assert condition.operator == operator
