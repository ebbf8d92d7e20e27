"""`/v1/chat/completions`, as OpenAI has it: the last message is answered from the documents.

The text carries its citations as [1]; `citations` and `search_results`, in Perplexity's shape, are
always there, and `firstcite` is the answer as `/v1/answer` gives it. A client that only reads the
text has everything it needs.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody
from litestar.response import Stream
from msgspec import UNSET, Meta, Struct, UnsetType

from api.body import require_json
from api.callers import Caller
from api.compatible.listing import ANSWERS
from api.compatible.refusing import HANDLERS, documented
from api.compatible.telling import ChatReply, Told, told_in_pieces
from api.given import Given
from api.guarding import needs
from api.model_schemas import StreamOptions, Turn
from api.requests import MAX_TURNS, AnswerRequest, K, Principals, Tenant
from api.requests import Turn as Before
from api.stamping import request_id
from api.streaming import EVENTS, HEADERS, begun
from rag.errors import BadInput, NotFound

PASSED_OVER = frozenset(
    {"frequency_penalty", "max_completion_tokens", "max_tokens", "metadata", "presence_penalty"}
    | {"seed", "store", "temperature", "top_p", "user", "parallel_tool_calls", "service_tier"}
    | {"reasoning_effort", "verbosity", "prompt_cache_key", "safety_identifier"}
)
"""Fields that only say how a model should write: what is answered here are the documents."""

NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "best_of": (1,),
    "function_call": ("none",),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "response_format": ({"type": "text"},),
    "stop": ([], ""),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
}
"""Fields that would change the answer and are not implemented: the values that ask for nothing."""


class Chat(Struct, frozen=True, kw_only=True):
    """A chat whose last message is a question; system messages are passed over.

    Beside OpenAI's own fields it may say what a search says: `collection`, `tenant`, `principals`,
    `filter`, `k`, `preset`, `generator`.
    """

    messages: Annotated[tuple[Turn, ...], Meta(min_length=1)]
    model: Annotated[
        str, Meta(description="firstcite, or firstcite/COLLECTION.", examples=["firstcite"])
    ] = ANSWERS
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    collection: str | UnsetType = UNSET
    tenant: Tenant | UnsetType = UNSET
    principals: Principals | UnsetType | None = UNSET
    filter: dict[str, Any] | None = None
    k: K = 10
    preset: str = ""
    generator: str | UnsetType = UNSET

    def parse(self) -> AnswerRequest:
        """Return what is asked.

        Raises:
            BadInput: the last message is no question, or one is too long.
        """
        said = [
            (turn.role, turn.parse().content) for turn in self.messages if turn.role != "system"
        ]
        if not said or said[-1][0] != "user":
            raise BadInput("the last message must be the user's: it is the question")
        history = [{"role": role, "content": text} for role, text in said[:-1][-MAX_TURNS:]]
        given = {name: getattr(self, name) for name in _SHARED}
        asked = {name: value for name, value in given.items() if value is not UNSET}
        try:
            before = msgspec.convert(history, tuple[Before, ...])
            return msgspec.convert(
                {**asked, "query": said[-1][1], "history": before}, AnswerRequest
            )
        except msgspec.ValidationError as error:
            raise BadInput(f"messages: {error}") from error

    @property
    def named(self) -> str:
        """The collection that the model's name says, "" for none.

        Raises:
            NotFound: no such model.
        """
        name, _, collection = self.model.partition("/")
        if name != ANSWERS:
            raise NotFound(
                f"no model '{self.model[:64]}': take '{ANSWERS}' or {ANSWERS}/COLLECTION"
            )
        return collection


_SHARED = ("collection", "tenant", "principals", "filter", "k", "preset", "generator")


async def require_supported(request: Request[Any, Any, Any]) -> None:
    """Refuse what would be asked in vain.

    Raises:
        ClientException: as `require_json`.
        BadInput: a field is not supported, by name.
    """
    await require_json(request)
    body = await request.json()
    known = {field.encode_name for field in msgspec.structs.fields(Chat)} | PASSED_OVER
    for name, value in body.items() if isinstance(body, dict) else ():
        if name not in known and value is not None and value not in NEUTRAL.get(name, ()):
            raise BadInput(f"{name[:64]} is not supported: leave it out")


@post(
    "/v1/chat/completions",
    operation_id="chat",
    status_code=200,
    tags=["compatible"],
    before_request=require_supported,
    responses={
        200: ResponseSpec(ChatReply, generate_examples=False, description="The answer."),
        **documented(400, 401, 403, 404, 409, 413, 415, 429, 500, 503),
    },
    exception_handlers=HANDLERS,
    opt=needs("read", heavy=True),
)
async def chat(
    data: JSONBody[Chat],
    request: Request[Caller, Any, Any],
    given: NamedDependency[Given],
) -> Response[Any]:
    """Answer the last message from the documents, with citations."""
    engine = given.engine
    asked = data.parse()
    named = data.named or ("" if isinstance(asked.collection, UnsetType) else asked.collection)
    path = await engine.collection(named or given.default)
    query = asked.parse(request.user)
    told = Told(data.model)
    if not data.stream:
        answer = await path.answer(query)
        given.meter.answer(answer)
        return Response(told.whole(answer))
    events = await begun(given.meter.events(path.stream(query, request_id(request.scope))))
    usage = bool(data.stream_options and data.stream_options.include_usage)
    pieces = told_in_pieces(events, told, usage=usage)
    return Stream(pieces, media_type=EVENTS, headers=HEADERS)
