"""Any OpenAI-compatible server as an LLM: vLLM, llama.cpp's server, Ollama, a hosted one.

What a server can do is asked with requests of one token when the connection is made, and stands in
`spec.why`: such servers answer 200 to parameters that they do not know.
"""

import asyncio
import email.utils
import itertools
import math
import random
import re
import time
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, TypeAlias, TypeVar

import httpx
import msgspec

from rag.deadline import remaining
from rag.errors import BadPrompt, BadSettings, LLMUnavailable
from rag.seams import LLMSpec
from rag.settings import MASK, Secret
from rag.values import (
    Choose,
    Chosen,
    Complete,
    Completed,
    Frozen,
    Message,
    Prompt,
    Score,
    Scored,
    Usage,
)

T = TypeVar("T")
Reply = TypeVar("Reply", Chosen, Scored, Completed)
Body: TypeAlias = dict[str, object]
Tokens: TypeAlias = Sequence[tuple[str, float]]

CHAT, COMPLETIONS, MODELS, TOKENIZE = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/models",
    "/tokenize",
)
RETRIED = frozenset({429, 500, 502, 503, 504})
FAMILIES = (  # the earliest in a name counts
    *("qwen", "llama", "smollm", "gpt", "mistral", "gemma", "phi", "deepseek"),
    *("claude", "gemini", "granite", "olmo", "falcon"),
)
_WINDOW = 4_096  # chosen: the least that servers of the last years are started with
_BYTES_PER_TOKEN = 3.5  # chosen: English has about 4 in the vocabularies of today
_TOKENS_PER_MESSAGE = 8  # chosen: role, begin and end marks, and a share of the header
_LONGEST_WAIT_S = 8.0  # chosen: the most that backing off doubles up to
_EXCERPT = 300
_UNLIKELY = -9999.0  # how OpenAI and vLLM write "not among those reported"
_TOO_LONG = re.compile(
    r"context.?(length|size|window)|max_model_len|maximum model length|prompt is too long",
    re.IGNORECASE,
)
_PROBE: Prompt = (Message("user", "Answer with the letter A."),)
_FORCED: Prompt = (*_PROBE, Message("assistant", "["))
_CONTINUE: Body = {"continue_final_message": True, "add_generation_prompt": False}
_JITTER = random.SystemRandom()
_NO_KEY = Secret("")


# ── What servers send ────────────────────────────────────────────────────────────────────────────


