"""A study as its TOML file describes it: what is searched, for what, and how long."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from eval.experiments.definition import (
    CollectionTable,
    Count,
    Definition,
    Positive,
    check_keys,
    placed,
    read_tables,
)
from eval.experiments.record import Price
from eval.measures import parse
from eval.tuning.space import Space, read_space
from rag.errors import BadInput
from rag.sections.basics import Section, says
from rag.settings import Settings, changed
from rag.values import Frozen

NotNegative = Annotated[float, Meta(ge=0)]


class Objectives(Section, frozen=True):
    """What is searched for."""

    quality: Annotated[str, says("the measure that shall rise, as ir_measures names it")] = (
        "nDCG@10"
    )
    latency: Annotated[bool, says("whether the 95th percentile of latency shall fall")] = True
    cost: Annotated[bool, says("whether what tokens cost shall fall, by `prices`")] = False


class Limits(Section, frozen=True):
    """What a point that is written may not go beyond; 0 is no limit."""

    p95_ms: Annotated[NotNegative, says("95th percentile of latency, milliseconds")] = 0.0
    cost: Annotated[NotNegative, says("of 1,000 queries, in the prices' currency")] = 0.0


class StudyTable(Section, frozen=True):
    """A study's file."""

    name: Annotated[str, says("what the study is called")]
    collections: Annotated[
        tuple[CollectionTable, ...], Meta(min_length=1), says("as in an experiment's file")
    ]
    search: Annotated[dict[str, Any], says("settings, and what each may be")]
    objectives: Annotated[Objectives, says("what is searched for")] = Objectives()
    limits: Annotated[Limits, says("what a point that is written may not go beyond")] = Limits()
    trials: Annotated[Positive, says("points that are evaluated beside the baseline")] = 30
    budget: Annotated[
        NotNegative, says("seconds of evaluations after which none begins; 0 is no limit")
    ] = 0.0
    seed: Annotated[Count, says("decides everything that is drawn")] = 20_261_122
    sampler: Annotated[
        Literal["botorch", "tpe"], says("who proposes points; TPE where BoTorch is missing")
    ] = "botorch"
    depth: Annotated[Positive, says("documents that are returned")] = 10
    prices: Annotated[tuple[Price, ...], says("what models cost, as in an experiment's file")] = ()
    settings: Annotated[dict[str, Any], says("any setting, of the baseline and all points")] = (
        msgspec.field(default_factory=dict)
    )


TABLES: Mapping[str, type] = {
    "": StudyTable,
    "collections": CollectionTable,
    "objectives": Objectives,
    "limits": Limits,
    "prices": Price,
}
"""What each table of the file may hold; what `search` may, `eval.tuning.space` says."""


@dataclass(frozen=True, slots=True)
class Study(Frozen):
    """A study that can be done: its table, what it searches, and the settings of its baseline."""

    table: StudyTable
    space: Space
    settings: Settings


def read_study(file: Path, settings: Settings, collections: Path | None = None) -> Study:
    """Return the study that a file describes.

    Args:
        file: TOML; paths in it begin where it lies.
        settings: what is in effect: the baseline, with the file's own `settings` over it.
        collections: what `{collections}` stands for in paths.

    Raises:
        BadInput: it cannot be read, holds an unknown key, measure or setting, or an empty range.
        BadSettings: a value that a setting cannot have.
    """
    tables = read_tables(file)
    check_keys(file, TABLES, "", tables)
    try:
        table = msgspec.convert(tables, StudyTable)
    except msgspec.ValidationError as error:
        raise BadInput(f"{file}: {error}: see docs/tuning.md") from None
    try:
        parse(table.objectives.quality)
    except BadInput as error:
        raise BadInput(f"{file}: objectives.quality: {error}") from None
    if table.objectives.cost and not table.prices:
        raise BadInput(f"{file}: cost is an objective: say what models cost in [[prices]]")
    if table.limits.cost and not table.prices:
        raise BadInput(f"{file}: cost has a limit: say what models cost in [[prices]]")
    if len({price.currency for price in table.prices}) > 1:
        raise BadInput(f"{file}: prices are in several currencies: write them in one")
    lying = placed(file, Definition(table.name, table.collections, ()), collections)
    base = changed(settings, table.settings)
    return Study(
        msgspec.structs.replace(table, collections=lying.collections),
        read_space(file, table.search, base),
        base,
    )
