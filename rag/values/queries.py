"""Query ─plan→ Plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeAlias

from rag.values.documents import DEFAULT_TENANT, Access, SparseVector
from rag.values.frozen import Frozen, Scalar
from rag.values.messages import Prompt
from rag.values.stages import Trace

Superseded: TypeAlias = Literal["mark", "hide", "show"]
"""What becomes of passages that a later one superseded: "show" is as if nobody knew."""

Operator = Literal["eq", "in", "gte", "gt", "lte", "lt"]


@dataclass(frozen=True, slots=True)
class Condition(Frozen):
    """One condition on a payload field, e.g. `metadata.year gte 2020`.

    `in` takes a tuple of strings or integers; the range operators take numbers.
    """

    field: str
    operator: Operator
    value: Scalar | tuple[str, ...] | tuple[int, ...]


Where: TypeAlias = tuple[Condition, ...]
"""Conditions that must all hold."""


@dataclass(frozen=True, slots=True)
class Handling(Frozen):
    """How a query is handled beyond the search with its own words.

    Args:
        standalone: whether a question in a conversation is made one that stands for itself.
        expand: names of expansions, which add branches.
        route: who decides whether a question needs no search, one, or several; "" is nobody.
        iterate: how evidence is gathered in several steps; "" is not.
        depth: hits that each branch fetches; 0 is the settings'.
        rerank_depth: candidates that are reranked; None is the settings', 0 is none.
        generator: who writes the answer; "" is the settings'.
        samples: answers that are written, the best cited of which is given; 0 is the settings'.
        calls: the most requests to the model for all of this but the reranking.
        seconds: the most time for it.
    """

    standalone: bool = False
    expand: tuple[str, ...] = ()
    route: str = ""
    iterate: str = ""
    depth: int = 0
    rerank_depth: int | None = None
    generator: str = ""
    samples: int = 0
    calls: int = 40
    seconds: float = 10.0

    def after(self, calls: int, seconds: float) -> Self:
        """Return what is left of it when so much has been spent.

        >>> Handling(calls=4, seconds=2.0).after(1, 3.0).seconds
        0.0
        """
        left = max(0, self.calls - calls), max(0.0, self.seconds - seconds)
        return replace(self, calls=left[0], seconds=left[1])


@dataclass(frozen=True, slots=True)
class Query(Frozen):
    """What somebody asked: `k` results of `tenant`'s documents that satisfy `where`.

    `principals` are the names of who asks; None is a trusted caller, who sees the whole tenant.
    `branches` and `fusion` override the settings; empty means the default. `history` is what was
    said before, the oldest first. `superseded` ("" is the settings') says what becomes of passages
    that are no longer true; with `as_of`, an ISO date, only what held then is found. `preset` names
    a handling, "" the settings'; `handling` is one for this query alone. `changes` are fields of
    either that are otherwise: {"rerank_depth": 20}.
    """

    text: str
    k: int = 10
    where: Where = ()
    tenant: str = DEFAULT_TENANT
    branches: tuple[str, ...] = ()
    fusion: str = ""
    history: Prompt = ()
    preset: str = ""
    handling: Handling | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    principals: tuple[str, ...] | None = None
    superseded: Superseded | Literal[""] = ""
    as_of: str = ""

    @property
    def marks(self) -> bool:
        """Whether what is superseded is to be told from what holds; of what held then, all did."""
        return self.superseded != "show" and not self.as_of

    def spending(self, calls: int, seconds: float) -> Self:
        """Return the query with what its handling has left afterwards."""
        return replace(self, handling=self.handled.after(calls, seconds))

    @property
    def access(self) -> Access:
        """What may be read to answer it."""
        return Access(self.tenant, self.principals)

    @property
    def handled(self) -> Handling:
        """How it is handled: as it says, or by the settings alone."""
        return self.handling or Handling()


Kind: TypeAlias = Literal["bm25", "dense"]


@dataclass(frozen=True, slots=True)
class Part(Frozen):
    """A text that a branch looks with, and its weight beside the other parts.

    `reads` says whether a dense encoder reads it as a query or, such as a passage that was written
    for the query, as a document.
    """

    text: str
    weight: float = 1.0
    reads: Literal["query", "document"] = "query"


Form: TypeAlias = tuple[Part, ...] | SparseVector
"""What a branch looks with: weighted texts, whose vectors are added up, or weighted terms."""


@dataclass(frozen=True, slots=True)
class Branch(Frozen):
    """One way of looking: its name, what it looks for, and how many hits it fetches.

    A name is "bm25" or "dense", where needed with what makes the branch special after a plus:
    "bm25+rm3". `text` is what people are shown; without a `form`, it is what is looked for.
    `weight` is the branch's share beside other special branches of its kind (`rag.fuse.shares`).
    """

    name: str
    text: str
    depth: int
    form: Form = ()
    weight: float = 1.0

    @property
    def kind(self) -> Kind:
        """Which vectors are searched.

        >>> Branch("bm25+rm3", "q", 10).kind, Branch("dense", "q", 10).kind
        ('bm25', 'dense')
        """
        return "bm25" if self.name.partition("+")[0] == "bm25" else "dense"


@dataclass(frozen=True, slots=True)
class Plan(Frozen):
    """How a query will be answered: branches by name, then one fusion of their rankings."""

    query: Query
    branches: tuple[Branch, ...]
    fusion: str
    trace: Trace = ()
