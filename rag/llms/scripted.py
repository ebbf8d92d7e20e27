"""The LLM that answers from a script: the shipped fake of the `LLM` seam."""

from collections.abc import AsyncGenerator, Callable, Sequence

from rag.seams import LLMSpec
from rag.values import Choose, Chosen, Complete, Completed, Prompt, Score, Scored


class ScriptedLLM:
    """Answers with the given functions and keeps what it was asked in `history`.

    Tokens are words. `complete` also feeds `stream`, word by word.
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
        """Return what the script says, cut at `max_tokens` words."""
        self.history.extend(requests)
        return tuple(Completed(" ".join(w), len(w)) for w in map(self._words, requests))

    async def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield the completion word by word, a space before each but the first, then whole."""
        self.history.append(request)
        words = self._words(request)
        for i, word in enumerate(words):
            yield f" {word}" if i else word
        yield Completed(" ".join(words), len(words))

    def count_tokens(self, prompt: Prompt) -> int:
        """Return the number of words of all messages."""
        return sum(len(message.content.split()) for message in prompt)

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _words(self, request: Complete) -> list[str]:
        return self._complete(request).split()[: request.max_tokens]
