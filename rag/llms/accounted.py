"""A language model whose calls are noted in the ledgers that are kept (`rag.ledger`)."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from rag.ledger import Operation, ms_since, note
from rag.seams import LLM, LLMSpec
from rag.values import (
    Choose,
    Chosen,
    Complete,
    Completed,
    Prompt,
    Score,
    Scored,
    Usage,
)


class Accounted:
    """Passes every call on and notes what it has cost."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    @property
    def spec(self) -> LLMSpec:
        """What the model is."""
        return self._llm.spec

    async def choose(self, requests: Sequence[Choose]) -> tuple[Chosen, ...]:
        """Return each label's log-probability as the very next token."""
        began = time.perf_counter()
        replies = await self._llm.choose(requests)
        self._note("choose", replies, began)
        return replies

    async def score(self, requests: Sequence[Score]) -> tuple[Scored, ...]:
        """Return each continuation's summed log-probability and token count."""
        began = time.perf_counter()
        replies = await self._llm.score(requests)
        self._note("score", replies, began)
        return replies

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        """Return one completion per request."""
        began = time.perf_counter()
        replies = await self._llm.complete(requests)
        self._note("complete", replies, began)
        return replies

    async def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield a text piece by piece, then the `Completed`; leaving stops the decoding.

        Of a stream that was left or failed, the pieces seen count as a token each.
        """
        began = time.perf_counter()
        pieces = 0
        usage: Usage | None = None
        try:
            async with aclosing(self._llm.stream(request)) as stream:
                async for piece in stream:
                    if isinstance(piece, Completed):
                        usage = piece.usage
                    pieces += 1
                    yield piece
        finally:
            spent = usage or Usage(sum(map(self.count_tokens, request.prompts)), pieces)
            note(self.spec.name, "stream", [spent], ms_since(began))

    def count_tokens(self, prompt: Prompt) -> int:
        """Return the prompt's length in the model's tokens, template included."""
        return self._llm.count_tokens(prompt)

    async def close(self) -> None:
        """Release what the model holds."""
        await self._llm.close()

    def _note(
        self, operation: Operation, replies: Sequence[Chosen | Scored | Completed], began: float
    ) -> None:
        if replies:
            usages = [reply.usage for reply in replies]
            note(self.spec.name, operation, usages, ms_since(began))
