"""`/v1/chat/completions`, as OpenAI has it: the last message is answered from the documents.

The text carries its citations as [1]; `citations` and `search_results`, in Perplexity's shape, are
always there, and `firstcite` is the answer as `/v1/answer` gives it. A client that only reads the
text has everything it needs.
"""

import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Annotated, Any
from uuid import uuid4

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
from api.guarding import needs
from api.metering import Meter
from api.model_schemas import Choice, Delta, Said, Spent, StreamOptions, Turn
from api.problems import unexpected
from api.replies import AnswerResponse, answer_response
from api.requests import MAX_TURNS, AnswerRequest, K, Principals, Tenant
from api.requests import Turn as Before
from api.stamping import request_id
from api.streaming import EVENTS, HEADERS
from rag.citing.events import Cites, Event, Final, SearchResults
from rag.citing.events import Delta as Piece
from rag.errors import BadInput, NotFound, RagError
from rag.heartbeat import Heartbeat, beating
from rag.values import Answer, Cost, Reference
from rag.wiring import Engine

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

_SNIPPET = 300  # characters


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


class Source(Struct, frozen=True):
    """A source under its number in the text."""

    ref: int
    title: str
    url: str
    id: str
    snippet: str = ""


class ChatReply(Struct, frozen=True):
    """A question answered; `citations` are the sources by their number, from 1 on."""

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: Spent
    citations: list[str]
    search_results: list[Source]
    firstcite: AnswerResponse
    object: str = "chat.completion"


class Chunk(Struct, frozen=True):
    """One event of a streamed answer; the last one before the usage has the citations."""

    id: str
    created: int
    model: str
    choices: tuple[Delta, ...]
    citations: list[str] | UnsetType = UNSET
    search_results: list[Source] | UnsetType = UNSET
    firstcite: AnswerResponse | UnsetType = UNSET
    usage: Spent | UnsetType = UNSET
    object: str = "chat.completion.chunk"


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
    engine: NamedDependency[Engine],
    default: NamedDependency[str],
    meter: NamedDependency[Meter],
) -> Response[Any]:
    """Answer the last message from the documents, with citations."""
    asked = data.parse()
    named = data.named or ("" if isinstance(asked.collection, UnsetType) else asked.collection)
    path = await engine.collection(named or default)
    query = asked.parse(request.user)
    told = _Told(data.model)
    if not data.stream:
        answer = await path.answer(query)
        meter.answer(answer)
        return Response(told.whole(answer))
    events = beating(meter.events(path.stream(query, request_id(request.scope))))
    try:
        first = await anext(events)
    except BaseException:
        await events.aclose()
        raise
    usage = bool(data.stream_options and data.stream_options.include_usage)
    return Stream(_streamed(first, events, told, usage=usage), media_type=EVENTS, headers=HEADERS)


class _Told:
    """Says an answer as a chat."""

    def __init__(self, model: str) -> None:
        self._about = (f"chatcmpl-{uuid4().hex}", int(time.time()), model)

    def whole(self, answer: Answer) -> ChatReply:
        """Return an answer in one piece."""
        choice = Choice(Said(marked(answer), "assistant"), "stop")
        references, body = answer.references, answer_response(answer)
        return ChatReply(
            *self._about, (choice,), _spent(answer), _urls(references), _sources(answer), body
        )

    def piece(self, said: Said) -> bytes:
        """Return what is new of the text as an event."""
        return _event(Chunk(*self._about, (Delta(said),)))

    def last(self, answer: Answer) -> bytes:
        """Return the end of the text as an event, with the citations."""
        ended = (Delta(Said(), "stop"),)
        references, body = answer.references, answer_response(answer)
        return _event(Chunk(*self._about, ended, _urls(references), _sources(answer), body))

    def usage(self, answer: Answer) -> bytes:
        """Return what it has cost as an event."""
        return _event(Chunk(*self._about, (), usage=_spent(answer)))


async def _streamed(
    first: Event | Heartbeat,
    events: AsyncGenerator[Event | Heartbeat, None],
    told: _Told,
    *,
    usage: bool,
) -> AsyncGenerator[bytes, None]:
    """Yield the events as they stand on the wire. Leaving stops whoever makes them."""
    async with aclosing(events):
        yield told.piece(Said("", "assistant"))
        marking = Marking()
        try:
            async for event in _with(first, events):
                for piece in _pieces(event, told, marking, usage=usage):
                    yield piece
            yield b"data: [DONE]\n\n"
        except RagError as error:
            yield _event({"error": {"message": str(error), "type": type(error).__name__}})
        except Exception as error:  # noqa: BLE001 - the status is sent: what is left is to say so
            yield _event({"error": {"message": unexpected(error).detail, "type": "server_error"}})


def _pieces(
    event: Event | Heartbeat, told: _Told, marking: "Marking", *, usage: bool
) -> Iterator[bytes]:
    if isinstance(event, Heartbeat):
        yield b": still at work\n\n"
        return
    for text in marking.end(event.answer) if isinstance(event, Final) else marking.add(event):
        yield told.piece(Said(text))
    if isinstance(event, Final):
        yield told.last(event.answer)
        if usage:
            yield told.usage(event.answer)


async def _with(
    first: Event | Heartbeat, events: AsyncGenerator[Event | Heartbeat, None]
) -> AsyncGenerator[Event | Heartbeat, None]:
    yield first
    async for event in events:
        yield event


class Marking:
    """Puts the numbers of the sources behind the sentences, before the white space that follows."""

    def __init__(self) -> None:
        self._space = ""  # held back until it is known what comes before it
        self._said = False

    def add(self, event: Event) -> Iterator[str]:
        """Yield what an event adds to the text."""
        if isinstance(event, Piece):
            text = self._space + event.text
            body = text.rstrip()
            self._space = text[len(body) :]
            self._said = True
            if body:
                yield body
        elif isinstance(event, Cites) and event.refs:
            yield "".join(f"[{ref}]" for ref in event.refs)
        elif isinstance(event, SearchResults):
            return

    def end(self, answer: Answer) -> Iterator[str]:
        """Yield what is left to say: an abstention says why."""
        if not self._said:
            yield marked(answer)


def marked(answer: Answer) -> str:
    """Return the text of an answer with the numbers of its sources; of an abstention its reason."""
    if answer.abstained:
        return answer.reason
    parts, at = [], 0
    for sentence in answer.sentences:
        refs = dict.fromkeys(citation.ref for citation in sentence.citations)
        parts += [answer.text[at : sentence.end], *(f"[{ref}]" for ref in refs)]
        at = sentence.end
    return "".join([*parts, answer.text[at:]])


def _urls(references: tuple[Reference, ...]) -> list[str]:
    return [reference.source or reference.document_id for reference in references]


def _sources(answer: Answer) -> list[Source]:
    quotes: dict[int, str] = {}
    for sentence in answer.sentences:
        for citation in sentence.citations:
            quotes.setdefault(citation.ref, citation.quote[:_SNIPPET])
    return [
        Source(r.ref, r.title, r.source, r.document_id, quotes.get(r.ref, ""))
        for r in answer.references
    ]


def _spent(answer: Answer) -> Spent:
    cost = sum((stage.cost for stage in answer.trace), Cost())
    return Spent(cost.tokens_in, cost.tokens_out, cost.tokens_in + cost.tokens_out)


def _event(body: object) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(body)
