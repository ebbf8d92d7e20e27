"""The OpenAI protocol on the wire: what a chat asks for, and what it is answered.

Requests may hold more than is named here: such servers pass over what they do not know.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from rag.values import Message

MOST_TOP = 20
Top = Annotated[int, Meta(ge=0, le=MOST_TOP)]
Count = Annotated[int, Meta(ge=1)]

NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "allowed_token_ids": (),
    "bad_words": ([],),
    "best_of": (1,),
    "chat_template": (),
    "chat_template_kwargs": ({}, {"enable_thinking": False}),
    "frequency_penalty": (0,),
    "function_call": ("none",),
    "functions": ([],),
    "guided_choice": (),
    "guided_grammar": (),
    "guided_json": (),
    "guided_regex": (),
    "ignore_eos": (False,),
    "logit_bias": ({},),
    "min_p": (0,),
    "min_tokens": (0,),
    "modalities": (["text"],),
    "n": (1,),
    "presence_penalty": (0,),
    "repetition_penalty": (1,),
    "response_format": ({"type": "text"},),
    "stop_token_ids": ([],),
    "structured_outputs": (),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_k": (0, -1),
    "top_p": (1,),
}
"""Parameters that are not implemented and would change the answer: the values that ask for nothing,
beside null. Any other value is refused, never passed over."""


class Part(Struct, frozen=True):
    """A piece of a message."""

    type: Literal["text"]
    text: str


class Turn(Struct, frozen=True):
    """A message, its text whole or in pieces."""

    role: Literal["system", "user", "assistant"]
    content: str | tuple[Part, ...]

    def parse(self) -> Message:
        """Return the message; pieces become lines, as vLLM has it."""
        if isinstance(self.content, str):
            return Message(self.role, self.content)
        return Message(self.role, "\n".join(part.text for part in self.content))


class StreamOptions(Struct, frozen=True):
    """What a stream ends with."""

    include_usage: bool | None = None


class ChatRequest(Struct, frozen=True):
    """A chat to be answered; temperature is 1 where it is not given, as the protocol says."""

    messages: Annotated[tuple[Turn, ...], Meta(min_length=1)]
    model: str = ""
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    seed: int | None = None
    stop: str | Annotated[tuple[str, ...], Meta(max_length=16)] | None = None
    logprobs: bool | None = None
    top_logprobs: Top | None = None
    prompt_logprobs: Top | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    continue_final_message: bool = False
    add_generation_prompt: bool = True

    @property
    def stops(self) -> tuple[str, ...]:
        """The strings that end the text; empty ones end nothing."""
        given = (self.stop,) if isinstance(self.stop, str) else self.stop or ()
        return tuple(stop for stop in given if stop)


class TokenizeRequest(Struct, frozen=True):
    """A text or a chat to be cut into tokens: exactly one of them."""

    model: str = ""
    prompt: str | None = None
    messages: tuple[Turn, ...] = ()


class TopToken(Struct, frozen=True):
    """A candidate for a place; `bytes` are its own, also where they are part of a character's."""

    token: str
    logprob: float
    bytes: tuple[int, ...]


class TokenLogprob(TopToken, frozen=True):
    """A token that was written, with the likeliest in its place."""

    top_logprobs: tuple[TopToken, ...] = ()


class Logprobs(Struct, frozen=True):
    """The tokens written, that which ended the text included."""

    content: tuple[TokenLogprob, ...]


class PromptLogprob(Struct, frozen=True):
    """A token in its place in the prompt; `rank` counts from 1."""

    logprob: float
    rank: int
    decoded_token: str


class Said(Struct, frozen=True, omit_defaults=True):
    """A message of the assistant, or in a stream what is new of it."""

    content: str | UnsetType = UNSET
    role: str | UnsetType = UNSET


class Choice(Struct, frozen=True):
    """The answer; "stop": the model or a stop string ended it, "length": `max_tokens` did."""

    message: Said
    finish_reason: str
    logprobs: Logprobs | None = None
    index: int = 0


class Delta(Struct, frozen=True):
    """What an event of a stream adds."""

    delta: Said
    finish_reason: str | None = None
    logprobs: Logprobs | None = None
    index: int = 0


class Spent(Struct, frozen=True):
    """What a request has cost; the token that ends a text is not counted."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatReply(Struct, frozen=True):
    """A chat answered; `prompt_logprobs` has null for the first token, which nothing foretells."""

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: Spent
    object: str = "chat.completion"
    prompt_logprobs: tuple[dict[str, PromptLogprob] | None, ...] | UnsetType = UNSET


class Event(Struct, frozen=True):
    """One event of a streamed answer."""

    id: str
    created: int
    model: str
    choices: tuple[Delta, ...]
    usage: Spent | UnsetType = UNSET
    object: str = "chat.completion.chunk"


class Model(Struct, frozen=True):
    """A model that is served; `max_model_len` is its context window in tokens."""

    id: str
    max_model_len: int
    object: str = "model"
    created: int = 0
    owned_by: str = "firstcite"


class Models(Struct, frozen=True):
    """The models that are served."""

    data: tuple[Model, ...]
    object: str = "list"


class Tokens(Struct, frozen=True):
    """A text's tokens by id."""

    tokens: tuple[int, ...]
    count: int
    max_model_len: int


class Problem(Struct, frozen=True):
    """What went wrong, in the protocol's words."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class Refusal(Struct, frozen=True):
    """The body of every error."""

    error: Problem
