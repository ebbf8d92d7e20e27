"""The ledger: what the language model calls of a task have cost.

`keeping` nests: what an inner ledger notes stands in the outer one, too.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from rag.values import Frozen, Usage

Operation = Literal["choose", "score", "complete", "stream"]


@dataclass(frozen=True, slots=True)
class Entry(Frozen):
    """One call: `requests` asked together, `cached` of them answered from the cache.

    Tokens are those that were really read and written. `batch` is the most requests, of all
    callers, that went through the model together; `ms` the call's wall time, waiting included.
    """

    model: str
    operation: Operation
    requests: int
    cached: int
    tokens_in: int
    tokens_out: int
    batch: int
    ms: float


class Ledger:
    """Entries in the order in which the calls ended."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    @property
    def tokens_in(self) -> int:
        """Tokens read, in all calls."""
        return sum(entry.tokens_in for entry in self.entries)

    @property
    def tokens_out(self) -> int:
        """Tokens written, in all calls."""
        return sum(entry.tokens_out for entry in self.entries)

    @property
    def requests(self) -> int:
        """Requests in all calls, from the cache or not."""
        return sum(entry.requests for entry in self.entries)

    @property
    def cached(self) -> int:
        """Requests that the cache answered."""
        return sum(entry.cached for entry in self.entries)


_kept: ContextVar[tuple[Ledger, ...]] = ContextVar("kept", default=())


@contextmanager
def keeping() -> Iterator[Ledger]:
    """Give a ledger of the calls that are made inside, in tasks that begin inside too.

    >>> with keeping() as ledger:
    ...     _ = note("tiny", "choose", [Usage(tokens_in=7), Usage(tokens_in=7, cached=True)], 1.5)
    >>> ledger.tokens_in, ledger.cached
    (7, 1)
    """
    ledger = Ledger()
    token = _kept.set((*_kept.get(), ledger))
    try:
        yield ledger
    finally:
        _kept.reset(token)


def ms_since(began: float) -> float:
    """Return the milliseconds of wall time since a reading of `time.perf_counter`."""
    return (time.perf_counter() - began) * 1_000


def note(model: str, operation: Operation, usages: Sequence[Usage], ms: float) -> Entry:
    """Write a call into every ledger that is kept, and return what is written."""
    made = [usage for usage in usages if not usage.cached]
    entry = Entry(
        model,
        operation,
        requests=len(usages),
        cached=len(usages) - len(made),
        tokens_in=sum(usage.tokens_in for usage in made),
        tokens_out=sum(usage.tokens_out for usage in made),
        batch=max((usage.batch for usage in made), default=0),
        ms=ms,
    )
    for ledger in _kept.get():
        ledger.entries.append(entry)
    return entry
