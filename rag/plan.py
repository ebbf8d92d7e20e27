"""Planning: a query becomes branches with explicit depths and one fusion."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

from rag.errors import BadQuery
from rag.presets import PRESETS
from rag.values import (
    Branch,
    Frozen,
    Handling,
    Kind,
    Plan,
    Query,
    Stage,
    Superseded,
    instant,
    is_unicode,
    now,
)

BRANCHES: tuple[Kind, ...] = get_args(Kind)
TREATMENTS: tuple[Superseded, ...] = get_args(Superseded)
MAX_K = 1_000
MAX_SAMPLES = 16
MAX_QUERY_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Defaults(Frozen):
    """What a query gets when it does not say: fusion, hits per branch and preset, all by name.

    `expansions`, `routers`, `iterations` and `generators` are the names that a handling may use.
    `superseded` says what becomes of superseded passages, and `clock` what time it is.
    """

    fusion: str
    depth: int
    fusions: tuple[str, ...]
    preset: str = "balanced"
    presets: Mapping[str, Handling] = field(default_factory=lambda: PRESETS)
    expansions: tuple[str, ...] = ()
    routers: tuple[str, ...] = ()
    iterations: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()
    superseded: Superseded = "mark"
    clock: Callable[[], str] = now


def make_plan(query: Query, defaults: Defaults) -> Plan:
    """Return the plan of a query; each branch fetches `max(k, depth)` hits.

    The plan's query says how it is handled: as it asks, or by its preset; and as of when, where
    what is superseded is hidden.

    Raises:
        BadQuery: no text, text over 20,000 characters or that is no valid Unicode, k outside
            1..1000, principals that are no names, an instant that is no ISO date, or an unknown
            branch, fusion, preset, expansion, router, iteration, generator or treatment of what is
            superseded.
    """
    text = re.sub(r"\s+", " ", query.text).strip()
    if not text:
        raise BadQuery("the query is empty: ask something")
    if len(text) > MAX_QUERY_CHARS:
        raise BadQuery(f"the query has {len(text):,} characters: at most {MAX_QUERY_CHARS:,}")
    if not (is_unicode(text) and is_unicode(query.tenant)):
        raise BadQuery("the query or its tenant is no valid Unicode: send it as UTF-8")
    _check_principals(query.principals)
    if not 1 <= query.k <= MAX_K:
        raise BadQuery(f"k is {query.k}: ask for 1 to {MAX_K} results")
    fusion = query.fusion or defaults.fusion
    if fusion not in defaults.fusions:
        raise BadQuery(f"unknown fusion {fusion!r}. Known: {', '.join(defaults.fusions)}")
    names = dict.fromkeys(map(_branch, query.branches)) or dict.fromkeys(BRANCHES)
    handling = _handling(query, defaults)
    depth = max(query.k, handling.depth or defaults.depth)
    branches = tuple(Branch(name, text, depth) for name in names)
    stage = Stage("plan", 0.0, detail=" + ".join(names))
    query = replace(_timed(query, defaults), handling=handling, changes={})
    return Plan(query, branches, fusion, (stage,))


def _timed(query: Query, defaults: Defaults) -> Query:
    """Return the query as it treats what is superseded, and as of when."""
    treats = query.superseded or defaults.superseded
    if treats not in TREATMENTS:
        raise BadQuery(f"unknown superseded {treats!r}. Known: {', '.join(TREATMENTS)}")
    as_of = instant(query.as_of)
    if query.as_of and not as_of:
        raise BadQuery(f"as_of is {query.as_of!r}: give a date of ISO 8601, such as 2024-05-01")
    if treats == "hide" and not as_of:
        as_of = defaults.clock()
    return replace(query, superseded=treats, as_of=as_of)


def _check_principals(principals: object) -> None:
    """Raise where who asks cannot be read: a lone string would stand for its letters."""
    if principals is None:
        return
    if not (isinstance(principals, tuple) and all(isinstance(name, str) for name in principals)):
        raise BadQuery(f"principals are {principals!r}: give a tuple of names, or None")
    if bad := [name for name in principals if not (name.strip() and is_unicode(name))]:
        raise BadQuery(f"{bad[0]!r} is no principal: a name has characters, in valid Unicode")


def _handling(query: Query, defaults: Defaults) -> Handling:
    name = query.preset or defaults.preset
    if name not in defaults.presets:
        raise BadQuery(f"unknown preset {name!r}. Known: {', '.join(defaults.presets)}")
    fields = [field.name for field in dataclasses.fields(Handling)]
    if unknown := [field for field in query.changes if field not in fields]:
        raise BadQuery(f"a handling has no {unknown[0]!r}. Known: {', '.join(fields)}")
    handling = query.handling or defaults.presets[name]
    if query.changes:
        handling = replace(handling, **query.changes)
    for what, asked, known in (
        ("expansion", handling.expand, defaults.expansions),
        ("router", (handling.route,), ("", *defaults.routers)),
        ("iteration", (handling.iterate,), ("", *defaults.iterations)),
        ("generator", (handling.generator,), ("", *defaults.generators)),
    ):
        if unknown := [one for one in asked if one not in known]:
            raise BadQuery(
                f"unknown {what} {unknown[0]!r}. Known: {', '.join(filter(None, known))}"
            )
    counts = (handling.depth, handling.rerank_depth or 0, handling.samples, handling.calls)
    if min(counts) < 0 or handling.seconds < 0:
        raise BadQuery("depth, rerank_depth, samples, calls and seconds are 0 or more")
    if handling.samples > MAX_SAMPLES:
        raise BadQuery(f"samples is {handling.samples}: at most {MAX_SAMPLES} answers are written")
    return handling


def _branch(name: str) -> Kind:
    for known in BRANCHES:
        if name == known:
            return known
    raise BadQuery(f"unknown branch {name!r}. Known: {', '.join(BRANCHES)}")