class _Spent(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Top(msgspec.Struct, frozen=True):
    token: str
    logprob: float


class _Token(_Top, frozen=True):
    top_logprobs: tuple[_Top, ...] | None = None


class _Logprobs(msgspec.Struct, frozen=True):
    content: tuple[_Token, ...] | None = None


class _Text(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Text
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _PromptToken(msgspec.Struct, frozen=True):
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


class _Chat(msgspec.Struct, frozen=True):
    choices: Annotated[tuple[_Choice, ...], msgspec.Meta(min_length=1)]
    usage: _Spent | None = None
    prompt_logprobs: tuple[dict[str, _PromptToken] | None, ...] | None = None


class _Delta(msgspec.Struct, frozen=True):
    delta: _Text = _Text()
    finish_reason: str | None = None


class _Failure(msgspec.Struct, frozen=True):
    message: str


class _Problem(msgspec.Struct, frozen=True):
    error: _Failure | str = ""
    message: str = ""


class _Chunk(msgspec.Struct, frozen=True):
    choices: tuple[_Delta, ...] = ()
    error: _Failure | None = None


class _EchoedTokens(msgspec.Struct, frozen=True):
    token_logprobs: tuple[float | None, ...]
    text_offset: tuple[int, ...]


class _Echo(msgspec.Struct, frozen=True):
    text: str
    logprobs: _EchoedTokens


class _Echoed(msgspec.Struct, frozen=True):
    choices: Annotated[tuple[_Echo, ...], msgspec.Meta(min_length=1)]
    usage: _Spent | None = None


class _Meta(msgspec.Struct, frozen=True):
    n_ctx: int | None = None
    n_ctx_train: int | None = None


class _Model(msgspec.Struct, frozen=True):
    id: str
    max_model_len: int | None = None
    meta: _Meta | None = None


class _Models(msgspec.Struct, frozen=True):
    data: tuple[_Model, ...]


class _Tokenized(msgspec.Struct, frozen=True):
    tokens: Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(min_length=1)]


# ── The model ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Abilities(Frozen):
    """What a server was found able to do.

    `top_logprobs` is the largest number that works. `continue_final_message`: its parameter keeps
    the assistant's last turn open; `continues` says that the server does so by itself (llama.cpp).
    Scores come from `prompt_logprobs` (vLLM, with the chat template) or from `echo_scores` (the
    legacy endpoint: the plain text of the messages, without the template).
    """

    top_logprobs: int = 0
    allowed_token_ids: bool = False
    continue_final_message: bool = False
    continues: bool = False
    prompt_logprobs: bool = False
    echo_scores: bool = False
    tokenize: bool = False

    @property
    def says(self) -> str:
        """The abilities in words: "top_logprobs 20, tokenize"."""
        found = [name for name, value in asdict(self).items() if value is True]
        return ", ".join([f"top_logprobs {self.top_logprobs}", *found])


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
        client = httpx.AsyncClient(
            base_url=_base(url),
            headers=_headers(api_key),
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=concurrency),
            trust_env=False,  # only settings read the environment, and a .netrc would beat the key
        )
        stack.push_async_callback(client.aclose)
        wire = _Wire(client, api_key, timeout_s, concurrency, retries, backoff_s)
        served = await _served(wire, model)
        abilities = await _abilities(wire, served.id)
        window, source = _window(served, context_window)
        spec = LLMSpec(
            served.id,
            family(served.id),
            window,
            why=f"the server can: {abilities.says}; window: {source}",
        )
        stack.pop_all()
        return RemoteLLM(wire, spec, abilities)


