"""A language model in this process: prompts rendered, read on one lane, many requests at a time.

Requests of all callers that wait while the lane is busy are read together. A text under way takes
its turn on the lane pass by pass (`rag.llms.writing`), so that a long answer does not hold up the
others.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.errors import BadPrompt
from rag.lanes import Batcher, Lane
from rag.ledger import ms_since
from rag.llms.batching import Row, continuing
from rag.llms.decoding import Tally
from rag.llms.places import Place, Witness, place, rated
from rag.llms.reading import LogProbs, Reader
from rag.llms.rendering import Renderer
from rag.llms.writing import Writer, fitting
from rag.seams import LLMSpec
from rag.values import (
    Choose,
    Chosen,
    Complete,
    Completed,
    Frozen,
    Prompt,
    Score,
    Scored,
    Usage,
)

TURN_TOKENS = 8_192  # chosen: a turn on the lane takes seconds, then others have theirs
RATED = 512  # chosen: tokens of a text rated at a time; 512 × 50,000 logits are 100 MB


@dataclass(frozen=True, slots=True)
class _Read(Frozen):
    """What reading one row gave, and what the call it was part of took."""

    logprobs: LogProbs
    ms: float
    batch: int


class LocalLLM:
    """A model of this process behind the `LLM` seam.

    Args:
        spec: what it is.
        renderer: over the model's tokenizer.
        reader: the model.
        stops: ids that end a completion.
    """

    def __init__(
        self, spec: LLMSpec, renderer: Renderer, reader: Reader, stops: frozenset[int]
    ) -> None:
        self._spec = replace(spec, constrains=True, mixes=True)
        self._renderer = renderer
        self._reader = reader
        self._stops = stops
        self._lane = Lane("llm")
        self._writer = Writer(self._spec, renderer, reader, stops, self._lane)
        self._batcher = Batcher(self._lane, self._read, TURN_TOKENS, _tokens)

    @property
    def spec(self) -> LLMSpec:
        """What this model is."""
        return self._spec

    @property
    def renderer(self) -> Renderer:
        """What makes tokens of prompts, and texts of tokens."""
        return self._renderer

    async def choose(self, requests: Sequence[Choose]) -> tuple[Chosen, ...]:
        """Return each label's log-probability as the very next token, over the whole vocabulary."""
        rows = [self._label_row(request) for request in requests]
        return tuple(
            Chosen(tuple(map(float, read.logprobs[0])), _usage(row, read))
            for row, read in zip(rows, await self._all_read(rows), strict=True)
        )

    async def score(self, requests: Sequence[Score]) -> tuple[Scored, ...]:
        """Return each continuation's summed log-probability and token count."""
        rows = [self._continuation_row(request) for request in requests]
        return tuple(
            Scored(float(read.logprobs.sum()), len(row.wanted), _usage(row, read))
            for row, read in zip(rows, await self._all_read(rows), strict=True)
        )

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        """Return one completion per request.

        Those drawn from the same prompt, as expansions draw theirs, are written side by side, and
        so are likeliest texts where there are several; the others one after the other.
        """
        return await self._writer.complete(requests)

    def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield a text piece by piece, then the `Completed`; leaving stops the decoding."""
        return self._writer.stream(request)

    async def write(
        self, request: Complete, ids: list[int], top: int = 0
    ) -> AsyncGenerator[Place, None]:
        """Yield the place of every token written, with the likeliest `top` in it.

        The token that ends the text comes, too. One token at temperature 0 is read together with
        what others ask at the same time.

        Args:
            request: how to write.
            ids: its prompt, rendered; they and `max_tokens` fit the context window.
            top: how many.
        """
        if request.max_tokens == 1 and not request.temperature:
            (read,) = await self._all_read([Row(tuple(ids), ((),))])
            row = read.logprobs[0]
            best = int(row.argmax())
            yield place(row, best, top, ends=best in self._stops)
            return
        session = Witness(self._reader.session())
        count = 0
        async for id_ in self._writer.ids(session, request, ids, Tally()):
            yield place(session.after(len(ids) + count), id_, top)
            count += 1
        if count < request.max_tokens:
            row = session.after(len(ids) + count)
            yield place(row, max(self._stops, key=row.__getitem__), top, ends=True)

    async def rate(self, ids: Sequence[int], top: int = 0, piece: int = RATED) -> list[Place]:
        """Return the place of every token but the first, with the likeliest `top` in it.

        A long text is read in pieces of so many tokens, a turn on the lane each.
        """
        session = self._reader.session()
        found: list[Place] = []
        for start in range(0, len(ids) - 1, piece):
            read, following = ids[start : start + piece], ids[start + 1 : start + 1 + piece]
            found += await self._lane.run(rated, session, read, following, top)
        return found

    def count_tokens(self, prompt: Prompt) -> int:
        """Return the prompt's length in this model's tokens, template included."""
        return len(self._renderer.ids(prompt))

    async def close(self) -> None:
        """End the model's thread, after the pass that is under way."""
        await asyncio.to_thread(self._lane.close)

    async def _all_read(self, rows: list[Row]) -> Sequence[_Read]:
        """Return what is read in the rows, one turn on the lane after the other.

        Rows that begin alike stand in the same turn, where what they share is read once.
        """
        order = sorted(range(len(rows)), key=lambda i: rows[i].ids)
        parts = _parts([rows[i] for i in order])
        read = [one for part in parts for one in await self._batcher.submit(part)]
        found = dict(zip(order, read, strict=True))
        return [found[i] for i in range(len(rows))]

    def _read(self, rows: Sequence[Row]) -> Sequence[_Read]:
        started = time.perf_counter()
        found = self._reader.read(rows)
        ms = ms_since(started)
        return [_Read(logprobs, ms, len(rows)) for logprobs in found]

    def _label_row(self, request: Choose) -> Row:
        labels = self._renderer.label_ids(request.prompt, request.labels)
        ids = fitting(self._spec, self._renderer.ids(request.prompt), 1)
        if not self._renderer.ends_as_usual(request.prompt, ids):
            raise BadPrompt("the prompt's end melts into the template: end it with a plain sign")
        return Row(tuple(ids), (labels,))

    def _continuation_row(self, request: Score) -> Row:
        ids = self._renderer.ids(request.prompt)
        after = self._renderer.continuation(request.continuation)
        if not after:
            raise BadPrompt("the continuation to score is empty")
        fitting(self._spec, ids, len(after))
        return continuing(ids, after)


def _tokens(rows: Sequence[Row]) -> int:
    return sum(len(row.ids) for row in rows)


def _parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield the rows in order, a turn's worth at a time."""
    part: list[Row] = []
    for row in rows:
        if part and _tokens(part) + len(row.ids) > TURN_TOKENS:
            yield part
            part = []
        part.append(row)
    if part:
        yield part


def _usage(row: Row, read: _Read) -> Usage:
    return Usage(len(row.ids), 0, read.ms, read.batch)
