"""Two halves of a listwise ranking: which windows to look at, and how one window is asked.

A schedule knows neither prompts nor replies, an asker knows one window only; `ranking` joins any
schedule to any asker.
"""

import random
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from rag.errors import RagError
from rag.flows import Flow, Reply, Request
from rag.values import Chosen, Completed, Frozen
from rerankers.aggregate import borda_points
from rerankers.ordering import Levels, Ordering, Ranker, Window, levels

Kind = TypeVar("Kind", Chosen, Completed)

Schedule: TypeAlias = Generator[Sequence[Window], Sequence[Levels], tuple[int, ...]]
"""Yields windows to look at side by side, is sent a ranking with ties for each, returns the order.

The order of a window breaks ties between its passages. Where a `RagError` is thrown in, the
schedule yields no more and returns the best order it has so far.
"""


@dataclass(frozen=True, slots=True)
class Asked(Frozen):
    """What a window's replies say.

    A window of which nothing could be read is a single level. `missing` and `malformed` are those
    of `Ordering`.
    """

    levels: Levels
    missing: int = 0
    malformed: int = 0


class Asker(Protocol):
    """How one window is asked and read."""

    def requests(self, window: Window) -> Sequence[Request]:
        """Return what to ask about the passages of a window, shown in its order."""
        ...

    def read(self, window: Window, replies: Sequence[Reply]) -> Asked:
        """Return the ranking that the replies say; passages of a level stand in window order."""
        ...


def sole(replies: Sequence[Reply], kind: type[Kind]) -> Kind:
    """Return the only reply, which is of this kind.

    Raises:
        TypeError: it is not.
    """
    (reply,) = replies
    if not isinstance(reply, kind):
        raise TypeError(f"expected a {kind.__name__}, the answer is a {type(reply).__name__}")
    return reply


def ranking(schedule: Schedule, asker: Asker) -> Ranker:
    """Return the order that a schedule finds when its windows are asked in an asker's way.

    All windows of a step are one batch. A window of one passage is not asked, nor is one that was
    asked before: a greedy model would only repeat itself. Findings: `windows`, how many were asked,
    and `uninformative`, how many of them came back as a single level.
    """
    known: dict[Window, Asked] = {}
    try:
        windows = next(schedule)
        while True:
            try:
                yield from _look(windows, asker, known)
            except RagError as failed:
                windows = schedule.throw(failed)
            else:
                windows = schedule.send([_answer(window, known) for window in windows])
    except StopIteration as stop:
        return _ordering(stop.value, list(known.values()))


def _look(windows: Sequence[Window], asker: Asker, known: dict[Window, Asked]) -> Flow[None]:
    new = [w for w in dict.fromkeys(windows) if len(w) > 1 and w not in known]
    if not new:
        return
    asked = [list(asker.requests(window)) for window in new]
    replies = iter((yield [request for requests in asked for request in requests]))
    for window, requests in zip(new, asked, strict=True):
        known[window] = asker.read(window, [next(replies) for _ in requests])


def _answer(window: Window, known: dict[Window, Asked]) -> Levels:
    return known[window].levels if len(window) > 1 else tuple((i,) for i in window)


def _ordering(order: tuple[int, ...], asked: Sequence[Asked]) -> Ordering:
    return Ordering(
        order,
        missing=sum(one.missing for one in asked),
        malformed=sum(one.malformed for one in asked),
        findings={
            "windows": len(asked),
            "uninformative": sum(len(one.levels) == 1 for one in asked),
        },
    )


def self_consistent(asker: Asker, rounds: int, seed: int = 0) -> Asker:
    """Return an asker that shows every window in several orders and merges what it reads.

    The first time a window is shown as it is, then shuffled. The rankings are merged by Borda's
    points; equal points are a tie. Permutation self-consistency, Tang et al., arXiv 2310.07712,
    where 5 orders bring two thirds of what 20 do.

    Raises:
        ValueError: fewer than one round.
    """
    if rounds < 1:
        raise ValueError(f"a window must be shown at least once, not {rounds} times")
    return _SelfConsistent(asker, rounds, seed)


@dataclass(frozen=True, slots=True)
class _SelfConsistent(Frozen):
    asker: Asker
    rounds: int
    seed: int

    def requests(self, window: Window) -> Sequence[Request]:
        return [request for shown in self._shown(window) for request in self.asker.requests(shown)]

    def read(self, window: Window, replies: Sequence[Reply]) -> Asked:
        rest = iter(replies)
        asked = [
            self.asker.read(shown, [next(rest) for _ in self.asker.requests(shown)])
            for shown in self._shown(window)
        ]
        points = borda_points([one.levels for one in asked])
        return Asked(
            levels(window, [points[i] for i in window]),
            missing=sum(one.missing for one in asked),
            malformed=sum(one.malformed for one in asked),
        )

    def _shown(self, window: Window) -> Iterator[Window]:
        """Yield the orders in which a window is shown: the same ones whenever it is asked for."""
        # Of a text, so that every Python has the same seed for it.
        chance = random.Random(f"{self.seed} {window}")  # noqa: S311  not for secrets
        yield window
        for _ in range(self.rounds - 1):
            yield tuple(chance.sample(window, len(window)))
