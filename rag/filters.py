"""Filters: JSON from a request or a command line becomes conditions, or a clear refusal.

    {"metadata.kind": "manual"}                   equal
    {"metadata.lang": {"in": ["en", "de"]}}       any of
    {"metadata.year": {"gte": 2020, "lt": 2024}}  range
    {"document_id": "docs/setup.md", "source": …}

All must hold. A list field (`"tags": ["a", "b"]`) satisfies a condition when one element does. The
tenant is never a filter: it belongs to the query and is applied on every branch.
"""

import math
import re
import reprlib
from collections.abc import Iterator, Mapping
from typing import get_args

from rag.errors import BadFilter
from rag.values import Condition, Operator, Where, is_unicode

OPERATORS: tuple[Operator, ...] = get_args(Operator)
_FIELD = re.compile(r"document_id|source|title|metadata(\.[A-Za-z0-9_-]+)+")
_SHORT = reprlib.Repr()
_SHORT.maxstring = 80  # chosen: a refusal shows what was sent, not a megabyte of it


def parse_where(filters: object) -> Where:
    """Return the conditions of a filter; None and {} are no conditions.

    Raises:
        BadFilter: not an object, an unknown field or operator, or a value the operator cannot take.
            Integers have 64 bits, numbers are finite and strings valid Unicode: stores hold no
            others.

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
            f"unknown filter field {_SHORT.repr(field)}. Known: document_id, source, title, "
            "metadata.NAME"
        )
    tests = test if isinstance(test, Mapping) else {"eq": test}
    if not tests:
        raise BadFilter(
            f"filter on {_SHORT.repr(field)} has no operator. Known: {', '.join(OPERATORS)}"
        )
    for operator, value in tests.items():
        yield _condition(field, str(operator), value)


def _condition(field: str, operator: str, value: object) -> Condition:
    if operator == "eq":
        if isinstance(value, str | bool | int | float) and _storable(value):
            return Condition(field, "eq", value)
        raise _refusal(field, operator, "a string, number or boolean", value)
    if operator == "in":
        return Condition(field, "in", _members(field, value))
    for known in OPERATORS:
        if operator == known:
            if isinstance(value, int | float) and _storable(value) and not isinstance(value, bool):
                return Condition(field, known, value)
            raise _refusal(field, operator, "a number", value)
    raise BadFilter(
        f"unknown filter operator {_SHORT.repr(operator)} on {_SHORT.repr(field)}. Known: "
        f"{', '.join(OPERATORS)}"
    )


def _members(field: str, value: object) -> tuple[str, ...] | tuple[int, ...]:
    if isinstance(value, list | tuple) and value and all(map(_storable, value)):
        strings = tuple(v for v in value if isinstance(v, str))
        integers = tuple(v for v in value if isinstance(v, int) and not isinstance(v, bool))
        if len(strings) == len(value):
            return strings
        if len(integers) == len(value):
            return integers
    raise _refusal(field, "in", "a list of strings or of integers", value)


def _storable(value: object) -> bool:
    if isinstance(value, str):
        return is_unicode(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, float) and math.isfinite(value)


def _refusal(field: str, operator: str, needed: str, value: object) -> BadFilter:
    said = f"{_SHORT.repr(field)} {operator} needs {needed}, got {_SHORT.repr(value)}"
    parts = value if isinstance(value, list | tuple) else (value,)
    if any(isinstance(part, str | int | float) and not _storable(part) for part in parts):
        said += ": stores hold finite numbers, integers of 64 bits and valid Unicode"
    return BadFilter(said)
