"""What goes over the wire: paths, the bodies that are sent, and the shapes of what comes back.

A shape names only what is read; whatever else a server sends is passed over.
"""

from typing import Annotated, TypeAlias

import msgspec

from rag.values import Prompt, Usage

Body: TypeAlias = dict[str, object]

CHAT, COMPLETIONS, MODELS, TOKENIZE = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/models",
    "/tokenize",
)
CONTINUE: Body = {"continue_final_message": True, "add_generation_prompt": False}
UNTHINKING: Body = {"chat_template_kwargs": {"enable_thinking": False}}
LIMIT, NEWER_LIMIT = "max_tokens", "max_completion_tokens"
STREAM: Body = {"stream": True, "stream_options": {"include_usage": True}}


class Spent(msgspec.Struct, frozen=True):
    """The tokens that a request has cost."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Top(msgspec.Struct, frozen=True):
    """A candidate for a token's place."""

    token: str
    logprob: float


class Token(Top, frozen=True):
    """A token that was written, with the likeliest in its place."""

    top_logprobs: tuple[Top, ...] | None = None


class _Logprobs(msgspec.Struct, frozen=True):
    content: tuple[Token, ...] | None = None


class _Text(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Text
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class PromptToken(msgspec.Struct, frozen=True):
    """A candidate for a place in the prompt (vLLM)."""

    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


class Chat(msgspec.Struct, frozen=True):
    """The reply to a chat."""

    choices: Annotated[tuple[_Choice, ...], msgspec.Meta(min_length=1)]
    usage: Spent | None = None
    prompt_logprobs: tuple[dict[str, PromptToken] | None, ...] | None = None


class Delta(msgspec.Struct, frozen=True):
    """What an event adds to one choice."""

    delta: _Text = _Text()
    finish_reason: str | None = None


class _Failure(msgspec.Struct, frozen=True):
    message: str


class Problem(msgspec.Struct, frozen=True):
    """An error's body."""

    error: _Failure | str = ""
    message: str = ""


class Chunk(msgspec.Struct, frozen=True):
    """One event of a streamed chat."""

    choices: tuple[Delta, ...] = ()
    usage: Spent | None = None
    error: _Failure | None = None


class _EchoedTokens(msgspec.Struct, frozen=True):
    token_logprobs: tuple[float | None, ...]
    text_offset: tuple[int, ...]


class Echo(msgspec.Struct, frozen=True):
    """A prompt repeated, with its tokens."""

    text: str
    logprobs: _EchoedTokens


class Echoed(msgspec.Struct, frozen=True):
    """The reply of the legacy endpoint that repeats its prompt."""

    choices: Annotated[tuple[Echo, ...], msgspec.Meta(min_length=1)]
    usage: Spent | None = None


class Meta(msgspec.Struct, frozen=True):
    """What llama.cpp says of a model beyond its name."""

    n_ctx: int | None = None
    n_ctx_train: int | None = None


class Model(msgspec.Struct, frozen=True):
    """A row of the list of models."""

    id: str
    max_model_len: int | None = None
    meta: Meta | None = None


class Models(msgspec.Struct, frozen=True):
    """The list of models."""

    data: tuple[Model, ...]


class Tokenized(msgspec.Struct, frozen=True):
    """A text's tokens."""

    tokens: Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(min_length=1)]


class TokenIds(msgspec.Struct, frozen=True):
    """A text's tokens as vLLM gives them."""

    tokens: tuple[int, ...]


def chat(model: str, prompt: Prompt) -> Body:
    """Return what every chat is asked with."""
    return {"model": model, "messages": prompt}


def echoing(model: str, text: str) -> Body:
    """Return what makes the legacy endpoint repeat and score a text."""
    # One token is written, for some servers refuse none.
    return {"model": model, "prompt": text, "echo": True, "logprobs": 1, "max_tokens": 1}


def usage(spent: Spent | None) -> Usage:
    """Return what a reply says it has cost; nothing where it does not say."""
    return Usage(spent.prompt_tokens, spent.completion_tokens) if spent else Usage()
