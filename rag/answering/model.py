"""What the writers that ask a language model have in common."""

import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar, cast

from rag.deadline import within
from rag.flows import Budget, Driven, Flow, drive
from rag.quoting.choosing import Limits
from rag.seams import LLM
from rag.values import Complete, Completed, Frozen

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Model(Frozen):
    """A language model, and what it may spend on an answer.

    Args:
        llm: gives it; loaded when first asked for.
        tokens: that it may write for one answer.
        seconds: the most time; then what is written stands.
        limits: how long an answer may be.
        samples: answers that are written where a query does not say.
        temperature: of all of them but the first.
    """

    llm: Callable[[], Awaitable[LLM]]
    tokens: int
    seconds: float
    limits: Limits
    samples: int = 1
    temperature: float = 0.7

    async def drive(self, flow: Flow[T], ends: float = math.inf) -> Driven[T]:
        """Run a flow within the time.

        Args:
            flow: runs once.
            ends: when the answer's time is over, by `time.monotonic`; where several flows write it.

        Raises:
            RagError: as `rag.flows.drive`.
        """
        seconds = min(self.seconds, max(0.0, ends - time.monotonic()))
        return await drive(flow, await self.llm(), Budget(seconds=seconds))


def completions(requests: Sequence[Complete]) -> Flow[tuple[Completed, ...]]:
    """Return what the model writes to each request, asked in one batch.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    replies = yield requests
    return tuple(cast("Sequence[Completed]", replies))


async def paced(stream: AsyncGenerator[T, None], seconds: float) -> AsyncGenerator[T, None]:
    """Yield what a stream yields within so many seconds.

    Raises:
        DeadlineExceeded: it has more, but not in time.
    """
    ends = time.monotonic() + seconds
    async with aclosing(stream):
        while True:
            try:
                async with within(max(0.0, ends - time.monotonic())):
                    piece = await anext(stream)
            except StopAsyncIteration:
                return
            yield piece


class Unthinking:
    r"""Leaves out the part in which a model thinks, at the beginning of a text.

    >>> text = Unthinking()
    >>> [text.feed(piece) for piece in ("<thi", "nk>Hm.</th", "ink>", "\n36 hours")]
    ['', '', '', '36 hours']
    """

    def __init__(self) -> None:
        self._held = ""
        self._open = True

    def feed(self, piece: str) -> str:
        """Return what of the text may be shown now."""
        if not self._open:
            return piece
        self._held += piece
        text = self._held.lstrip()
        lower = text.lower()
        for begins, ends in (("<think>", "</think>"), ("<thinking>", "</thinking>")):
            if lower.startswith(begins) and ends in lower:
                text, lower = text[lower.index(ends) + len(ends) :].lstrip(), ""
                if not text:
                    self._held = ""
                    return ""
            elif lower.startswith(begins) or (lower and begins.startswith(lower)):
                return ""
        self._open = not text
        return text

    def rest(self) -> str:
        """Return what was held back and is no thought after all."""
        text = self._held.lstrip() if self._open else ""
        return "" if text.lower().startswith("<think") else text
