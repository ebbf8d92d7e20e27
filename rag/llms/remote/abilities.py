"""What a server can do, found by asking: which model, how long a prompt, which parameters.

Such servers answer 200 to parameters that they do not know, so what counts is what comes back.
"""

from dataclasses import asdict, dataclass

from rag.errors import BadSettings, LLMUnavailable
from rag.llms.remote.shapes import (
    CHAT,
    COMPLETIONS,
    CONTINUE,
    LIMIT,
    MODELS,
    NEWER_LIMIT,
    TOKENIZE,
    UNTHINKING,
    Body,
    Chat,
    Echoed,
    Meta,
    Model,
    Models,
    Tokenized,
    chat,
    echoing,
)
from rag.llms.remote.wire import Wire, together
from rag.values import Frozen, Message, Prompt

_WINDOW = 4_096  # chosen: the least that servers of the last years are started with
_PROBE: Prompt = (Message("user", "Answer with the letter A."),)
_FORCED: Prompt = (*_PROBE, Message("assistant", "["))


@dataclass(frozen=True, slots=True)
class Abilities(Frozen):
    """What a server was found able to do.

    `top_logprobs` is the largest number that works. `continue_final_message`: its parameter keeps
    the assistant's last turn open; `continues` says that the server does so by itself (llama.cpp).
    Scores come from `prompt_logprobs` (vLLM, with the chat template) or from `echo_scores` (the
    legacy endpoint: the plain text of the messages, without the template). With
    `max_completion_tokens` the server refuses the older name of that limit. `unthinking`: its
    parameter keeps the model from thinking before it answers, which no label survives.
    """

    top_logprobs: int = 0
    allowed_token_ids: bool = False
    continue_final_message: bool = False
    continues: bool = False
    prompt_logprobs: bool = False
    echo_scores: bool = False
    tokenize: bool = False
    max_completion_tokens: bool = False
    unthinking: bool = False

    @property
    def limit(self) -> str:
        """The name of the parameter that limits what is written."""
        return NEWER_LIMIT if self.max_completion_tokens else LIMIT

    @property
    def says(self) -> str:
        """The abilities in words: "top_logprobs 20, tokenize"."""
        found = [name for name, value in asdict(self).items() if value is True]
        return ", ".join([f"top_logprobs {self.top_logprobs}", *found])


async def find_served(wire: Wire, model: str) -> Model:
    """Return the model of that name, or the first: a name may work that is not listed (Ollama).

    Raises:
        BadSettings: no name is given and none listed.
        LLMUnavailable: the server does not answer.
    """
    if model:
        listed = await wire.probe(Models, MODELS) or Models(())
        return next((row for row in listed.data if row.id == model), Model(model))
    models = (await wire.ask(Models, MODELS)).data
    if not models:
        raise BadSettings(f"{wire.where} lists no model: set llm.model")
    return models[0]


def find_window(served: Model, wanted: int) -> tuple[int, str]:
    """Return the window in tokens, and whose word that is."""
    meta = served.meta or Meta()
    said = served.max_model_len or meta.n_ctx or meta.n_ctx_train or 0
    if said and (not wanted or said <= wanted):
        return said, "the server's word"
    return (wanted, "as set") if wanted else (_WINDOW, f"unknown, {_WINDOW} assumed")


async def find_abilities(wire: Wire, model: str) -> Abilities:
    """Return what the server can do with the model, by asking for one token at a time.

    Raises:
        LLMUnavailable: it does not answer, or cannot chat.
    """
    limit, plain = await _limit(wire, model)
    one: Body = {limit: 1}
    forced, flagged, scored, unthinking = await together(
        [
            wire.probe(Chat, CHAT, chat(model, _FORCED) | one),
            wire.probe(Chat, CHAT, chat(model, _FORCED) | one | CONTINUE),
            wire.probe(Chat, CHAT, chat(model, _PROBE) | one | {"prompt_logprobs": 0}),
            wire.probe(Chat, CHAT, chat(model, _PROBE) | one | UNTHINKING),
        ]
    )
    limited, unlimited, echoed, tokenized = await together(
        [
            _limited(wire, model, one, [1]),
            _limited(wire, model, one, []),
            _echoes(wire, model),
            _tokenizes(wire, model),
        ]
    )
    begun, closed, kept = _length(plain), _length(forced), _length(flagged)
    continues = closed == begun + 1  # the header and "[": nothing that ends a turn
    return Abilities(
        top_logprobs=await _top_logprobs(wire, model, one),
        allowed_token_ids=limited and not unlimited,
        # Who knows the parameter leaves out the end of the turn and the next header.
        continue_final_message=not continues and begun < kept < closed,
        continues=continues,
        prompt_logprobs=scored is not None and bool(scored.prompt_logprobs),
        echo_scores=echoed,
        tokenize=tokenized,
        max_completion_tokens=limit == NEWER_LIMIT,
        # Templates that know the parameter write an empty thought, or leave out an instruction.
        unthinking=_length(unthinking) not in {0, begun},
    )


async def _limit(wire: Wire, model: str) -> tuple[str, Chat]:
    """Return the name of the limit that the server takes, and its reply.

    Newer models of OpenAI refuse the older name and say the newer one.
    """
    try:
        return LIMIT, await wire.ask(Chat, CHAT, chat(model, _PROBE) | {LIMIT: 1})
    except LLMUnavailable as refusal:
        if NEWER_LIMIT not in str(refusal):
            raise
    return NEWER_LIMIT, await wire.ask(Chat, CHAT, chat(model, _PROBE) | {NEWER_LIMIT: 1})


async def _top_logprobs(wire: Wire, model: str, one: Body) -> int:
    """Return the largest number that works."""
    body = chat(model, _PROBE) | one | {"temperature": 0.0, "logprobs": True}
    for top in (20, 5):
        reply = await wire.probe(Chat, CHAT, body | {"top_logprobs": top})
        logprobs = reply.choices[0].logprobs if reply else None
        if logprobs and logprobs.content:
            return top
    return 0


async def _limited(wire: Wire, model: str, one: Body, ids: list[int]) -> bool:
    """Return whether these `allowed_token_ids` are accepted: who knows them refuses none at all."""
    body = chat(model, _PROBE) | one | {"allowed_token_ids": ids}
    return await wire.probe(Chat, CHAT, body) is not None


async def _echoes(wire: Wire, model: str) -> bool:
    text = "One two three four."
    reply = await wire.probe(Echoed, COMPLETIONS, echoing(model, text))
    return (
        reply is not None
        and reply.choices[0].text.startswith(text)
        and len(reply.choices[0].logprobs.token_logprobs) > 2
    )


async def _tokenizes(wire: Wire, model: str) -> bool:
    # vLLM reads "prompt", llama.cpp "content".
    body: Body = {"model": model, "prompt": "One two", "content": "One two"}
    return await wire.probe(Tokenized, TOKENIZE, body) is not None


def _length(reply: Chat | None) -> int:
    return reply.usage.prompt_tokens if reply and reply.usage else 0
