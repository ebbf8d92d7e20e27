"""Texts under way: each takes its turn on the model's lane pass by pass."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from rag.errors import BadPrompt
from rag.lanes import Lane
from rag.ledger import ms_since
from rag.llms.checking import check
from rag.llms.constrained import begun, narrowed
from rag.llms.decoding import Session, Tally, greedy, greedy_together, sampled, sampled_together
from rag.llms.mixtures import mixed
from rag.llms.reading import Reader
from rag.llms.rendering import Renderer
from rag.llms.spelling import Unfolding
from rag.seams import LLMSpec
from rag.values import Complete, Completed, Piece, Usage

TOGETHER = 10  # chosen: texts side by side; a pass over 11 tokens takes 1.5 times as long as over 1
REMEMBERED = 4_096  # chosen: tokens of likeliest texts side by side; 190 MB with SmolLM2-135M
WORTH_IT = 4  # chosen: fewer likeliest texts are written one by one, faster by their drafts

T = TypeVar("T")


class Writer:
    """Writes texts with one model; `write` and its kin may be called from any task.

    Args:
        spec: what the model is.
        renderer: over its tokenizer.
        reader: the model.
        stops: ids that end a text.
        lane: where the model computes.
    """

    def __init__(
        self,
        spec: LLMSpec,
        renderer: Renderer,
        reader: Reader,
        stops: frozenset[int],
        lane: Lane,
    ) -> None:
        self._spec = spec
        self._renderer = renderer
        self._reader = reader
        self._stops = stops
        self._lane = lane

    def stream(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield a text piece by piece, then the `Completed`; leaving stops the decoding."""
        if request.among:
            return self._among(request)
        return self._mixture(request) if request.is_mixture else self._plain(request)

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        """Return one completion per request; those that may be are written side by side."""
        found: dict[int, Completed] = {}
        for places in _alike(requests, self._length):
            group = [requests[i] for i in places]
            found |= zip(places, await self._written(group), strict=True)
        return tuple(found[i] for i in range(len(requests)))

    async def ids(
        self, session: Session, request: Complete, ids: list[int], tally: Tally
    ) -> AsyncIterator[int]:
        """Yield the ids of a completion, a pass of the model per turn on the lane."""
        stops, most = self._stops, request.max_tokens
        tokens: Iterator[int]
        if request.temperature:
            tokens = sampled(session, ids, most, stops, tally, request.temperature, request.seed)
        else:
            tokens = greedy(session, ids, most, stops, tally)
        async for id_ in self._turns(tokens):
            yield id_

    async def _plain(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        started = time.perf_counter()
        ids = fitting(self._spec, self._renderer.ids(request.prompt), request.max_tokens)
        tally = Tally()
        written = Unfolding(self._renderer.decode)
        async for id_ in self.ids(self._reader.session(), request, ids, tally):
            yield written.add(id_)  # "" too: whoever listens may leave
        if rest := written.rest():
            yield rest
        count = len(written.ids)
        usage = Usage(len(ids), count, ms_since(started), passes=tally.passes)
        yield Completed(written.text, count, count == request.max_tokens, usage)

    async def _among(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        """Yield what all texts that are still possible have in common, then the one that is."""
        started = time.perf_counter()
        check(request, self._spec)
        texts = self._tokenized(request.among)
        longest = max(map(len, texts))
        ids = fitting(self._spec, self._renderer.ids(request.prompt), longest)
        tally, known = Tally(), ""
        written = list(texts.values())
        ways = narrowed(self._reader.session(), ids, list(texts), self._stops, tally)
        async for places in self._turns(ways):
            shown, known = len(known), begun([written[place] for place in places])
            yield known[shown:]
        read = len(ids) if len(texts) > 1 else 0
        usage = Usage(read, tally.tokens, ms_since(started), passes=tally.passes)
        yield Completed(known, tally.tokens, usage=usage)

    def _tokenized(self, texts: Sequence[str]) -> dict[tuple[int, ...], str]:
        """Return texts by their tokens, the first of those that read alike.

        Raises:
            BadPrompt: the tokenizer makes nothing of a text.
        """
        found: dict[tuple[int, ...], str] = {}
        for text in texts:
            found.setdefault(tuple(self._renderer.continuation(text)), text)
        if () in found:
            raise BadPrompt(f"{self._spec.name} has no tokens for {found[()]!r}: leave it out")
        return found

    async def _mixture(self, request: Complete) -> AsyncGenerator[str | Completed, None]:
        started = time.perf_counter()
        check(request, self._spec)
        most = request.max_tokens
        prompts = [fitting(self._spec, self._renderer.ids(one), most) for one in request.prompts]
        sessions = [self._reader.session() for _ in prompts]
        rows = [
            await self._lane.run(session.feed, ids, 1)
            for session, ids in zip(sessions, prompts, strict=True)
        ]
        tally = Tally()
        weights = request.weights or (1.0,) * len(prompts)
        drawing = (self._stops, tally, request.temperature, request.seed)
        tokens = mixed(sessions, np.concatenate(rows), weights, most, *drawing)
        written = Unfolding(self._renderer.decode)
        pieces: list[Piece] = []
        async for one in self._turns(tokens):
            pieces.append(Piece(written.add(one.id), one.shares))
            yield pieces[-1].text
        if rest := written.rest():
            pieces[-1] = replace(pieces[-1], text=pieces[-1].text + rest)
            yield rest
        count, read = len(pieces), sum(map(len, prompts))
        usage = Usage(read, count, ms_since(started), passes=tally.passes)
        yield Completed(written.text, count, count == most, usage, tuple(pieces))

    def _length(self, request: Complete) -> int:
        return len(self._renderer.ids(request.prompt)) + request.max_tokens

    async def _written(self, group: Sequence[Complete]) -> list[Completed]:
        """Return the completions of requests that may be written side by side (`_alike`)."""
        if len(group) == 1:
            return [await self._alone(group[0])]
        if group[0].temperature:
            return await self._drawn(group)
        return await self._likeliest(group)

    async def _alone(self, request: Complete) -> Completed:
        (completed,) = [one async for one in self.stream(request) if isinstance(one, Completed)]
        return completed

    async def _drawn(self, group: Sequence[Complete]) -> list[Completed]:
        """Return the completions of requests that differ in nothing but the seed."""
        first, tallies = group[0], [Tally() for _ in group]
        ids = fitting(self._spec, self._renderer.ids(first.prompt), first.max_tokens)
        passes = sampled_together(
            self._reader.session(),
            ids,
            first.max_tokens,
            self._stops,
            tallies,
            first.temperature,
            [request.seed for request in group],
        )
        return await self._completed(passes, group, [ids] * len(group), tallies)

    async def _likeliest(self, group: Sequence[Complete]) -> list[Completed]:
        """Return the completions of requests at temperature 0 of as many tokens at most."""
        most, tallies = group[0].max_tokens, [Tally() for _ in group]
        prompts = [fitting(self._spec, self._renderer.ids(one.prompt), most) for one in group]
        sessions = [self._reader.session() for _ in group]
        doubted: set[int] = set()
        passes = greedy_together(sessions, prompts, most, self._stops, tallies, doubted)
        try:
            found = await self._completed(passes, group, prompts, tallies)
        except BadPrompt:  # the model remembers other things than keys and values
            return [await self._alone(request) for request in group]
        return [await self._alone(group[i]) if i in doubted else one for i, one in enumerate(found)]

    async def _completed(
        self,
        passes: Iterator[Mapping[int, int]],
        group: Sequence[Complete],
        prompts: Sequence[Sequence[int]],
        tallies: Sequence[Tally],
    ) -> list[Completed]:
        """Return what is written side by side, token by token."""
        started = time.perf_counter()
        texts: list[list[int]] = [[] for _ in group]
        async for written in self._turns(passes):
            for i, id_ in written.items():
                texts[i].append(id_)
        ms = ms_since(started)
        return [
            Completed(
                self._renderer.decode(text),
                len(text),
                len(text) == request.max_tokens,
                Usage(len(ids), len(text), ms, len(group), tally.passes),
            )
            for request, ids, text, tally in zip(group, prompts, texts, tallies, strict=True)
        ]

    async def _turns(self, steps: Iterator[T]) -> AsyncIterator[T]:
        """Yield the steps, each computed in a turn of its own on the lane."""
        while (step := await self._lane.run(next, steps, None)) is not None:
            yield step


def fitting(spec: LLMSpec, ids: list[int], more: int) -> list[int]:
    """Return the ids of a prompt after which so many may follow.

    Raises:
        BadPrompt: they do not fit the model's context window.
    """
    if len(ids) + more > spec.context_window:
        raise BadPrompt(
            f"the prompt has {len(ids):,} tokens and {more:,} are to follow, but "
            f"{spec.name} holds {spec.context_window:,}: send less text"
        )
    return ids


def _alike(requests: Sequence[Complete], length: Callable[[Complete], int]) -> Iterator[list[int]]:
    """Yield the places of requests that may be written side by side, some at a time.

    Those are texts drawn from one prompt, and likeliest texts of the same length at most, as many
    as the model's memory of them is small (`length` says how many tokens one may have).
    """
    drawn: dict[Complete, list[int]] = {}
    likeliest: dict[int, list[int]] = {}
    for i, request in enumerate(requests):
        if request.is_mixture or request.among:
            yield [i]
        elif request.temperature:
            drawn.setdefault(replace(request, seed=0), []).append(i)
        else:
            likeliest.setdefault(request.max_tokens, []).append(i)
    for places in drawn.values():
        for start in range(0, len(places), TOGETHER):
            yield places[start : start + TOGETHER]
    for places in likeliest.values():
        for part in _fitting_together(places, [length(requests[i]) for i in places]):
            yield from [part] if len(part) >= WORTH_IT else [[i] for i in part]


def _fitting_together(places: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    part: list[int] = []
    tokens = 0
    for place, length in zip(places, lengths, strict=True):
        if part and (len(part) == TOGETHER or tokens + length > REMEMBERED):
            yield part
            part, tokens = [], 0
        part.append(place)
        tokens += length
    yield part
