"""How a judge asks about one case, and how many cases are asked about together.

A judge's questions about a case are a generator of steps; what is common to all judges stands here
once: questions of many cases go to the model as one batch, what the ledger knows is not asked, and
where a reply cannot be read the step's second way is asked, once.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from eval.judges.reading import Parser
from rag.flows import Flow, Question, Reply
from rag.values import Case, Frozen


@dataclass(frozen=True, slots=True)
class Attempt(Frozen):
    """A question, and how its reply is read."""

    request: Question
    parser: Parser


@dataclass(frozen=True, slots=True)
class Step(Frozen):
    """What is wanted of a case, under a name: asked one way, and another one if that says nothing.

    The second way has a shorter contract: a greedy model would only repeat itself.
    """

    name: str
    first: Attempt
    second: Attempt


@dataclass(frozen=True, slots=True)
class Graded(Frozen):
    """What a judge says about a case.

    `grade` is None where no valid one was given. `score` is what the grade was made from, before it
    was rounded; `parts` are the values of the steps, by name.
    """

    grade: int | None
    score: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)


Grading: TypeAlias = Generator[Sequence[Step], Sequence[float | None], Graded]
"""Yields steps, is sent what was read of each: None where both ways said nothing."""

Grader: TypeAlias = Callable[[Case], Grading]
"""Begins to grade a case, whose texts are harmless and short enough."""


@dataclass(frozen=True, slots=True)
class Asked(Frozen):
    """A question as it is asked: about which case, in which step, the first time (0) or again."""

    case: Case
    step: str
    attempt: int
    way: Attempt


class Book(Protocol):
    """Knows replies, so that none is asked for twice."""

    def known(self, asked: Asked) -> Reply | None:
        """Return the reply to a question, None where it was not asked yet."""
        ...

    def keep(self, asked: Sequence[Asked], replies: Sequence[Reply]) -> None:
        """Keep replies, for good, before anything else is asked."""
        ...


def settled(cases: Sequence[Case], grader: Grader, book: Book) -> Flow[tuple[Graded, ...]]:
    """Return what a judge says about each case; each round of questions is one batch."""
    running = [grader(case) for case in cases]
    ended: dict[int, Graded] = {}
    waiting: dict[int, Sequence[Step]] = {}
    for i, one in enumerate(running):
        _go_on(i, one, None, waiting, ended)
    while waiting:
        asked = [(i, step) for i, steps in waiting.items() for step in steps]
        values = iter((yield from _values(cases, asked, book)))
        said = {i: [next(values) for _ in steps] for i, steps in waiting.items()}
        waiting = {}
        for i, read in said.items():
            _go_on(i, running[i], read, waiting, ended)
    return tuple(ended[i] for i in range(len(cases)))


def _go_on(
    i: int,
    grading: Grading,
    read: Sequence[float | None] | None,
    waiting: dict[int, Sequence[Step]],
    ended: dict[int, Graded],
) -> None:
    """Note the next steps of a case, or what is said about it."""
    try:
        waiting[i] = next(grading) if read is None else grading.send(read)
    except StopIteration as stop:
        ended[i] = stop.value


def _values(
    cases: Sequence[Case], steps: Sequence[tuple[int, Step]], book: Book
) -> Flow[list[float | None]]:
    """Return what the replies to steps say; what says nothing is asked the second way."""
    first = [Asked(cases[i], step.name, 0, step.first) for i, step in steps]
    values = yield from _read(first, book)
    unread = [n for n, value in enumerate(values) if value is None]
    again = [Asked(cases[steps[n][0]], steps[n][1].name, 1, steps[n][1].second) for n in unread]
    for n, value in zip(unread, (yield from _read(again, book)), strict=True):
        values[n] = value
    return values


def _read(asked: Sequence[Asked], book: Book) -> Flow[list[float | None]]:
    """Return what the replies say; a question that stands here twice is asked once."""
    new = {(one.way.request, one.way.parser): one for one in asked if book.known(one) is None}
    if new:
        replies = yield [one.way.request for one in new.values()]
        book.keep([*new.values()], replies)
    return [_said(one, book) for one in asked]


def _said(asked: Asked, book: Book) -> float | None:
    reply = book.known(asked)
    return None if reply is None else asked.way.parser.read(reply)
