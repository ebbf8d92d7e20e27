"""What a chat asks for as work for the model, and what the model writes as answers and events."""

import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

import msgspec

from api.model_problems import Refused
from api.model_schemas import (
    ChatReply,
    ChatRequest,
    Choice,
    Delta,
    Event,
    Logprobs,
    PromptLogprob,
    Said,
    Spent,
    TokenLogprob,
    TopToken,
)
from rag.llms.local import LocalLLM
from rag.llms.places import Place
from rag.llms.rendering import Turn
from rag.llms.spelling import Spelling, Unfolding
from rag.values import Complete, Frozen, Prompt

BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Task(Frozen):
    """A chat as work for the model; `ids` is its prompt, rendered; `top` None: no log-probs."""

    ids: tuple[int, ...]
    request: Complete
    stops: tuple[str, ...] = ()
    top: int | None = None
    prompt_top: int | None = None
    says_usage: bool = True


@dataclass(frozen=True, slots=True)
class Piece(Frozen):
    """A piece of the text with the tokens that it was made of; `finish` stands in the last."""

    text: str
    places: tuple[Place, ...]
    finish: Literal["", "stop", "length"] = ""


class Cut:
    """Lets a text pass up to the first of some strings; what may begin one waits.

    >>> cut = Cut(("END",))
    >>> cut.add("the E"), cut.add("N"), cut.add("DLESS EN"), cut.found
    ('the ', '', '', True)
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self.found = False
        self._stops = stops
        self._held = ""

    def add(self, piece: str) -> str:
        """Take a piece and return what may pass."""
        text = self._held + piece
        places = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if places:
            self.found = True
            return text[: min(places)]
        most = max((len(stop) - 1 for stop in self._stops), default=0)
        ends = (n for n in range(min(most, len(text)), 0, -1) if self._begins(text[-n:]))
        kept = len(text) - next(ends, 0)
        self._held = text[kept:]
        return text[:kept]

    def rest(self) -> str:
        """Return what waits when the text is over."""
        return self._held

    def _begins(self, end: str) -> bool:
        return any(stop.startswith(end) for stop in self._stops)


def task(llm: LocalLLM, asked: ChatRequest) -> Task:
    """Return what the model has to do.

    Raises:
        Refused: 400, parameters that do not go together, or more than the context window holds.
        BadPrompt: the chat template refuses the order of the roles.
    """
    _check(asked)
    prompt = tuple(turn.parse() for turn in asked.messages)
    turn: Turn = "next" if asked.add_generation_prompt else "closed"
    ids = llm.renderer.ids(prompt, "open" if asked.continue_final_message else turn)
    return Task(
        ids=tuple(ids),
        request=_request(llm, asked, prompt, len(ids)),
        stops=asked.stops,
        top=(asked.top_logprobs or 0) if asked.logprobs else None,
        prompt_top=asked.prompt_logprobs,
        says_usage=bool(asked.stream_options and asked.stream_options.include_usage),
    )


def _request(llm: LocalLLM, asked: ChatRequest, prompt: Prompt, length: int) -> Complete:
    window = llm.spec.context_window
    wanted = asked.max_completion_tokens or asked.max_tokens
    if length + (wanted or 1) > window:
        raise Refused(
            BAD_REQUEST,
            f"the maximum context length of {llm.spec.name} is {window} tokens: the prompt has "
            f"{length} and {wanted or 1} are to follow: send less text or lower max_tokens",
            "messages",
            "context_length_exceeded",
        )
    return Complete(
        prompt,
        wanted or window - length,
        1.0 if asked.temperature is None else asked.temperature,
        secrets.randbits(63) if asked.seed is None else asked.seed % 2**64,
    )


def _check(asked: ChatRequest) -> None:
    """Raise Refused where parameters do not go together."""
    if asked.top_logprobs and not asked.logprobs:
        raise Refused(BAD_REQUEST, "top_logprobs needs logprobs: true", "top_logprobs")
    if asked.stream and asked.prompt_logprobs is not None:
        raise Refused(BAD_REQUEST, "a stream has no prompt_logprobs", "prompt_logprobs")
    if asked.continue_final_message:
        if asked.add_generation_prompt:
            raise Refused(
                BAD_REQUEST,
                "continue_final_message needs add_generation_prompt: false",
                "add_generation_prompt",
            )
        if asked.messages[-1].role != "assistant":
            raise Refused(
                BAD_REQUEST,
                "continue_final_message needs a last message of the assistant",
                "continue_final_message",
            )


async def pieces(llm: LocalLLM, work: Task) -> AsyncGenerator[Piece, None]:
    """Yield the text piece by piece; the last has the reason for its end. Leaving stops it."""
    text, cut = Unfolding(llm.renderer.decode), Cut(work.stops)
    waiting: list[Place] = []
    async with aclosing(llm.write(work.request, list(work.ids), work.top or 0)) as places:
        async for place in places:
            waiting.append(place)
            if place.ends:
                break
            piece = cut.add(text.add(place.id))
            if cut.found:
                yield Piece(piece, tuple(waiting), "stop")
                return
            if piece:
                yield Piece(piece, tuple(waiting))
                waiting = []
    rest = cut.add(text.rest())
    ended = cut.found or bool(waiting and waiting[-1].ends)
    rest += "" if cut.found else cut.rest()
    yield Piece(rest, tuple(waiting), "stop" if ended else "length")


class Report:
    """Writes the pieces of one answer as the protocol has it."""

    def __init__(self, llm: LocalLLM, work: Task) -> None:
        self._llm = llm
        self._work = work
        self._id = f"chatcmpl-{secrets.token_hex(12)}"
        self._created = int(time.time())

    async def whole(self) -> ChatReply:
        """Return the answer when it is finished."""
        found = [piece async for piece in pieces(self._llm, self._work)]
        places = [place for piece in found for place in piece.places]
        text = "".join(piece.text for piece in found)
        choice = Choice(Said(text, "assistant"), found[-1].finish, self._logprobs(places))
        foretold = await self._foretold() if self._work.prompt_top is not None else msgspec.UNSET
        return ChatReply(
            self._id,
            self._created,
            self._llm.spec.name,
            (choice,),
            self._spent(places),
            prompt_logprobs=foretold,
        )

    async def events(self) -> AsyncIterator[bytes]:
        """Yield the answer as server-sent events."""
        yield self._event(Delta(Said("", "assistant")))
        places: list[Place] = []
        async with aclosing(pieces(self._llm, self._work)) as found:
            async for piece in found:
                places += piece.places
                delta = Delta(Said(piece.text), piece.finish or None, self._logprobs(piece.places))
                yield self._event(delta)
        if self._work.says_usage:
            yield self._event(usage=self._spent(places))
        yield b"data: [DONE]\n\n"

    def _event(self, *deltas: Delta, usage: Spent | msgspec.UnsetType = msgspec.UNSET) -> bytes:
        event = Event(self._id, self._created, self._llm.spec.name, deltas, usage)
        return b"data: %s\n\n" % msgspec.json.encode(event)

    def _spent(self, places: Iterable[Place]) -> Spent:
        read, written = len(self._work.ids), sum(not place.ends for place in places)
        return Spent(read, written, read + written)

    def _logprobs(self, places: Sequence[Place]) -> Logprobs | None:
        if self._work.top is None:
            return None
        spelling = self._llm.renderer.spelling
        return Logprobs(tuple(_token(spelling, place) for place in places))

    async def _foretold(self) -> tuple[dict[str, PromptLogprob] | None, ...]:
        rated = await self._llm.rate(self._work.ids, self._work.prompt_top or 0)
        spelling = self._llm.renderer.spelling
        return (None, *(_candidates(spelling, place) for place in rated))


def _token(spelling: Spelling, place: Place) -> TokenLogprob:
    tops = tuple(
        TopToken(spelling.text(id_), logprob, tuple(spelling.bytes(id_)))
        for id_, logprob in place.top
    )
    own = tuple(spelling.bytes(place.id))
    return TokenLogprob(spelling.text(place.id), place.logprob, own, tops)


def _candidates(spelling: Spelling, place: Place) -> dict[str, PromptLogprob]:
    """Return the likeliest in a place of the prompt, then its own token, by id."""
    tops = {
        str(id_): PromptLogprob(logprob, rank, spelling.text(id_))
        for rank, (id_, logprob) in enumerate(place.top, 1)
    }
    own = PromptLogprob(place.logprob, place.rank, spelling.text(place.id))
    return {**tops, str(place.id): own}
