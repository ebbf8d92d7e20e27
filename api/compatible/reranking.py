"""`/v1/rerank`, `/v2/rerank` and `/rerank`, as Jina, Cohere and TEI have them.

What the shapes say: `reference/rerankers.md` L.1. Whoever sends `texts` to `/rerank` is a client of
TEI, and is answered as by TEI.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, TypeVar
from uuid import uuid4

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from api.body import require_json
from api.callers import Caller
from api.given import Given
from api.guarding import needs
from api.problems import documented
from rag.errors import BadInput
from rag.plan import MAX_QUERY_CHARS
from rag.wiring import Engine
from rag.wiring.reordering import NAMES, Reordered

MOST = 1_000  # documents of a request: what all of these services take
_NAME = "firstcite"
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {"priority": (0,), "rank_fields": (["text"],)}
"""Fields that are passed over, with the values that ask for nothing."""

Query: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_QUERY_CHARS)]
Top: TypeAlias = Annotated[int, Meta(ge=1, description="How many are returned; by default all.")]


class Text(Struct, frozen=True):
    """A document as an object."""

    text: str


Documents: TypeAlias = Annotated[tuple[str | Text, ...], Meta(min_length=1, max_length=MOST)]
Texts: TypeAlias = Annotated[tuple[str, ...], Meta(min_length=1, max_length=MOST)]


class RerankRequest(Struct, frozen=True, kw_only=True):
    """Documents to put in order: by relevance to the query, the best first."""

    query: Query
    documents: Documents
    model: Annotated[
        str | None,
        Meta(
            description="A method of reranking (GET /v1/models); any other name is the server's.",
            examples=["query-likelihood"],
        ),
    ] = None
    top_n: Top | None = None
    top_k: Top | None = None
    return_documents: bool | None = None


class TextsRequest(Struct, frozen=True, kw_only=True):
    """The same as TEI's clients ask it."""

    query: Query
    texts: Texts
    raw_scores: bool = False
    return_text: bool = False


class EitherRequest(Struct, frozen=True, kw_only=True):
    """A request of Jina's shape with `documents`, or of TEI's with `texts`."""

    query: Query
    documents: (
        Annotated[tuple[str | Text, ...], Meta(min_length=1, max_length=MOST)] | UnsetType
    ) = UNSET
    texts: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MOST)] | UnsetType = UNSET
    model: str | None = None
    top_n: Top | None = None
    top_k: Top | None = None
    return_documents: bool | None = None
    raw_scores: bool = False
    return_text: bool = False


Part = TypeVar("Part", RerankRequest, TextsRequest)


class Ranked(Struct, frozen=True, omit_defaults=True):
    """A document by its place in the request, from 0 on."""

    index: int
    relevance_score: float
    document: Text | UnsetType = UNSET


class Version(Struct, frozen=True):
    """Of the interface."""

    version: str


class Units(Struct, frozen=True):
    """What Cohere would have billed."""

    search_units: int


class About(Struct, frozen=True):
    """What Cohere's clients look at, and what was not done as asked."""

    api_version: Version
    billed_units: Units
    warnings: tuple[str, ...] = ()


class Used(Struct, frozen=True):
    """Tokens that a language model has read; none where none was asked."""

    prompt_tokens: int
    total_tokens: int


class RerankReply(Struct, frozen=True):
    """The documents, best first. Scores are between 0 and 1, and fall with the rank."""

    id: str
    model: str
    results: list[Ranked]
    usage: Used
    meta: About
    object: str = "list"


class Scored(Struct, frozen=True, omit_defaults=True):
    """A text by its place in the request, as TEI answers."""

    index: int
    score: float
    text: str | UnsetType = UNSET


_REFUSALS = documented(400, 401, 403, 413, 415, 500, 503)
_ABOUT: dict[str, Any] = {
    "status_code": 200,
    "tags": ["compatible"],
    "before_request": require_json,
    "responses": _REFUSALS,
    "opt": needs("read", heavy=True),
}


@post("/v1/rerank", operation_id="rerank", **_ABOUT)
async def rerank_v1(
    data: JSONBody[RerankRequest],
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
) -> RerankReply:
    """Put documents in order, as Jina, Cohere (v1), vLLM and llama.cpp do."""
    return await _reranked(data, await request.json(), given.engine, "1")


@post("/v2/rerank", operation_id="rerankV2", **_ABOUT)
async def rerank_v2(
    data: JSONBody[RerankRequest],
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
) -> RerankReply:
    """Put documents in order, as Cohere (v2) does."""
    return await _reranked(data, await request.json(), given.engine, "2")


@post("/rerank", operation_id="rerankEither", **_ABOUT)
async def rerank_either(
    data: JSONBody[EitherRequest],
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
) -> Response[Any]:
    """Put `texts` in order, as TEI does, or `documents`, as Jina does."""
    engine = given.engine
    body = await request.json()
    if data.documents is UNSET and data.texts is UNSET:
        raise BadInput("there is nothing to put in order: send documents, or texts")
    if data.texts is UNSET:
        return Response(await _reranked(_part(data, RerankRequest), body, engine, "1"))
    texts = _part(data, TextsRequest)
    found = await engine.reordering.order(texts.query, texts.texts)
    scores = found.raw if texts.raw_scores else found.scores
    return Response(
        [
            Scored(place, score, texts.texts[place] if texts.return_text else UNSET)
            for place, score in zip(found.order, scores, strict=True)
        ]
    )


def _part(data: EitherRequest, kind: type[Part]) -> Part:
    """Return a request as the one of the two that it is."""
    return kind(**{name: getattr(data, name) for name in kind.__struct_fields__})


async def _reranked(
    asked: RerankRequest, body: Mapping[str, Any], engine: Engine, version: str
) -> RerankReply:
    texts = [given if isinstance(given, str) else given.text for given in asked.documents]
    method = asked.model if asked.model in NAMES else ""
    found = await engine.reordering.order(asked.query, texts, method or "")
    results = [
        Ranked(place, score, Text(texts[place]) if asked.return_documents else UNSET)
        for place, score in zip(found.order, found.scores, strict=True)
    ]
    cost = found.stage.cost
    most = min(top for top in (asked.top_n, asked.top_k, len(texts)) if top is not None)
    return RerankReply(
        uuid4().hex,
        found.method,
        results[:most],
        Used(cost.tokens_in, cost.tokens_in + cost.tokens_out),
        About(Version(version), Units(1), tuple(_warnings(asked, body, found))),
    )


def _warnings(asked: RerankRequest, body: Mapping[str, Any], found: Reordered) -> list[str]:
    """Return what was not done as asked: fields that are passed over, and a method that failed."""
    known = {field.encode_name for field in msgspec.structs.fields(RerankRequest)}
    warnings = [
        f"'{name[:64]}' is passed over"
        for name in body
        if name not in known and body[name] is not None and body[name] not in _NEUTRAL.get(name, ())
    ]
    if asked.model and asked.model != _NAME and asked.model not in NAMES:
        warnings.append(f"'{asked.model[:64]}' is no method of this server: its own was taken")
    if found.degraded:
        warnings.append(f"degraded: {found.degraded}")
    return warnings
