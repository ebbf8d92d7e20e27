"""What is searched: settings by their names, each with the values that it may have."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias, get_args, get_type_hints

import msgspec

from eval.experiments.definition import SystemTable
from rag.errors import BadInput
from rag.expand.methods import EXPANSIONS
from rag.iterate.methods import ITERATIONS
from rag.sections import RerankSettings, SearchSettings
from rag.settings import Settings, changed
from rag.values import Frozen, Kind
from rag.wiring.reranking import parse_method

Value: TypeAlias = str | int | float | bool | tuple[str, ...]
Point: TypeAlias = Mapping[str, Value]
"""A value for every axis, by name."""

SECTIONS: Mapping[str, type[msgspec.Struct]] = {"search": SearchSettings, "rerank": RerankSettings}
IDLE = ("search.preset", "search.route", "search.router", "rerank.unguarded")
"""Settings that nothing depends on here: a study says itself how queries are handled."""

ASKED: Mapping[str, tuple[str, ...]] = {
    "branches": get_args(Kind),
    "expand": tuple(EXPANSIONS),
    "iterate": ("", *ITERATIONS),
}
"""What is no setting but asked for with a query, and its values: `branches`, `expand` are lists."""

SIGNIFICANT = 4  # digits of a number that is drawn: more of them no measurement can tell apart


@dataclass(frozen=True, slots=True)
class Choices(Frozen):
    """Values one of which is taken; `ordered` where they are numbers that rise."""

    name: str
    values: tuple[Value, ...]

    @property
    def ordered(self) -> bool:
        """Whether neighbours are alike."""
        numbers = [v for v in self.values if isinstance(v, int | float) and v is not True]
        return len(numbers) == len(self.values) and all(a < b for a, b in pairwise(numbers))


@dataclass(frozen=True, slots=True)
class Range(Frozen):
    """Numbers from `low` to `high`, both included; `whole` ones, or drawn by their logarithm."""

    name: str
    low: float
    high: float
    whole: bool
    log: bool = False

    def rounded(self, value: float) -> int | float:
        """Return a number of the range, near one that was drawn.

        >>> Range("search.dense_weight", 0.0, 1.0, whole=False).rounded(0.123456)
        0.1235
        """
        if self.whole:
            return int(min(max(round(value), self.low), self.high))
        return min(max(float(f"{value:.{SIGNIFICANT}g}"), self.low), self.high)


Axis: TypeAlias = Choices | Range
Space: TypeAlias = tuple[Axis, ...]


class _RangeTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    low: float
    high: float
    log: bool = False


def read_space(file: Path, table: Mapping[str, Any], settings: Settings) -> Space:
    """Return what a file's `[search]` describes.

    Args:
        file: for messages.
        table: axes by name: a list of values, or `{low, high, log}`.
        settings: of the baseline; every value is tried on them.

    Raises:
        BadInput: nothing is searched, an unknown setting, or a range that is none.
        BadSettings: a value that a setting cannot have.
    """
    axes = tuple(_axis(file, name, held) for name, held in _flat(table))
    if not axes:
        raise BadInput(f"{file}: [search] is empty: name a setting and the values it may have")
    for axis in axes:
        for value in _ends(axis) if axis.name not in ASKED else ():
            parse_method(settings_at(settings, {axis.name: value}).rerank)
    return axes


def settings_at(settings: Settings, point: Point) -> Settings:
    """Return the settings with those of a point.

    Raises:
        BadSettings: a value that a setting cannot have.
    """
    tables: dict[str, dict[str, object]] = {}
    for name, value in point.items():
        section, _, key = name.partition(".")
        if section in SECTIONS:
            tables.setdefault(section, {})[key] = value
    return changed(settings, tables)


def system_at(name: str, settings: Settings, point: Point) -> SystemTable:
    """Return the system of an experiment that is a point; without one it is the baseline's.

    Args:
        name: what it is called.
        settings: of the baseline.
        point: comes over them.
    """
    of = settings_at(settings, point)
    asked = {key: point[key] for key in ASKED if key in point}
    tables = {section: msgspec.structs.asdict(getattr(of, section)) for section in SECTIONS}
    return msgspec.convert({"name": name, **asked, "settings": tables}, SystemTable)


def in_effect(space: Space, settings: Settings) -> Point:
    """Return the value that every axis has by settings, whether it may have it or not."""
    usual = SystemTable("")
    found: dict[str, Value] = {}
    for axis in space:
        section, _, key = axis.name.partition(".")
        of = getattr(settings, section) if key else usual
        found[axis.name] = getattr(of, key or section)
    return found


def point_of(space: Space, settings: Settings) -> Point | None:
    """Return the point that settings are, None where it is outside what is searched."""
    point = in_effect(space, settings)
    return point if all(_holds(axis, point[axis.name]) for axis in space) else None


def _holds(axis: Axis, value: Value) -> bool:
    if isinstance(axis, Choices):
        return value in axis.values
    return isinstance(value, int | float) and axis.low <= value <= axis.high


def written(value: Value) -> str:
    """Return a value as tables show it.

    >>> written(("rm3", "rocchio")), written(""), written(0.25), written(True)
    ('rm3+rocchio', '–', '0.25', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return ("+".join(value) if isinstance(value, tuple) else str(value)) or "–"


def _flat(table: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    """Return axes by their dotted names, however the file writes them."""
    found: list[tuple[str, Any]] = []
    for name, held in table.items():
        if name in SECTIONS and isinstance(held, dict):
            found += [(f"{name}.{key}", value) for key, value in held.items()]
        else:
            found.append((name, held))
    return found


def _axis(file: Path, name: str, held: object) -> Axis:
    where = f"{file}: [search] {name}"
    if name not in known() or name in IDLE:
        told = f"{where} changes nothing here" if name in IDLE else f"{where}: unknown setting"
        raise BadInput(f"{told}. Known: {', '.join(n for n in known() if n not in IDLE)}")
    if isinstance(held, dict):
        return _range(where, name, held)
    if not isinstance(held, list) or not held:
        raise BadInput(f"{where}: give a list of values, or {{low = …, high = …}}")
    return _choices(where, name, held)


def _choices(where: str, name: str, held: Sequence[Any]) -> Choices:
    values: tuple[Value, ...] = tuple(tuple(v) if isinstance(v, list) else v for v in held)
    if name in ASKED:
        _check_asked(where, name, values)
    elif any(isinstance(value, tuple | dict) for value in values):
        raise BadInput(f"{where}: its values are no lists")
    elif _kind(name) is float:
        values = tuple(float(v) if type(v) is int else v for v in values)
    if len(set(values)) < len(values):
        raise BadInput(f"{where}: a value stands there twice: keep one of the two")
    return Choices(name, values)


def _check_asked(where: str, name: str, values: Sequence[Value]) -> None:
    lists = name != "iterate"
    for value in values:
        if isinstance(value, tuple) is not lists:
            raise BadInput(f"{where}: {value!r} is no {'list of names' if lists else 'name'}")
        for one in value if isinstance(value, tuple) else (value,):
            if one not in ASKED[name]:
                raise BadInput(f"{where}: unknown '{one}'. Known: {', '.join(ASKED[name])}")


def _range(where: str, name: str, held: Mapping[str, object]) -> Range:
    kind = _kind(name)
    if kind not in (int, float):
        raise BadInput(f"{where} is no number: give a list of values")
    try:
        of = msgspec.convert(held, _RangeTable)
    except msgspec.ValidationError as error:
        raise BadInput(
            f"{where}: {error}: give {{low = …, high = …, log = true or false}}"
        ) from None
    if kind is int and not (of.low.is_integer() and of.high.is_integer()):
        raise BadInput(f"{where} is a whole number: give whole ends")
    if not (math.isfinite(of.low) and math.isfinite(of.high) and of.low < of.high):
        raise BadInput(f"{where}: the range {of.low:g} to {of.high:g} is empty: low is below high")
    if of.log and of.low <= 0:
        raise BadInput(f"{where}: a logarithm begins above 0: its low is {of.low:g}")
    return Range(name, of.low, of.high, kind is int, of.log)


def known() -> tuple[str, ...]:
    """Return the names of all axes, those that are idle here among them."""
    settings = (
        f"{section}.{key}" for section, of in SECTIONS.items() for key in get_type_hints(of)
    )
    return (*settings, *ASKED)


def _kind(name: str) -> object:
    """Return the type of a setting, without what is said about it."""
    section, _, key = name.partition(".")
    if section not in SECTIONS:
        return str
    return get_type_hints(SECTIONS[section])[key]


def _ends(axis: Axis) -> Sequence[Value]:
    """Return values of an axis whose soundness is that of all."""
    if isinstance(axis, Choices):
        return axis.values
    return (axis.rounded(axis.low), axis.rounded(axis.high))
