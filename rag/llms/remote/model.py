"""The model behind the seam: each request as a body to send, each reply as a value."""

import time
import warnings
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TypeVar

from rag.errors import BadPrompt, LLMUnavailable
from rag.ledger import ms_since
from rag.llms.checking import check
from rag.llms.family import family
from rag.llms.remote.abilities import Abilities, find_abilities, find_served, find_window
from rag.llms.remote.labels import (
    Tokens,
    actual,
    bare,
    estimate,
    inside,
    is_open,
    length,
    merge,
    plain,
    spoken,
    tail,
)
from rag.llms.remote.shapes import (
    CHAT,
    COMPLETIONS,
    CONTINUE,
    STREAM,
    UNTHINKING,
    Body,
    Chat,
    Chunk,
    Echoed,
    chat,
    echoing,
    usage,
)
from rag.llms.remote.streaming import Heard
from rag.llms.remote.vocabulary import Vocabulary
from rag.llms.remote.wire import Wire, open_client, together
from rag.seams import LLMSpec
from rag.sections import Secret
from rag.values import Choose, Chosen, Complete, Completed, Message, Prompt, Score, Scored

Reply = TypeVar("Reply", Chosen, Scored, Completed)

_NO_KEY = Secret("")
NOTHING = Completed("", 0, cut=True)


async def connect(
    url: str,
    model: str = "",
    api_key: Secret = _NO_KEY,
    timeout_s: float = 60.0,
    concurrency: int = 16,
    retries: int = 3,
    context_window: int = 0,
    backoff_s: float = 0.25,
) -> "RemoteLLM":
    """Return the model behind an address, after asking the server what it can do.

    Args:
        url: the server's base, with or without `/v1`.
        model: its name there; empty means the first that the server lists.
        api_key: sent as a bearer token; empty means none.
        timeout_s: limit of one try of one request, and of one wait between two.
        concurrency: requests that are under way at the same time, at most.
        retries: further tries after a failure that may pass.
        context_window: in tokens; 0 means what the server says. The smaller of both counts.
        backoff_s: the first wait is a random share of this, each further one of twice as much.

    Raises:
        BadSettings: the url or the key cannot be used, or no model is named and none listed.
        LLMUnavailable: the server does not answer, or cannot chat.
    """
    async with AsyncExitStack() as stack:
        client = open_client(url, api_key, timeout_s, concurrency)
        stack.push_async_callback(client.aclose)
        wire = Wire(client, api_key, timeout_s, concurrency, retries, backoff_s)
        served = await find_served(wire, model)
        abilities = await find_abilities(wire, served.id)
        window, source = find_window(served, context_window)
        spec = LLMSpec(
            served.id,
            family(served.id),
            window,
            why=f"the server can: {abilities.says}; window: {source}",
            fingerprint=f"{client.base_url.copy_with(userinfo=b'')} {served.id}",
            continues=abilities.continue_final_message or abilities.continues,
        )
        stack.pop_all()
        return RemoteLLM(wire, spec, abilities)


