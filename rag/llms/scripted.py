"""The LLM that answers from a script: the shipped fake of the `LLM` seam."""

import re
from collections.abc import AsyncGenerator, Callable, Sequence

from rag.llms.checking import check
from rag.seams import LLMSpec
from rag.values import Choose, Chosen, Complete, Completed, Piece, Prompt, Score, Scored

_WORD = re.compile(r"\s*\S+(?:\s+\Z)?")


class ScriptedLLM:
    """Answers with the given functions and keeps what it was asked in `history`.

    Tokens are words, each with the white space before it. `complete` also feeds `stream`, word by
    word. Among given texts it takes the one that the script says, else the first; in a mixture
    every prompt has an equal share in every word.
    """

    def __init__(
        self,
        choose: Callable[[Choose], Chosen] = lambda r: Chosen((0.0,) * len(r.labels)),
        score: Callable[[Score], Scored] = lambda r: Scored(0.0, len(r.continuation.split())),
        complete: Callable[[Complete], str] = lambda r: r.prompt[-1].content,
        context_window: int = 4_096,
        fingerprint: str = "scripted",
        *,
        constrains: bool = True,
        mixes: bool = True,
    ) -> None:
        self.history: list[Choose | Score | Complete] = []
        self._choose = choose
        self._score = score
        self._complete = complete
        self._spec = LLMSpec(
            "scripted",
            "scripted",
            context_window,
            fingerprint=fingerprint,
            constrains=constrains,
            mixes=mixes,
        )

    @property
    def spec(self) -> LLMSpec:
        """Name and family "scripted"."""
        return self._spec

    async def choose(self, requests: Sequence[Choose]) -> tuple[Chosen, ...]:
        """Return what the script says for each request."""
        self.history.extend(requests)
        return tuple(self._choose(request) for request in requests)

    async def score(self, requests: Sequence[Score]) -> tuple[Scored, ...]:
        """Return what the script says for each request."""
        self.history.extend(requests)
        return tuple(self._score(request) for request in requests)

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        """Return what the script says, with its line breaks, cut after `max_tokens` words."""
        self.history.extend(requests)
        return tuple(map(self._completed, requests))

    async def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield the completion word by word, then whole."""
        self.history.append(request)
        completed = self._completed(request)
        for word in _words(completed.text):
            yield word
        yield completed

    def count_tokens(self, prompt: Prompt) -> int:
        """Return the number of words of all messages."""
        return sum(len(message.content.split()) for message in prompt)

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _completed(self, request: Complete) -> Completed:
        check(request, self._spec)
        text, texts = self._complete(request), request.among
        if texts:
            text = text if text in texts else texts[0]
            return Completed(text, len(_words(text)))
        words = _WORD.findall(text)
        kept = words[: request.max_tokens]
        shares = (1 / len(request.prompts),) * len(request.prompts)
        pieces = tuple(Piece(word, shares) for word in kept) if request.is_mixture else ()
        return Completed("".join(kept), len(kept), cut=len(kept) < len(words), pieces=pieces)


def _words(text: str) -> list[str]:
    """Return the words of a text, white space alone as one."""
    return _WORD.findall(text) or [text] * bool(text)