class RemoteLLM:
    """A model behind an OpenAI-compatible server; closing it closes its connections.

    A batch is asked concurrently. The first request that fails cancels the others. Whether marks
    like "<|im_end|>" in a text are read as control tokens is the server's affair.
    """

    def __init__(self, wire: "_Wire", spec: LLMSpec, abilities: Abilities) -> None:
        self._wire = wire
        self._spec = spec
        self.abilities = abilities
        self._warned = False

    @property
    def spec(self) -> LLMSpec:
        """Its name on the server; `why` says what the server was found able to do."""
        return self._spec

    async def choose(self, requests: Sequence[Choose]) -> tuple[Chosen, ...]:
        """Return each label's log-probability as the very next token.

        "A", " A" and "▁A" are one label. A label outside the server's top is None: `floor` is one
        way to place it.

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
            BadPrompt: too long, or it ends with a turn that cannot be continued.
            LLMUnavailable: the server fails.
        """
        return await self._batch([self._complete(request) for request in requests])

    async def stream(self, request: Complete) -> AsyncIterator[str]:
        """Yield a completion piece by piece; leaving the loop closes the connection.

        Nothing is tried again after the server has begun to answer.

        Raises:
            BadPrompt: too long, or it ends with a turn that cannot be continued.
            LLMUnavailable: the server fails, or the stream ends before the completion does.
        """
        if request.max_tokens < 1:
            return
        body = self._completing(request) | {"stream": True}
        finished = False
        async with self._wire.events(CHAT, body) as events:
            try:
                async for event in events:
                    for choice in self._choices(event):
                        finished = finished or choice.finish_reason is not None
                        if choice.delta.content:
                            yield choice.delta.content
            except LLMUnavailable:
                if not finished:  # what fails after the end has cost no text
                    raise

    def count_tokens(self, prompt: Prompt) -> int:
        """Return an estimate of the prompt's length in tokens; the tokenizer is the server's.

        Per message: UTF-8 bytes / 3.5 rounded up, at least the number of words, and 8 for the
        template.
        """
        return sum(_estimate(message.content) + _TOKENS_PER_MESSAGE for message in prompt)

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    def _choices(self, event: bytes) -> tuple[_Delta, ...]:
        chunk = self._wire.read(event, _Chunk)
        if chunk.error is not None:
            raise LLMUnavailable(self._wire.clean(f"failed mid-stream: {chunk.error.message}"))
        return chunk.choices

    async def _batch(self, calls: Sequence[Coroutine[None, None, Reply]]) -> tuple[Reply, ...]:
        began = time.perf_counter()
        replies = await _together(calls)
        ms = (time.perf_counter() - began) * 1000
        return tuple(_with_cost(reply, ms, len(calls)) for reply in replies)

    async def _choose(self, request: Choose) -> Chosen:
        names = [_bare(label) for label in request.labels]
        if not all(names) or len(set(names)) < len(names):
            raise BadPrompt(f"labels {request.labels} are not told apart: use distinct letters")
        if not names:
            return Chosen(())
        body = self._body(request.prompt, 1, 0.0)
        body |= {"logprobs": True, "top_logprobs": self.abilities.top_logprobs}
        reply = await self._wire.ask(_Chat, CHAT, body)
        return Chosen(merge(self._first(reply), request.labels), _usage(reply.usage))

    def _first(self, reply: _Chat) -> Tokens:
        """Return the candidates for the first token; none where the model ended at once."""
        logprobs = reply.choices[0].logprobs
        if logprobs is None or logprobs.content is None:
            raise LLMUnavailable(
                f"{self._wire.where} answered without log-probabilities: rank by generation"
            )
        return _candidates(logprobs.content)

    async def _score_chat(self, request: Score) -> Scored:
        if not request.continuation.strip():
            return Scored(0.0, 0)
        opened = request.prompt[-1:] if _is_open(request.prompt) else ()
        begun = "".join(message.content for message in opened)
        closed = request.prompt[: len(request.prompt) - len(opened)]
        prompt = (*closed, Message("assistant", begun + request.continuation))
        body = self._body(prompt, 1, 0.0) | {"prompt_logprobs": 0}
        reply = await self._wire.ask(_Chat, CHAT, body)
        tokens = [_actual(entry) for entry in reply.prompt_logprobs or () if entry]
        logprob, count = self._tail(tokens, request.continuation)
        return Scored(logprob, count, _usage(reply.usage))

    def _tail(self, tokens: Tokens, text: str) -> tuple[float, int]:
        """Return sum and number of the last tokens that spell the text; spaces do not count.

        They do not because SentencePiece tokens decoded one by one lose theirs.
        """
        wanted, spelt, first = _squeezed(text), "", len(tokens)
        while first and len(spelt) < len(wanted):
            first -= 1
            spelt = _squeezed(tokens[first][0]) + spelt
        if not spelt.endswith(wanted):
            raise LLMUnavailable(
                f"{self._wire.where}: the prompt's tokens end with '{spelt[-40:]}' where the text"
                f" to score is '{text[-40:]}': use a reranker that chooses labels"
            )
        return min(math.fsum(p for _, p in tokens[first:]), 0.0), len(tokens) - first

    async def _score_echo(self, request: Score) -> Scored:
        text = _plain(request.prompt)
        whole = text + request.continuation
        self._warn_if_long(request.prompt, 1)
        reply = await self._wire.ask(_Echoed, COMPLETIONS, _echoing(self._spec.name, whole))
        tokens = reply.choices[0].logprobs
        ends = (*tokens.text_offset[1:], len(reply.choices[0].text))
        spans = zip(tokens.text_offset, ends, tokens.token_logprobs, strict=False)
        inside = [p or 0.0 for start, end, p in spans if end > len(text) and start < len(whole)]
        return Scored(min(math.fsum(inside), 0.0), len(inside), _usage(reply.usage))

    async def _complete(self, request: Complete) -> Completed:
        if request.max_tokens < 1:  # servers refuse to write nothing
            return Completed("", 0, cut=True)
        reply = await self._wire.ask(_Chat, CHAT, self._completing(request))
        choice = reply.choices[0]
        text = choice.message.content or ""
        tokens = reply.usage.completion_tokens if reply.usage else _estimate(text)
        return Completed(text, tokens, choice.finish_reason == "length", _usage(reply.usage))

    def _completing(self, request: Complete) -> Body:
        return self._body(request.prompt, request.max_tokens, request.temperature)

    def _body(self, prompt: Prompt, max_tokens: int, temperature: float) -> Body:
        self._warn_if_long(prompt, max_tokens)
        body = _chat(self._spec.name, prompt) | {
            "max_tokens": max_tokens,
            "temperature": temperature,
        }
        if not _is_open(prompt):
            return body
        if not self._continues:
            raise BadPrompt(
                f"the prompt ends with '{prompt[-1].content[-20:]}' of the assistant, which"
                f" {self._wire.where} would read as a finished turn: ask for the bare label"
            )
        return body | (_CONTINUE if self.abilities.continue_final_message else {})

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


