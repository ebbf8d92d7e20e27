"""Searches and questions."""

from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody
from msgspec import UnsetType, structs

from api.body import require_json
from api.callers import Caller
from api.explaining import explanation
from api.given import Given
from api.guarding import needs
from api.problems import documented
from api.replies import (
    AnswerResponse,
    SearchResponse,
    answer_response,
    search_response,
)
from api.requests import AnswerRequest, SearchRequest
from api.stamping import request_id
from api.streaming import EVENTS, streamed
from rag.pipeline import QueryPath
from rag.wiring import Engine

ANSWERED = ResponseSpec(
    AnswerResponse, generate_examples=False, description="The answer; streamed, its events."
)
_REFUSALS = documented(400, 401, 403, 404, 409, 413, 415, 500, 503)


@post(
    "/v1/search",
    operation_id="search",
    status_code=200,
    tags=["query"],
    before_request=require_json,
    responses=_REFUSALS,
    opt=needs("read"),
)
async def search(
    data: JSONBody[SearchRequest],
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
) -> SearchResponse:
    """Find the k best chunks for a query."""
    engine = given.engine
    query = data.parse(request.user)
    path = await _path(engine, data.collection, given.default)
    if data.explain:
        results, found, fused = await path.explain(query)
        told = structs.replace(
            search_response(results), explanation=explanation(results, found, fused)
        )
    else:
        results = await path.search(query)
        told = search_response(results)
    given.meter.trace(results.trace)
    return told


@post(
    "/v1/answer",
    operation_id="answer",
    status_code=200,
    tags=["query"],
    before_request=require_json,
    responses={**_REFUSALS, 200: ANSWERED},
    opt=needs("read", heavy=True),
)
async def answer(
    data: JSONBody[AnswerRequest],
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
) -> Response[Any]:
    """Answer a question with sentences that are quoted and cited, or say why not.

    With `stream`, or for who accepts `text/event-stream`, the answer comes while it is made, as the
    events meta, search_results, (delta | citation)…, verification…, final, done.
    """
    engine = given.engine
    query = data.parse(request.user)
    path = await _path(engine, data.collection, given.default)
    if data.stream or EVENTS in request.headers.get("accept", ""):
        return await streamed(given.meter.events(path.stream(query, request_id(request.scope))))
    answered = await path.answer(query)
    given.meter.answer(answered)
    return Response(answer_response(answered))


async def _path(engine: Engine, name: str | UnsetType, default: str) -> QueryPath:
    return await engine.collection(default if isinstance(name, UnsetType) else name)
