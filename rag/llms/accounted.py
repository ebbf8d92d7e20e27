"""A language model whose calls are noted in the ledgers that are kept, and have a span each."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from opentelemetry.trace import SpanKind

from rag.ledger import Operation, ms_since, note
from rag.seams import LLM, LLMSpec
from rag.spans import Timed
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

Request = TypeVar("Request", Choose, Score, Complete)
Reply = TypeVar("Reply", Chosen, Scored, Completed)


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
        return await self._asked("choose", self._llm.choose, requests)

    async def score(self, requests: Sequence[Score]) -> tuple[Scored, ...]:
        """Return each continuation's summed log-probability and token count."""
        return await self._asked("score", self._llm.score, requests)

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        """Return one completion per request."""
        return await self._asked("complete", self._llm.complete, requests)

    async def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield a text piece by piece, then the `Completed`; leaving stops the decoding.

        Of a stream that was left or failed, the pieces seen count as a token each.
        """
        began = time.perf_counter()
        pieces = 0
        usage: Usage | None = None
        with self._span("stream") as span:
            try:
                async with aclosing(span.over(self._llm.stream(request))) as stream:
                    async for piece in stream:
                        if isinstance(piece, Completed):
                            usage = piece.usage
                        pieces += 1
                        yield piece
            finally:
                spent = usage or Usage(sum(map(self.count_tokens, request.prompts)), pieces)
                self._note("stream", [spent], began, span)

    def count_tokens(self, prompt: Prompt) -> int:
        """Return the prompt's length in the model's tokens, template included."""
        return self._llm.count_tokens(prompt)

    async def close(self) -> None:
        """Release what the model holds."""
        await self._llm.close()

    async def _asked(
        self,
        operation: Operation,
        ask: Callable[[Sequence[Request]], Awaitable[tuple[Reply, ...]]],
        requests: Sequence[Request],
    ) -> tuple[Reply, ...]:
        began = time.perf_counter()
        with self._span(operation) as span:
            with span.current():
                replies = await ask(requests)
            if replies:
                self._note(operation, [reply.usage for reply in replies], began, span)
            return replies

    def _span(self, operation: Operation) -> Timed:
        """Return the span of a call, as OpenTelemetry's conventions for generative AI name it."""
        name = self.spec.name
        asked = {"gen_ai.operation.name": "chat", "gen_ai.request.model": name}
        return Timed(f"chat {name}", SpanKind.CLIENT, asked | {"firstcite.llm.asked": operation})

    def _note(
        self, operation: Operation, usages: Sequence[Usage], began: float, span: Timed
    ) -> None:
        entry = note(self.spec.name, operation, usages, ms_since(began))
        span.note(
            {
                "gen_ai.usage.input_tokens": entry.tokens_in,
                "gen_ai.usage.output_tokens": entry.tokens_out,
                "firstcite.llm.calls": entry.requests,
                "firstcite.llm.cached": entry.cached,
            }
        )
