"""The LLM that answers from a script: the shipped fake of the `LLM` seam."""

import re
from collections.abc import AsyncGenerator, Callable, Sequence

from rag.seams import LLMSpec
from rag.values import Choose, Chosen, Complete, Completed, Prompt, Score, Scored

_WORD = re.compile(r"\s*\S+(?:\s+\Z)?")


class ScriptedLLM:
    """Answers with the given functions and keeps what it was asked in `history`.

    Tokens are words, each with the white space before it. `complete` also feeds `stream`, word by
    word.
    """

    def __init__(
        self,
        choose: Callable[[Choose], Chosen] = lambda r: Chosen((0.0,) * len(r.labels)),
        score: Callable[[Score], Scored] = lambda r: Scored(0.0, len(r.continuation.split())),
        complete: Callable[[Complete], str] = lambda r: r.prompt[-1].content,
        context_window: int = 4_096,
        fingerprint: str = "scripted",
    ) -> None:
        self.history: list[Choose | Score | Complete] = []
        self._choose = choose
        self._score = score
        self._complete = complete
        self._spec = LLMSpec("scripted", "scripted", context_window, fingerprint=fingerprint)

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
        return tuple(_completed(self._words(one), one) for one in requests)

    async def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield the completion word by word, then whole."""
        self.history.append(request)
        words = self._words(request)
        for word in words[: request.max_tokens]:
            yield word
        yield _completed(words, request)

    def count_tokens(self, prompt: Prompt) -> int:
        """Return the number of words of all messages."""
        return sum(len(message.content.split()) for message in prompt)

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _words(self, request: Complete) -> list[str]:
        return _WORD.findall(self._complete(request))


def _completed(words: Sequence[str], request: Complete) -> Completed:
    kept = words[: request.max_tokens]
    return Completed("".join(kept), len(kept), cut=len(kept) < len(words))