# ── Labels and tokens ────────────────────────────────────────────────────────────────────────────


def merge(tokens: Tokens, labels: Sequence[str]) -> tuple[float | None, ...]:
    """Return each label's log-probability over its variants with a space before; case counts.

    >>> merge([("A", -1.0), (" B", -2.0), ("a", -3.0)], ["A", "B", "C"])
    (-1.0, -2.0, None)
    """
    found: dict[str, list[float]] = {}
    for token, logprob in tokens:
        if logprob > _UNLIKELY:
            found.setdefault(_bare(token), []).append(logprob)
    return tuple(_log_sum_exp(found.get(_bare(label), ())) for label in labels)


def floor(chosen: Chosen, margin: float = 1.0) -> tuple[float, ...]:
    """Return the log-probabilities with missing ones at the least observed − margin.

    Where none was observed all are 0.0: equal. Ties are left to the caller.

    >>> floor(Chosen((-0.5, None, -2.0)))
    (-0.5, -3.0, -2.0)
    """
    observed = [p for p in chosen.logprobs if p is not None]
    missing = min(observed) - margin if observed else 0.0
    return tuple(missing if p is None else p for p in chosen.logprobs)


def family(name: str) -> str:
    """Return the family that a model's name tells, or the name's first word.

    >>> family("Qwen/Qwen2.5-0.5B-Instruct"), family("TinyLlama-1.1B"), family("o3-mini")
    ('qwen', 'llama', 'o3')
    """
    lowered = name.lower()
    lowered = re.sub("(mix|minis|codes|magis)tral", "mistral", lowered)  # one maker, one kind
    known = sorted((lowered.find(name), name) for name in FAMILIES if name in lowered)
    words = re.findall(r"[^\W_]+", lowered.rsplit("/", 1)[-1])
    return known[0][1] if known else (words or [lowered])[0]


def _bare(token: str) -> str:
    return token.lstrip(" ▁")


def _log_sum_exp(logprobs: Sequence[float]) -> float | None:
    if not logprobs:
        return None
    top = max(logprobs)
    return min(0.0, top + math.log(math.fsum(math.exp(p - top) for p in logprobs)))


def _candidates(content: Sequence[_Token]) -> Tokens:
    if not content:
        return ()
    tops: Sequence[_Top] = content[0].top_logprobs or content[:1]
    return [(top.token, top.logprob) for top in tops]


def _actual(entry: Mapping[str, _PromptToken]) -> tuple[str, float]:
    """Return the prompt's own token; likelier ones may stand beside it, with a lower rank."""
    token = max(entry.values(), key=lambda token: token.rank or 0)
    return token.decoded_token or "", token.logprob


def _squeezed(text: str) -> str:
    return "".join(text.replace("▁", " ").split())


