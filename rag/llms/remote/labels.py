"""What is read out of tokens and texts without asking anyone: labels, spellings, lengths."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from rag.errors import LLMUnavailable
from rag.llms.remote.shapes import Echo, PromptToken, Token, Top
from rag.values import Prompt

Tokens: TypeAlias = Sequence[tuple[str, float]]

_TOKENS_PER_MESSAGE = 8  # chosen: role, begin and end marks, and a share of the header
_BYTES_PER_TOKEN = 3.5  # chosen: English has about 4 in the vocabularies of today
_LOG_HALF = math.log(0.5)
_UNLIKELY = -9999.0  # how OpenAI and vLLM write "not among those reported"


def merge(tokens: Tokens, labels: Sequence[str]) -> tuple[float | None, ...]:
    """Return each label's log-probability over its variants with a space before; case counts.

    >>> merge([("A", -1.0), (" B", -2.0), ("a", -3.0)], ["A", "B", "C"])
    (-1.0, -2.0, None)
    """
    found: dict[str, list[float]] = {}
    for token, logprob in tokens:
        if logprob > _UNLIKELY:
            found.setdefault(bare(token), []).append(logprob)
    return tuple(_log_sum_exp(found.get(bare(label), ())) for label in labels)


def bare(token: str) -> str:
    """Return a token without the mark of a space before it."""
    return token.lstrip(" ▁")


def _log_sum_exp(logprobs: Sequence[float]) -> float | None:
    if not logprobs:
        return None
    top = max(logprobs)
    return min(0.0, top + math.log(math.fsum(math.exp(p - top) for p in logprobs)))


def candidates(content: Sequence[Token]) -> Tokens:
    """Return the candidates for the first token that was written, itself among them.

    It need not be among the likeliest where the server was held to some tokens.
    """
    if not content:
        return ()
    tops: Sequence[Top] = content[0].top_logprobs or ()
    found = [(top.token, top.logprob) for top in tops]
    written = (content[0].token, content[0].logprob)
    return found if written[0] in {token for token, _ in found} else [*found, written]


def thinks(tokens: Tokens) -> bool:
    """Whether a thought is likelier to begin than everything else together.

    >>> thinks([("<think>", -0.1), ("A", -3.0)]), thinks([("A", -0.1), ("<think>", -3.0)])
    (True, False)
    """
    return any(bare(token).startswith("<think") and p > _LOG_HALF for token, p in tokens)


def spoken(content: Sequence[Token], name: str) -> Tokens:
    """Return the candidates for the first token of an answer.

    Raises:
        LLMUnavailable: the model of that name begins to think instead.
    """
    found = candidates(content)
    if thinks(found):
        raise LLMUnavailable(
            f"{name} thinks before it answers: start its server with thinking switched off, take a"
            " model that answers at once, or rank by generation"
        )
    return found


def actual(entry: Mapping[str, PromptToken]) -> tuple[str, float]:
    """Return the prompt's own token; likelier ones may stand beside it, with a lower rank."""
    token = max(entry.values(), key=lambda token: token.rank or 0)
    return token.decoded_token or "", token.logprob


def tail(tokens: Tokens, text: str, where: str) -> tuple[float, int]:
    """Return sum and number of the last tokens that spell the text; spaces do not count.

    They do not because SentencePiece tokens decoded one by one lose theirs.

    Raises:
        LLMUnavailable: the tokens end otherwise.
    """
    wanted, spelt, first = _squeezed(text), "", len(tokens)
    while first and len(spelt) < len(wanted):
        first -= 1
        spelt = _squeezed(tokens[first][0]) + spelt
    if not spelt.endswith(wanted):
        raise LLMUnavailable(
            f"{where}: the prompt's tokens end with '{spelt[-40:]}' where the text"
            f" to score is '{text[-40:]}': use a reranker that chooses labels"
        )
    return min(math.fsum(p for _, p in tokens[first:]), 0.0), len(tokens) - first


def inside(echo: Echo, start: int, end: int) -> tuple[float, int]:
    """Return sum and number of the tokens that reach into these characters of an echo."""
    tokens = echo.logprobs
    ends = (*tokens.text_offset[1:], len(echo.text))
    spans = zip(tokens.text_offset, ends, tokens.token_logprobs, strict=False)
    found = [p or 0.0 for first, last, p in spans if last > start and first < end]
    return min(math.fsum(found), 0.0), len(found)


def _squeezed(text: str) -> str:
    return "".join(text.replace("▁", " ").split())


def estimate(text: str) -> int:
    """Return a text's length in tokens: UTF-8 bytes / 3.5, at least its words."""
    return max(math.ceil(len(text.encode(errors="replace")) / _BYTES_PER_TOKEN), len(text.split()))


def length(prompt: Prompt) -> int:
    """Return a prompt's length in tokens: of its texts, and 8 per message for the template."""
    return sum(estimate(message.content) + _TOKENS_PER_MESSAGE for message in prompt)


def is_open(prompt: Prompt) -> bool:
    """Is the last turn the assistant's, to be continued?"""
    return bool(prompt) and prompt[-1].role == "assistant"


def plain(prompt: Prompt) -> str:
    """Return the messages as text without a chat template."""
    text = "\n".join(message.content for message in prompt)
    return text if is_open(prompt) else f"{text}\n"
