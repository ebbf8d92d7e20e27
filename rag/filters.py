"""Filters: JSON from a request or a command line becomes conditions, or a clear refusal.

    {"metadata.kind": "manual"}                   equal
    {"metadata.lang": {"in": ["en", "de"]}}       any of
    {"metadata.year": {"gte": 2020, "lt": 2024}}  range
    {"document_id": "docs/setup.md", "source": …}

All must hold. A list field (`"tags": ["a", "b"]`) satisfies a condition when one element does. The
tenant is never a filter: it belongs to the query and is applied on every branch.
"""

import re
from collections.abc import Iterator, Mapping
from typing import get_args

from rag.errors import BadFilter
from rag.values import Condition, Operator, Where

OPERATORS: tuple[Operator, ...] = get_args(Operator)
_FIELD = re.compile(r"document_id|source|title|metadata(\.[A-Za-z0-9_-]+)+")


def parse_where(filters: object) -> Where:
    """Return the conditions of a filter; None and {} are no conditions.

    Raises:
        BadFilter: not an object, an unknown field or operator, or a value the operator cannot take.

    >>> parse_where({"metadata.year": {"gte": 2020}})
    (Condition(field='metadata.year', operator='gte', value=2020),)
    """
    if filters is None:
        return ()
    if not isinstance(filters, Mapping):
        raise BadFilter('a filter is an object such as {"metadata.kind": "manual"}')
    return tuple(c for field, test in filters.items() for c in _conditions(str(field), test))


def _conditions(field: str, test: object) -> Iterator[Condition]:
    if not _FIELD.fullmatch(field):
        raise BadFilter(
            f"unknown filter field '{field}'. Known: document_id, source, title, metadata.NAME"
        )
    tests = test if isinstance(test, Mapping) else {"eq": test}
    if not tests:
        raise BadFilter(f"filter on '{field}' has no operator. Known: {', '.join(OPERATORS)}")
    for operator, value in tests.items():
        yield _condition(field, str(operator), value)


def _condition(field: str, operator: str, value: object) -> Condition:
    if operator == "eq":
        if isinstance(value, str | bool | int | float):
            return Condition(field, "eq", value)
        raise BadFilter(f"'{field}' eq needs a string, number or boolean, got {value!r}")
    if operator == "in":
        return Condition(field, "in", _members(field, value))
    for known in OPERATORS:
        if operator == known:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return Condition(field, known, value)
            raise BadFilter(f"'{field}' {operator} needs a number, got {value!r}")
    raise BadFilter(
        f"unknown filter operator '{operator}' on '{field}'. Known: {', '.join(OPERATORS)}"
    )


def _members(field: str, value: object) -> tuple[str, ...] | tuple[int, ...]:
    if isinstance(value, list | tuple) and value:
        strings = tuple(v for v in value if isinstance(v, str))
        integers = tuple(v for v in value if isinstance(v, int) and not isinstance(v, bool))
        if len(strings) == len(value):
            return strings
        if len(integers) == len(value):
            return integers
    raise BadFilter(f"'{field}' in needs a list of strings or of integers, got {value!r}")
