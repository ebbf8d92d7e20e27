"""A language model that answers what it was asked before from the cache of replies."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from rag.llms.replies import Reply, Request, key
from rag.seams import LLM, LLMSpec
from rag.values import Choose, Chosen, Complete, Completed, Prompt, Score, Scored


class Kept(Protocol):
    """A cache of replies. It may forget; it never fails."""

    async def get(self, keys: Sequence[str], kind: type[Reply]) -> list[Reply | None]:
        """Return the reply kept under each key, or None."""
        ...

    async def put(self, replies: Mapping[str, Chosen | Scored | Completed]) -> None:
        """Keep replies under their keys."""
        ...

    async def close(self) -> None:
        """Release what is held."""
        ...


class Remembering:
    """Asks the model only what is not in the cache; the replies are the model's either way.

    Args:
        llm: its `spec.fingerprint` is part of every key.
        replies: the cache; closed with the model.
    """

    def __init__(self, llm: LLM, replies: Kept) -> None:
        self._llm = llm
        self._replies = replies

    @property
    def spec(self) -> LLMSpec:
        """What the model is."""
        return self._llm.spec

    async def choose(self, requests: Sequence[Choose]) -> tuple[Chosen, ...]:
        """Return each label's log-probability as the very next token."""
        return await self._all(requests, self._llm.choose, Chosen)

    async def score(self, requests: Sequence[Score]) -> tuple[Scored, ...]:
        """Return each continuation's summed log-probability and token count."""
        return await self._all(requests, self._llm.score, Scored)

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        """Return one completion per request."""
        return await self._all(requests, self._llm.complete, Completed)

    async def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield a text piece by piece, then the `Completed`; one from the cache in one piece."""
        name = key(self.spec.fingerprint, request)
        (known,) = await self._replies.get([name], Completed)
        if known is not None:
            if known.text:
                yield known.text
            yield _cached(known)
            return
        async with aclosing(self._llm.stream(request)) as stream:
            async for piece in stream:
                if isinstance(piece, Completed):
                    await self._replies.put({name: piece})
                yield piece

    def count_tokens(self, prompt: Prompt) -> int:
        """Return the prompt's length in the model's tokens, template included."""
        return self._llm.count_tokens(prompt)

    async def close(self) -> None:
        """Release what the model holds, and the cache."""
        await self._llm.close()
        await self._replies.close()

    async def _all(
        self,
        requests: Sequence[Request],
        ask: Callable[[Sequence[Request]], Awaitable[tuple[Reply, ...]]],
        kind: type[Reply],
    ) -> tuple[Reply, ...]:
        """Return the replies in order; what is asked twice at once is asked of the model once."""
        names = [key(self.spec.fingerprint, request) for request in requests]
        known = await self._replies.get(names, kind)
        found = {n: _cached(reply) for n, reply in zip(names, known, strict=True) if reply}
        new = {n: r for n, r in zip(names, requests, strict=True) if n not in found}
        if new:
            made = dict(zip(new, await ask(list(new.values())), strict=True))
            await self._replies.put(made)
            found |= made
        replies = []
        for name in names:
            replies.append(found[name])
            found[name] = _cached(found[name])  # asked a second time, it cost nothing
        return tuple(replies)


def _cached(reply: Reply) -> Reply:
    return replace(reply, usage=replace(reply.usage, cached=True))
