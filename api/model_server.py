"""An HTTP server over a local language model that speaks the OpenAI protocol, as vLLM extends it.

Beside the protocol: `continue_final_message`, `add_generation_prompt`, `prompt_logprobs` and
`POST /tokenize`. What would change an answer and is not implemented is refused by name.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from litestar import Litestar, Request, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ClientException, HTTPException
from litestar.params import JSONBody
from litestar.response import Stream

from api.body import require_json
from api.model_problems import ClientGone, Refused, http_problem, rag_problem, unexpected
from api.model_replies import BAD_REQUEST, Report, task
from api.model_schemas import (
    NEUTRAL,
    ChatReply,
    ChatRequest,
    Model,
    Models,
    TokenizeRequest,
    Tokens,
)
from api.replies import Health
from rag.errors import RagError
from rag.llms.local import LocalLLM

T = TypeVar("T")

MAX_BODY_BYTES = 4_000_000  # chosen: more text than any context window of today holds
NOT_FOUND = 404


def create_model_app(llm: LocalLLM, max_body_bytes: int = MAX_BODY_BYTES) -> Litestar:
    """Return the application; who opened the model closes it when the server has ended."""
    return Litestar(
        route_handlers=[models, health, chat, tokenize],
        dependencies={"llm": Provide(lambda: llm, sync_to_thread=False)},
        exception_handlers={
            RagError: rag_problem,
            HTTPException: http_problem,
            Exception: unexpected,
        },
        request_max_body_size=max_body_bytes,
        openapi_config=None,
        logging_config=None,
    )


async def require_supported(request: Request[Any, Any, Any]) -> None:
    """Read the body, and refuse what it asks for beyond what is implemented.

    Raises:
        ClientException: the body is no JSON object.
        Refused: a parameter would change the answer and is not implemented.
    """
    await require_json(request)
    body = await request.json()
    if not isinstance(body, dict):
        raise ClientException("the body is no JSON object")
    for name, values in NEUTRAL.items():
        value = body.get(name)
        if value is not None and value not in values:
            raise Refused(
                BAD_REQUEST, f"{name} is not supported: leave it out", name, "unsupported_parameter"
            )


@get("/health")
async def health() -> Health:
    """Say that the process is alive and the model loaded."""
    return Health()


@get("/v1/models")
async def models(llm: NamedDependency[LocalLLM]) -> Models:
    """List the one model."""
    return Models((Model(llm.spec.name, llm.spec.context_window),))


@post("/v1/chat/completions", status_code=200, before_request=require_supported)
async def chat(
    data: JSONBody[ChatRequest], request: Request[Any, Any, Any], llm: NamedDependency[LocalLLM]
) -> ChatReply | Stream:
    """Answer a chat, whole or as a stream."""
    _known(llm, data.model)
    report = Report(llm, task(llm, data))
    if data.stream:
        return Stream(report.events(), media_type="text/event-stream")
    return await _unless_gone(request, report.whole())


@post("/tokenize", status_code=200, before_request=require_json)
async def tokenize(data: JSONBody[TokenizeRequest], llm: NamedDependency[LocalLLM]) -> Tokens:
    """Cut a text into tokens, or a chat with its template; marks in a text are text."""
    _known(llm, data.model)
    if (data.prompt is None) == (not data.messages):
        raise Refused(BAD_REQUEST, "send either prompt or messages")
    if data.prompt is None:
        ids = llm.renderer.ids(tuple(turn.parse() for turn in data.messages), "next")
    else:
        ids = llm.renderer.continuation(data.prompt)
    return Tokens(tuple(ids), len(ids), llm.spec.context_window)


def _known(llm: LocalLLM, name: str) -> None:
    if name and name != llm.spec.name:
        raise Refused(
            NOT_FOUND,
            f"the model '{name}' is not served here: ask for '{llm.spec.name}'",
            "model",
            "model_not_found",
        )


async def _unless_gone(request: Request[Any, Any, Any], work: Coroutine[None, None, T]) -> T:
    """Return the result, or stop the work when the client goes away: no server does it for us."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.wait({working, leaving})


async def _left(request: Request[Any, Any, Any]) -> None:
    """Return when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
