"""An answer as server-sent events, while it is made."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

import msgspec
from litestar.plugins.problem_details import ProblemDetailsException
from litestar.response import Stream
from msgspec import Struct

from api.problems import problem, unexpected
from api.replies import AnswerResponse, ReferenceBody, answer_response
from rag.citing.events import NAMES, Cites, Delta, Done, Event, Final, Meta, SearchResults
from rag.deadline import remaining, within
from rag.errors import RagError
from rag.heartbeat import Heartbeat, beating
from rag.spans import blame
from rag.values import Support, Verification
from rag.values.answers import Action

T = TypeVar("T")
EVENTS = "text/event-stream"
LAST_WORDS_S = 0.1  # chosen
HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would keep the events back
}


class MetaEvent(Struct, frozen=True):
    """First: which request this answers, and by which route."""

    request_id: str
    route: str


class SearchResultsEvent(Struct, frozen=True):
    """What was found and may be cited."""

    references: list[ReferenceBody]


class DeltaEvent(Struct, frozen=True):
    """The next piece of the text."""

    text: str


class CitationEvent(Struct, frozen=True):
    """A sentence that is complete: its half-open span in all deltas together, and what it cites."""

    sentence: int
    start: int
    end: int
    refs: list[int]
    support: Support


class VerificationEvent(Struct, frozen=True):
    """A late fix: the sentence was kept, dropped, or is `text` now."""

    sentence: int
    support: Support
    action: Action
    text: str
    score: float


async def in_time(events: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Yield what comes until the time of the request is nearly over: what is left is to say so.

    Raises:
        DeadlineExceeded: it is.
    """
    async with aclosing(events):
        while True:
            try:
                async with within(remaining() - LAST_WORDS_S):
                    event = await anext(events)
            except StopAsyncIteration:
                return
            yield event


async def begun(
    events: AsyncGenerator[Event, None],
) -> AsyncGenerator[Event | Heartbeat, None]:
    """Return the events, and heartbeats in their silences, once the first one is there.

    Until then the server can still answer with an error's own status.

    Raises:
        RagError: there is no first event.
    """
    beats = beating(in_time(events))
    try:
        first = await anext(beats)
    except BaseException:
        await beats.aclose()
        raise

    async def every() -> AsyncGenerator[Event | Heartbeat, None]:
        async with aclosing(beats):
            yield first
            async for event in beats:
                yield event

    return every()


async def streamed(events: AsyncGenerator[Event, None]) -> Stream:
    """Return the reply that tells the events; errors after the first one are an event.

    Raises:
        RagError: as `begun`.
    """
    return Stream(_told(await begun(events)), media_type=EVENTS, headers=HEADERS)


async def _told(events: AsyncGenerator[Event | Heartbeat, None]) -> AsyncGenerator[bytes, None]:
    """Yield the events as they stand on the wire. Leaving stops whoever makes them."""
    async with aclosing(events):
        try:
            async for event in events:
                yield _written(event)
        except RagError as error:
            blame(error)
            yield _failed(problem(error))
        except Exception as error:  # noqa: BLE001 - the status is sent: what is left is to say so
            blame(error)
            yield _failed(unexpected(error))


def _written(event: Event | Heartbeat) -> bytes:
    if isinstance(event, Heartbeat):
        return b": still at work\n\n"
    return _event(NAMES[type(event)], body_of(event))


def _failed(error: ProblemDetailsException) -> bytes:
    told = {"status": error.status_code, "type": error.type_, "title": error.title}
    return _event("error", {**told, "detail": error.detail})


def _event(name: str, body: object) -> bytes:
    """Return an event; JSON has no line breaks of its own, so that `data` is one line."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(body))


def body_of(
    event: Event,
) -> (
    MetaEvent
    | SearchResultsEvent
    | DeltaEvent
    | CitationEvent
    | VerificationEvent
    | AnswerResponse
    | dict[str, str]
):
    """Return an event as it stands on the wire."""
    match event:
        case Meta(request_id, route):
            return MetaEvent(request_id, route)
        case SearchResults(references):
            found = [ReferenceBody(r.ref, r.document_id, r.title, r.source) for r in references]
            return SearchResultsEvent(found)
        case Delta(text):
            return DeltaEvent(text)
        case Cites(sentence, start, end, refs, support):
            return CitationEvent(sentence, start, end, list(refs), support)
        case Verification(sentence, support, action, text, score):
            return VerificationEvent(sentence, support, action, text, score)
        case Final(answer):
            return answer_response(answer)
        case Done():
            return {}