def _estimate(text: str) -> int:
    return max(math.ceil(len(text.encode(errors="replace")) / _BYTES_PER_TOKEN), len(text.split()))


def _is_open(prompt: Prompt) -> bool:
    return bool(prompt) and prompt[-1].role == "assistant"


def _plain(prompt: Prompt) -> str:
    text = "\n".join(message.content for message in prompt)
    return text if _is_open(prompt) else f"{text}\n"


def _usage(spent: _Spent | None) -> Usage:
    return Usage(spent.prompt_tokens, spent.completion_tokens) if spent else Usage()


def _with_cost(reply: Reply, ms: float, batch: int) -> Reply:
    return replace(reply, usage=replace(reply.usage, ms=ms, batch=batch))


def _chat(model: str, prompt: Prompt) -> Body:
    return {"model": model, "messages": prompt}


def _echoing(model: str, text: str) -> Body:
    # One token is written, for some servers refuse none.
    return {"model": model, "prompt": text, "echo": True, "logprobs": 1, "max_tokens": 1}


# ── What the server can do ───────────────────────────────────────────────────────────────────────


async def _served(wire: "_Wire", model: str) -> _Model:
    """Return the model of that name, or the first: a name may work that is not listed (Ollama)."""
    if model:
        listed = await wire.probe(_Models, MODELS) or _Models(())
        return next((row for row in listed.data if row.id == model), _Model(model))
    models = (await wire.ask(_Models, MODELS)).data
    if not models:
        raise BadSettings(f"{wire.where} lists no model: set llm.model")
    return models[0]


def _window(served: _Model, wanted: int) -> tuple[int, str]:
    """Return the window in tokens, and whose word that is."""
    meta = served.meta or _Meta()
    said = served.max_model_len or meta.n_ctx or meta.n_ctx_train or 0
    if said and (not wanted or said <= wanted):
        return said, "the server's word"
    return (wanted, "as set") if wanted else (_WINDOW, f"unknown, {_WINDOW} assumed")


async def _abilities(wire: "_Wire", model: str) -> Abilities:
    top, plain = await _top_logprobs(wire, model)
    scoring = _chat(model, _PROBE) | {"max_tokens": 1, "prompt_logprobs": 0}
    forced, flagged, scored = await _together(
        [
            wire.probe(_Chat, CHAT, _chat(model, _FORCED) | {"max_tokens": 1}),
            wire.probe(_Chat, CHAT, _chat(model, _FORCED) | {"max_tokens": 1} | _CONTINUE),
            wire.probe(_Chat, CHAT, scoring),
        ]
    )
    limited, unlimited, echoed, tokenized = await _together(
        [
            _limited(wire, model, [1]),
            _limited(wire, model, []),
            _echoes(wire, model),
            _tokenizes(wire, model),
        ]
    )
    begun, closed, kept = _length(plain), _length(forced), _length(flagged)
    continues = closed == begun + 1  # the header and "[": nothing that ends a turn
    return Abilities(
        top_logprobs=top,
        allowed_token_ids=limited and not unlimited,
        # Who knows the parameter leaves out the end of the turn and the next header.
        continue_final_message=not continues and begun < kept < closed,
        continues=continues,
        prompt_logprobs=scored is not None and bool(scored.prompt_logprobs),
        echo_scores=echoed,
        tokenize=tokenized,
    )


async def _top_logprobs(wire: "_Wire", model: str) -> tuple[int, _Chat]:
    """Return the largest number that works, and the reply to it."""
    body = _chat(model, _PROBE) | {"max_tokens": 1, "temperature": 0.0}
    for top in (20, 5):
        reply = await wire.probe(_Chat, CHAT, body | {"logprobs": True, "top_logprobs": top})
        logprobs = reply.choices[0].logprobs if reply else None
        if reply and logprobs and logprobs.content:
            return top, reply
    return 0, await wire.ask(_Chat, CHAT, body)


