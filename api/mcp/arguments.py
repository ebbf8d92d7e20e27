"""What the tools are given; bounds and defaults are those of the routes."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from api.compatible.reranking import MOST, Texts, Top
from api.compatible.reranking import Query as Asked
from api.requests import FILTER, MAX_CHUNKS, MAX_TURNS, K, Tenant, Text, Turn

Collection = Annotated[
    str, Meta(description="The collection to use. Leave it out for the usual one.")
]
Preset = Annotated[
    str,
    Meta(description="fast, balanced or quality: how much is done for it. Leave it out at first."),
]
AsOf = Annotated[
    str, Meta(max_length=64, description="Use only what held then: a date such as 2024-05-01.")
]


class _Finding(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    query: Text
    k: K = 10
    collection: Collection | UnsetType = UNSET
    tenant: Tenant | UnsetType = UNSET
    filter: Annotated[dict[str, Any], FILTER] | None = None
    as_of: AsOf = ""
    preset: Preset = ""


class Search(_Finding, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A search."""


class Answer(_Finding, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A question."""

    history: Annotated[
        tuple[Turn, ...],
        Meta(max_length=MAX_TURNS, description="What was said before, the oldest first."),
    ] = ()


class Rerank(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Texts to put in order."""

    query: Asked
    documents: Annotated[Texts, Meta(description=f"Up to {MOST:,} texts to put in order.")]
    top_n: Top | None = None
    method: Annotated[str, Meta(description="How; leave it out for the server's own method.")] = ""


class GetDocument(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A document, and which of its chunks."""

    document_id: Annotated[
        str, Meta(min_length=1, description="As a search result or a reference names it.")
    ]
    collection: Collection | UnsetType = UNSET
    tenant: Tenant | UnsetType = UNSET
    offset: Annotated[int, Meta(ge=0, description="The first chunk, counted from 0.")] = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_CHUNKS, description="How many chunks.")] = 100