class RemoteLLM:
    """A model behind an OpenAI-compatible server; closing it closes its connections.

    A batch is asked concurrently. The first request that fails cancels the others. Whether marks
    like "<|im_end|>" in a text are read as control tokens is the server's affair.
    """

    def __init__(self, wire: Wire, spec: LLMSpec, abilities: Abilities) -> None:
        self._wire = wire
        self._spec = spec
        self.abilities = abilities
        self._vocabulary = Vocabulary(wire, spec.name)
        self._warned = False

    @property
    def spec(self) -> LLMSpec:
        """Its name on the server; `why` says what the server was found able to do."""
        return self._spec

    async def choose(self, requests: Sequence[Choose]) -> tuple[Chosen, ...]:
        """Return each label's log-probability as the very next token.

        "A", " A" and "▁A" are one label. A label outside the server's top is None; a
        server that can be held to the labels' tokens is, and reports one at least.

        Raises:
            BadPrompt: too long, two labels that are one, or a turn that cannot be continued.
            LLMUnavailable: the server fails, or reports no log-probabilities.
        """
        if requests and not self.abilities.top_logprobs:
            raise LLMUnavailable(
                f"{self._wire.where} reports no log-probabilities: rank by generation (complete)"
                " or serve the model with vLLM or llama.cpp"
            )
        return await self._batch([self._choose(request) for request in requests])

    async def score(self, requests: Sequence[Score]) -> tuple[Scored, ...]:
        """Return each continuation's summed log-probability and token count.

        Raises:
            BadPrompt: too long.
            LLMUnavailable: the server fails, or cannot score.
        """
        by_chat = self.abilities.prompt_logprobs and self._continues
        if requests and not by_chat and not self.abilities.echo_scores:
            raise LLMUnavailable(
                f"{self._wire.where} cannot score a given text: use a reranker that chooses labels"
                " or generates, or serve the model with vLLM"
            )
        one = self._score_chat if by_chat else self._score_echo
        return await self._batch([one(request) for request in requests])

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        """Return one completion per request.

        Raises:
            BadPrompt: too long, a turn that cannot be continued, given texts, or a mixture.
            LLMUnavailable: the server fails.
        """
        return await self._batch([self._complete(request) for request in requests])

    async def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield a text piece by piece, then the `Completed`; leaving closes the connection.

        Nothing is tried again after the server has begun to answer.

        Raises:
            BadPrompt: too long, a turn that cannot be continued, given texts, or a mixture.
            LLMUnavailable: the server fails, or the stream ends before the completion does.
        """
        check(request, self._spec)
        if request.max_tokens < 1:
            yield NOTHING
            return
        began = time.perf_counter()
        heard = Heard()
        async with self._wire.events(CHAT, self._completing(request) | STREAM) as events:
            try:
                async for event in events:
                    if piece := heard.add(self._chunk(event)):
                        yield piece
            except LLMUnavailable:
                if not heard.finish:  # what fails after the end has cost no text
                    raise
        yield _with_cost(heard.completed(), ms_since(began), 1)

    def count_tokens(self, prompt: Prompt) -> int:
        """Return an estimate of the prompt's length in tokens; the tokenizer is the server's."""
        return length(prompt)

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    def _chunk(self, event: bytes) -> Chunk:
        chunk = self._wire.read(event, Chunk)
        if chunk.error is not None:
            raise LLMUnavailable(self._wire.clean(f"failed mid-stream: {chunk.error.message}"))
        return chunk

    async def _batch(self, calls: Sequence[Coroutine[None, None, Reply]]) -> tuple[Reply, ...]:
        began = time.perf_counter()
        replies = await together(calls)
        ms = ms_since(began)
        return tuple(_with_cost(reply, ms, len(calls)) for reply in replies)

    async def _choose(self, request: Choose) -> Chosen:
        names = [bare(label) for label in request.labels]
        if not all(names) or len(set(names)) < len(names):
            raise BadPrompt(f"labels {request.labels} are not told apart: use distinct letters")
        if not names:
            return Chosen(())
        body = self._body(request.prompt, 1, 0.0)
        body |= {"logprobs": True, "top_logprobs": self.abilities.top_logprobs}
        if ids := await self._allowed(request.labels):
            body |= {"allowed_token_ids": ids}
        reply = await self._wire.ask(Chat, CHAT, body)
        return Chosen(merge(self._first(reply), request.labels), usage(reply.usage))

    async def _allowed(self, labels: tuple[str, ...]) -> list[int]:
        able = self.abilities.allowed_token_ids and self.abilities.tokenize
        return await self._vocabulary.ids(labels) if able else []

    def _first(self, reply: Chat) -> Tokens:
        """Return the candidates for the first token; none where the model ended at once."""
        logprobs = reply.choices[0].logprobs
        if logprobs is None or logprobs.content is None:
            raise LLMUnavailable(
                f"{self._wire.where} answered without log-probabilities: rank by generation"
            )
        return spoken(logprobs.content, self._spec.name)

    async def _score_chat(self, request: Score) -> Scored:
        if not request.continuation.strip():
            return Scored(0.0, 0)
        opened = request.prompt[-1:] if is_open(request.prompt) else ()
        begun = "".join(message.content for message in opened)
        closed = request.prompt[: len(request.prompt) - len(opened)]
        prompt = (*closed, Message("assistant", begun + request.continuation))
        body = self._body(prompt, 1, 0.0) | {"prompt_logprobs": 0}
        reply = await self._wire.ask(Chat, CHAT, body)
        tokens = [actual(entry) for entry in reply.prompt_logprobs or () if entry]
        logprob, count = tail(tokens, request.continuation, self._wire.where)
        return Scored(logprob, count, usage(reply.usage))

    async def _score_echo(self, request: Score) -> Scored:
        text = plain(request.prompt)
        whole = text + request.continuation
        self._warn_if_long(request.prompt, 1)
        reply = await self._wire.ask(Echoed, COMPLETIONS, echoing(self._spec.name, whole))
        logprob, count = inside(reply.choices[0], len(text), len(whole))
        return Scored(logprob, count, usage(reply.usage))

    async def _complete(self, request: Complete) -> Completed:
        check(request, self._spec)
        if request.max_tokens < 1:  # servers refuse to write nothing
            return NOTHING
        reply = await self._wire.ask(Chat, CHAT, self._completing(request))
        choice = reply.choices[0]
        text = choice.message.content or ""
        tokens = reply.usage.completion_tokens if reply.usage else estimate(text)
        return Completed(text, tokens, choice.finish_reason == "length", usage(reply.usage))

    def _completing(self, request: Complete) -> Body:
        body = self._body(request.prompt, request.max_tokens, request.temperature)
        return body | {"seed": request.seed} if request.temperature else body

    def _body(self, prompt: Prompt, max_tokens: int, temperature: float) -> Body:
        self._warn_if_long(prompt, max_tokens)
        body = chat(self._spec.name, prompt) | {
            self.abilities.limit: max_tokens,
            "temperature": temperature,
        }
        if self.abilities.unthinking:
            body |= UNTHINKING
        if not is_open(prompt):
            return body
        if not self._continues:
            raise BadPrompt(
                f"the prompt ends with '{prompt[-1].content[-20:]}' of the assistant, which"
                f" {self._wire.where} would read as a finished turn: ask for the bare label"
            )
        return body | (CONTINUE if self.abilities.continue_final_message else {})

    @property
    def _continues(self) -> bool:
        return self.abilities.continue_final_message or self.abilities.continues

    def _warn_if_long(self, prompt: Prompt, max_tokens: int) -> None:
        needed = self.count_tokens(prompt) + max_tokens
        if needed > self._spec.context_window and not self._warned:
            self._warned = True
            warnings.warn(
                f"a prompt of about {needed} tokens may not fit the {self._spec.context_window} of"
                f" {self._spec.name}: send fewer or shorter passages",
                stacklevel=2,
            )


def _with_cost(reply: Reply, ms: float, batch: int) -> Reply:
    return replace(reply, usage=replace(reply.usage, ms=ms, batch=batch))
