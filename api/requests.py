"""What is asked over the wire, parsed into values."""

from dataclasses import fields, replace
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from api.callers import LONGEST_TENANT, Caller
from rag.errors import BadFilter
from rag.filters import parse_where
from rag.plan import MAX_K, MAX_QUERY_CHARS, MAX_SAMPLES
from rag.values import Handling, Message, Query, Where

_COLLECTION = Meta(
    description="Collection to search; by default the server's.", examples=["handbook"]
)
FILTER = Meta(
    description="Conditions that must all hold.",
    examples=[{"metadata.year": {"gte": 2020}, "metadata.lang": {"in": ["en", "de"]}}],
)
MAX_TURNS = 64
MAX_CHUNKS = 1_000  # of a document in one reply
Tenant = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_TENANT,
        description="Whose documents; by default the key's tenant, or default.",
    ),
]
Principals = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=256)], ...],
    Meta(
        max_length=1_000,
        description="Who asks; null is a trusted caller, who sees everything. By default the "
        "key's principals.",
    ),
]
K = Annotated[int, Meta(ge=1, le=MAX_K, description="How many chunks.")]
Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_QUERY_CHARS,
        description="The question or query.",
        examples=["How long does the sample freezer stay cold without power?"],
    ),
]


def conditions(given: str) -> Where:
    """Return the conditions of a filter that stands as JSON in an address.

    Raises:
        BadFilter: it cannot be read.
    """
    try:
        return parse_where(msgspec.json.decode(given))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadFilter(f"the filter cannot be read as JSON: {error}") from error


class Turn(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that was said before."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Meta(max_length=MAX_QUERY_CHARS)]

    def said(self) -> Message:
        """Return it as a message."""
        return Message(self.role, self.content)


class _Asked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked, for whom, and how it is handled: a preset, and what differs from it."""

    query: Text
    k: K = 10
    collection: Annotated[str, _COLLECTION] | UnsetType = UNSET
    tenant: Tenant | UnsetType = UNSET
    principals: Principals | UnsetType | None = UNSET
    filter: Annotated[dict[str, Any], FILTER] | None = None
    superseded: Annotated[
        Literal["", "mark", "hide", "show"],
        Meta(description="What becomes of superseded passages; by default search.superseded."),
    ] = ""
    as_of: Annotated[
        str,
        Meta(max_length=64, description="Find only what held then: a date such as 2024-05-01."),
    ] = ""
    history: Annotated[
        tuple[Turn, ...],
        Meta(description="What was said before, the oldest first.", max_length=MAX_TURNS),
    ] = ()
    preset: Annotated[
        str, Meta(description="fast, balanced or quality; by default search.preset.")
    ] = ""
    standalone: (
        Annotated[
            bool, Meta(description="Make a question in a conversation one that stands for itself.")
        ]
        | UnsetType
    ) = UNSET
    expand: (
        Annotated[tuple[str, ...], Meta(description="Names of expansions.", max_length=16)]
        | UnsetType
    ) = UNSET
    route: (
        Annotated[
            str, Meta(description="Who decides whether it is searched for: rules, claims, ….")
        ]
        | UnsetType
    ) = UNSET
    iterate: (
        Annotated[str, Meta(description="How several steps are taken: decompose, ircot, ….")]
        | UnsetType
    ) = UNSET
    depth: (
        Annotated[int, Meta(ge=1, le=10_000, description="Hits that each branch fetches.")]
        | UnsetType
    ) = UNSET
    rerank_depth: (
        Annotated[int, Meta(ge=0, le=MAX_K, description="Candidates that are reranked; 0 is none.")]
        | UnsetType
    ) = UNSET
    calls: (
        Annotated[
            int, Meta(ge=0, le=1_000, description="Most requests to the model, reranking apart.")
        ]
        | UnsetType
    ) = UNSET
    seconds: (
        Annotated[float, Meta(ge=0, le=600, description="Most time for those.")] | UnsetType
    ) = UNSET

    def parse(self, caller: Caller) -> Query:
        """Return the query, of what the caller may read.

        Raises:
            BadFilter: the filter cannot be read.
            Forbidden: it names a tenant or principals that are not the caller's.
        """
        return Query(
            self.query,
            self.k,
            parse_where(self.filter),
            caller.in_tenant(self.tenant),
            history=tuple(turn.said() for turn in self.history),
            preset=self.preset,
            changes=self._changes(),
            principals=caller.reading_as(self.principals),
            superseded=self.superseded,
            as_of=self.as_of,
        )

    def _changes(self) -> dict[str, Any]:
        """Return what differs from the preset."""
        names = (field.name for field in fields(Handling))
        given = {name: getattr(self, name, UNSET) for name in names}
        return {name: value for name, value in given.items() if value is not UNSET}


class SearchRequest(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A search."""

    branches: Annotated[
        tuple[str, ...], Meta(description="bm25, dense; by default both.", max_length=8)
    ] = ()
    fusion: Annotated[str, Meta(description="rrf, dbsf or convex; by default search.fusion.")] = ""
    explain: Annotated[
        bool, Meta(description="Say what was searched for, and why each result is where it is.")
    ] = False

    def parse(self, caller: Caller) -> Query:
        """Return the query, of what the caller may read.

        Raises:
            BadFilter, Forbidden: as above.
        """
        return replace(_Asked.parse(self, caller), branches=self.branches, fusion=self.fusion)


class AnswerRequest(_Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A question to answer."""

    stream: Annotated[bool, Meta(description="Tell the answer while it is made, as events.")] = (
        False
    )
    generator: (
        Annotated[
            str, Meta(description="Who writes: extractive, inline, …; by default answer.generator.")
        ]
        | UnsetType
    ) = UNSET
    samples: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MAX_SAMPLES,
                description="Answers that are written, the best cited of which is given.",
            ),
        ]
        | UnsetType
    ) = UNSET
