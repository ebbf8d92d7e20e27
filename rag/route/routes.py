"""What routing decides: the kind of a question, and who says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from rag.values import Frozen

Kind: TypeAlias = Literal["A", "B", "C"]
"""No search (A), one search (B), several steps (C): the classes of Adaptive-RAG (2403.14403)."""

By: TypeAlias = Literal["rules", "classifier", "neighbours", "claims", "default"]

KINDS: tuple[Kind, ...] = ("A", "B", "C")
"""Every kind, the cheapest first."""

DEFAULT: Kind = "B"
"""Whoever is unsure searches: a search too many costs less than one that was needed."""


@dataclass(frozen=True, slots=True)
class Route(Frozen):
    """What a question needs, who decided it and why.

    `probabilities` are of the kinds that were weighed, where somebody weighed them.
    """

    kind: Kind
    by: By
    why: str
    probabilities: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Routed(Frozen):
    """A route, and what else is worth searching for beside the question, if anything."""

    route: Route
    queries: tuple[str, ...] = ()


def unsure(why: str, probabilities: Mapping[str, float] | None = None) -> Route:
    """Return the default route: search once.

    >>> unsure("nobody knows")
    Route(kind='B', by='default', why='nobody knows', probabilities={})
    """
    return Route(DEFAULT, "default", why, probabilities or {})