async def _limited(wire: "_Wire", model: str, ids: list[int]) -> bool:
    """Return whether these `allowed_token_ids` are accepted: who knows them refuses none at all."""
    body = _chat(model, _PROBE) | {"max_tokens": 1, "allowed_token_ids": ids}
    return await wire.probe(_Chat, CHAT, body) is not None


async def _echoes(wire: "_Wire", model: str) -> bool:
    text = "One two three four."
    reply = await wire.probe(_Echoed, COMPLETIONS, _echoing(model, text))
    return (
        reply is not None
        and reply.choices[0].text.startswith(text)
        and len(reply.choices[0].logprobs.token_logprobs) > 2
    )


async def _tokenizes(wire: "_Wire", model: str) -> bool:
    # vLLM reads "prompt", llama.cpp "content".
    body: Body = {"model": model, "prompt": "One two", "content": "One two"}
    return await wire.probe(_Tokenized, TOKENIZE, body) is not None


def _length(reply: _Chat | None) -> int:
    return reply.usage.prompt_tokens if reply and reply.usage else 0


# ── HTTP ─────────────────────────────────────────────────────────────────────────────────────────


class _Refused(LLMUnavailable):
    """The server answered that it will not or cannot do it."""


class _Wire:
    """The server as requests and typed replies: limits, retries, and errors without the key."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        api_key: Secret,
        timeout_s: float,
        concurrency: int,
        retries: int,
        backoff_s: float,
    ) -> None:
        self.where = f"the server of llm.url ({client.base_url.netloc.decode()})"
        self._client = client
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(concurrency)
        self._retries = retries
        self._backoff_s = backoff_s

    async def ask(self, kind: type[T], path: str, body: Body | None = None) -> T:
        """Return the decoded reply; GET where there is no body.

        Raises:
            BadPrompt: the server says that the prompt is too long.
            LLMUnavailable: it refuses, does not answer, or sends something else.
        """
        async with self._slots:  # kept while waiting to try again: less load on who is overloaded
            response = await self._send(self._request(path, body), stream=False)
        return self.read(response.content, kind)

    async def probe(self, kind: type[T], path: str, body: Body | None = None) -> T | None:
        """Return the reply, or None where the server refuses or sends something else."""
        try:
            return await self.ask(kind, path, body)
        except _Refused:
            return None

    @asynccontextmanager
    async def events(self, path: str, body: Body) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """Give the data of a stream's events; the request ends with the block."""
        async with self._slots:
            response = await self._send(self._request(path, body), stream=True)
            async with aclosing(response), aclosing(self._data(response)) as events:
                yield events

    def read(self, content: bytes, kind: type[T]) -> T:
        """Return JSON as a value.

        Raises:
            LLMUnavailable: it is none, or of another shape.
        """
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            text = content.decode(errors="replace")
            raise _Refused(self.clean(f"sent what makes no sense ({error}): {text}")) from None

    def clean(self, text: str) -> str:
        """Return a message that begins with the server, is not long, and has no key in it."""
        shown = text.replace(self._api_key, MASK) if self._api_key else text
        cut = shown if len(shown) <= _EXCERPT else f"{shown[:_EXCERPT]}…"
        return f"{self.where}: {cut}"

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _request(self, path: str, body: Body | None) -> httpx.Request:
        if body is None:
            return self._client.build_request("GET", path)
        try:
            content = msgspec.json.encode(body)
        except UnicodeEncodeError as error:
            raise BadPrompt(f"the prompt cannot be sent ({error.reason}): mend its text") from None
        return self._client.build_request("POST", path, content=content)

    async def _send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        for attempt in itertools.count(1):
            outcome = await self._try(request, stream=stream)
            if isinstance(outcome, httpx.Response) and outcome.is_success:
                return outcome
            wait = self._wait(outcome, attempt)
            if wait is None:
                raise self._error(outcome, attempt)
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def _try(self, request: httpx.Request, *, stream: bool) -> httpx.Response | str:
        """Return the server's answer, or why there is none."""
        # A nearer deadline ends this by itself, and must come out as what it is.
        limit = self._timeout_s if self._timeout_s < remaining() else None
        try:
            async with asyncio.timeout(limit):
                response = await self._client.send(request, stream=stream)
                if stream and not response.is_success:
                    async with aclosing(response):
                        await response.aread()
                return response
        except (TimeoutError, httpx.TimeoutException):
            return f"no answer within {self._timeout_s:g} s"
        except httpx.RequestError as error:
            return f"{type(error).__name__}: {error}"

    def _wait(self, outcome: httpx.Response | str, attempt: int) -> float | None:
        """Return the seconds until the next try, or None where there is to be none."""
        passes = isinstance(outcome, str) or outcome.status_code in RETRIED
        if not passes or attempt > self._retries:
            return None
        most = min(_LONGEST_WAIT_S, self._backoff_s * 2.0 ** (attempt - 1))
        wait = _JITTER.uniform(0.0, most)  # full jitter: AWS Architecture Blog, Brooker 2015
        if isinstance(outcome, httpx.Response):
            wait = max(wait, _retry_after(outcome.headers.get("retry-after", "")))
        return wait if wait < min(self._timeout_s, remaining()) else None

    def _error(self, outcome: httpx.Response | str, attempts: int) -> BadPrompt | LLMUnavailable:
        if isinstance(outcome, str):
            return LLMUnavailable(
                self.clean(f"{outcome} (tried {attempts}×): is it up, and is llm.url right?")
            )
        status, text = outcome.status_code, _message(outcome.content)
        if status in {401, 403}:
            return LLMUnavailable(self.clean(f"{status}, set llm.api_key: {text}"))
        if status == 413 or (status in {400, 422} and _TOO_LONG.search(outcome.text)):
            return BadPrompt(self.clean(f"send fewer or shorter passages: {text}"))
        says = self.clean(f"{status} (tried {attempts}×): {text}")
        return (LLMUnavailable if status in RETRIED - {500} else _Refused)(says)

    async def _data(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield what stands after "data:" until the end that the server sends.

        Raises:
            LLMUnavailable: the connection ends before.
        """
        why = "it closed the connection"
        try:
            async with aclosing(_lines(response)) as lines:
                async for line in lines:
                    if line == b"data: [DONE]" or line == b"data:[DONE]":
                        return
                    if line.startswith(b"data:"):
                        yield line.removeprefix(b"data:").strip()
        except httpx.RequestError as error:
            why = f"{type(error).__name__}: {error}"
        raise LLMUnavailable(self.clean(f"the stream ended before the completion did: {why}"))


async def _lines(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield lines; httpx's own end at U+2028 too, which JSON may hold as it is."""
    rest = b""
    async for block in response.aiter_bytes():
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line.rstrip(b"\r")
    if rest:
        yield rest


async def _together(calls: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """Return all results in order; the first error cancels the rest and comes out as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as failed:
        first = failed.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise first


def _message(content: bytes) -> str:
    """Return what an error's body says, in any of the shapes that servers use."""
    raw = content.decode(errors="replace").strip()
    try:
        said = msgspec.json.decode(content, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return raw
    inner = said.error if isinstance(said.error, str) else said.error.message
    return inner or said.message or raw


def _retry_after(value: str) -> float:
    """Return the seconds that a Retry-After asks for: a number or an HTTP date; else 0."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (email.utils.parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return seconds if seconds > 0 else 0.0


def _base(url: str) -> str:
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise BadSettings(f"llm.url is '{url}': {error}: write http://HOST:PORT") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise BadSettings(f"llm.url is '{url}': write http://HOST:PORT or https://HOST")
    return str(parsed).rstrip("/").removesuffix("/v1")


def _headers(api_key: Secret) -> dict[str, str]:
    if not (api_key.isascii() and api_key.isprintable()):
        raise BadSettings("llm.api_key has characters that no HTTP header can carry")
    key = {"authorization": f"Bearer {api_key}"} if api_key else {}
    return {"content-type": "application/json"} | key
