"""How many requests a key may send: a bucket of tokens for each, wherever the servers are."""

import math
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import diskcache

from rag.errors import Overloaded
from rag.lanes import Lane
from rag.llms.replies import Plain

Take: TypeAlias = Callable[[str], Awaitable[None]]
"""Takes a token of a caller; raises Overloaded where there is none."""

ROUNDING = (
    1e-6  # of a token: who waits as long as he was told is not refused for a float's last bit
)
_REMEMBERED = 10_000  # callers whose rate is known; the one that was silent longest is forgotten


@dataclass(frozen=True, slots=True)
class Limit:
    """How full a bucket is.

    Args:
        per_minute: tokens that come, more than 0.
        burst: the most that it holds.
    """

    per_minute: float
    burst: int

    @property
    def each(self) -> float:
        """Seconds until there is another token."""
        return 60 / self.per_minute

    def left(self, held: tuple[float, float] | None, now: float) -> float:
        """Return the tokens of a bucket after one was taken, negative if there is none to take.

        Args:
            held: how many there were, and when; None is a full one.
            now: seconds, on the same clock.

        >>> Limit(60, 2).left(None, 0.0), Limit(60, 2).left((0.0, 0.0), 0.5)
        (1.0, -0.5)
        """
        tokens, since = held or (float(self.burst), now)
        left = min(float(self.burst), tokens + max(0.0, now - since) / self.each) - 1
        return 0.0 if -ROUNDING < left < 0 else left

    def passed(self, left: float) -> None:
        """Pass where a token was taken.

        Raises:
            Overloaded: there is none; it says when there will be one.
        """
        if left < 0:
            raise Overloaded(
                f"this key may send {self.per_minute:g} requests a minute (server.rate): wait a "
                "little",
                math.ceil(-left * self.each),
            )


@dataclass(slots=True)
class Rates:
    """The buckets of one process, by a clock that nobody sets."""

    limit: Limit
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    async def take(self, caller: str) -> None:
        """Take a token of a caller.

        Raises:
            Overloaded: there is none.
        """
        now = self.clock()
        left = self.limit.left(self._buckets.pop(caller, None), now)
        self._buckets[caller] = (left if left >= 0 else left + 1), now
        while len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        self.limit.passed(left)


class MachineRates:
    """The buckets of the processes of one machine, in a file.

    Their clock is the machine's, which begins anew with it; then a bucket is as full as it was. A
    file that cannot be used limits nobody.

    Args:
        limit: of each bucket.
        folder: made where there is none.
    """

    def __init__(self, limit: Limit, folder: Path) -> None:
        self._limit = limit
        self._lane = Lane("rates")
        self._cache = diskcache.Cache(folder, timeout=1.0, disk=Plain, sqlite_synchronous=0)

    async def take(self, caller: str) -> None:
        """Take a token of a caller.

        Raises:
            Overloaded: there is none.
        """
        self._limit.passed(await self._lane.run(self._left, caller))

    def _left(self, caller: str) -> float:
        with suppress(sqlite3.Error, diskcache.Timeout, OSError), self._cache.transact():
            now = time.monotonic()
            left = self._limit.left(_pair(self._cache.get(caller)), now)
            self._cache.set(caller, f"{left if left >= 0 else left + 1} {now}")
            return left
        return 0.0


def _pair(kept: object) -> tuple[float, float] | None:
    if not isinstance(kept, str):
        return None
    tokens, since = kept.split()
    return float(tokens), float(since)
