"""Planning: a query becomes branches with explicit depths and one fusion."""

import re
from dataclasses import dataclass
from typing import get_args

from rag.errors import BadQuery
from rag.values import Branch, Frozen, Kind, Plan, Query, Stage, is_unicode

BRANCHES: tuple[Kind, ...] = get_args(Kind)
MAX_K = 1_000
MAX_QUERY_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Defaults(Frozen):
    """What a query gets when it does not say: fusion by name, hits per branch."""

    fusion: str
    depth: int
    fusions: tuple[str, ...]


def make_plan(query: Query, defaults: Defaults) -> Plan:
    """Return the plan of a query; each branch fetches `max(k, depth)` hits.

    Raises:
        BadQuery: no text, text over 20,000 characters or that is no valid Unicode, k outside
            1..1000, or an unknown branch or fusion.
    """
    text = re.sub(r"\s+", " ", query.text).strip()
    if not text:
        raise BadQuery("the query is empty: ask something")
    if len(text) > MAX_QUERY_CHARS:
        raise BadQuery(f"the query has {len(text):,} characters: at most {MAX_QUERY_CHARS:,}")
    if not (is_unicode(text) and is_unicode(query.tenant)):
        raise BadQuery("the query or its tenant is no valid Unicode: send it as UTF-8")
    if not 1 <= query.k <= MAX_K:
        raise BadQuery(f"k is {query.k}: ask for 1 to {MAX_K} results")
    fusion = query.fusion or defaults.fusion
    if fusion not in defaults.fusions:
        raise BadQuery(f"unknown fusion {fusion!r}. Known: {', '.join(defaults.fusions)}")
    names = dict.fromkeys(map(_branch, query.branches)) or dict.fromkeys(BRANCHES)
    depth = max(query.k, defaults.depth)
    branches = tuple(Branch(name, text, depth) for name in names)
    return Plan(query, branches, fusion, (Stage("plan", 0.0, detail=" + ".join(names)),))


def _branch(name: str) -> Kind:
    for known in BRANCHES:
        if name == known:
            return known
    raise BadQuery(f"unknown branch {name!r}. Known: {', '.join(BRANCHES)}")
