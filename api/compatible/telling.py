"""An answer as a chat of OpenAI's: whole, or in the pieces of a stream."""

import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from uuid import uuid4

import msgspec
from msgspec import UNSET, Struct, UnsetType

from api.model_schemas import Choice, Delta, Said, Spent
from api.problems import unexpected
from api.replies import AnswerResponse, answer_response
from rag.citing.events import Cites, Event, Final
from rag.citing.events import Delta as Piece
from rag.errors import RagError
from rag.heartbeat import Heartbeat
from rag.values import Answer, Cost, Reference

_SNIPPET = 300  # characters


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


class Told:
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


async def told_in_pieces(
    events: AsyncGenerator[Event | Heartbeat, None],
    told: Told,
    *,
    usage: bool,
) -> AsyncGenerator[bytes, None]:
    """Yield the events as they stand on the wire. Leaving stops whoever makes them."""
    async with aclosing(events):
        yield told.piece(Said("", "assistant"))
        marking = Marking()
        try:
            async for event in events:
                for piece in _pieces(event, told, marking, usage=usage):
                    yield piece
            yield b"data: [DONE]\n\n"
        except RagError as error:
            yield _event({"error": {"message": str(error), "type": type(error).__name__}})
        except Exception as error:  # noqa: BLE001 - the status is sent: what is left is to say so
            yield _event({"error": {"message": unexpected(error).detail, "type": "server_error"}})


def _pieces(
    event: Event | Heartbeat, told: Told, marking: "Marking", *, usage: bool
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
