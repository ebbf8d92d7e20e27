"""Schedules and rankers run by hand, against models whose opinion is known."""

from collections.abc import Callable, Sequence

from rag.errors import BudgetExceeded
from rag.flows import Reply, Request
from rag.values import Choose, Chosen, Complete, Completed
from rerankers.asking import Schedule
from rerankers.ordering import Levels, Ordering, Ranker, Window, levels

Look = Callable[[Window], Levels]


def by(scores: Sequence[float]) -> Look:
    """Look at windows as a model does that knows these scores of the passages."""
    return lambda window: levels(window, [scores[i] for i in window])


def played(
    schedule: Schedule, look: Look, steps: int = 1_000_000
) -> tuple[tuple[int, ...], list[list[Window]]]:
    """Run a schedule, out of budget after some steps; return its order and its windows by step."""
    asked: list[list[Window]] = []
    try:
        windows = next(schedule)
        while len(asked) < steps:
            asked.append(list(windows))
            windows = schedule.send([look(window) for window in windows])
        schedule.throw(BudgetExceeded("enough"))
    except StopIteration as stop:
        return stop.value, asked
    raise AssertionError("asked again after an error")


def answered(
    ranker: Ranker, reply: Callable[[Request], Reply], steps: int = 1_000_000
) -> tuple[Ordering, list[Sequence[Request]]]:
    """Run a ranker, out of budget after some steps; return its ordering and its batches."""
    asked: list[Sequence[Request]] = []
    try:
        batch = next(ranker)
        while len(asked) < steps:
            asked.append(batch)
            batch = ranker.send([reply(request) for request in batch])
        ranker.throw(BudgetExceeded("enough"))
    except StopIteration as stop:
        return stop.value, asked
    raise AssertionError("asked again after an error")


def undecided(request: Request) -> Reply:
    """Answer like a model to which all passages are the same."""
    if isinstance(request, Choose):
        return Chosen((-1.5,) * len(request.labels))
    assert isinstance(request, Complete)
    return Completed("They are all the same to me.", 7)
